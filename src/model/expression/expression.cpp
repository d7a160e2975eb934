#include <gmdiff/model/expression.hpp>

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "model/expression/evaluate.hpp"
#include "model/expression/liveness.hpp"
#include "model/expression/parser.hpp"
#include "model/expression/scope.hpp"

namespace gmdiff {
namespace {

using expressions::NodeId;
using expressions::Tapes;

Tapes compile(const std::string& text, const ExpressionVariables& variables) {
  expressions::Graph graph;
  const NodeId value = expressions::parse(graph, text, variables);
  return expressions::tapes_with_derivatives(graph, value, variables.dim);
}

void check_points(const Points& x, Eigen::Index dim, const char* what) {
  require(x.cols() == dim, "Expression: ", what, " have dimension ", x.cols(), ", expected ", dim);
}

}  // namespace

Expression::Expression(std::string text, ExpressionVariables variables)
    : text_(std::move(text)), variables_(std::move(variables)) {
  expressions::check(variables_);
  tapes_ = std::make_shared<const Tapes>(compile(text_, variables_));
}

bool Expression::depends_on_time() const {
  const auto& operations = tapes_->value.operations;
  return std::any_of(operations.begin(), operations.end(), [](const expressions::Operation& operation) {
    return operation.primitive == expressions::Primitive::time;
  });
}

Eigen::VectorXd Expression::value(const Points& x, double t) const {
  check_points(x, dim(), "points");
  expressions::Evaluator evaluator(tapes_->value);
  Eigen::VectorXd values(x.rows());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    evaluator.run({.x = x.row(n).data(), .t = t});
    values(n) = evaluator.output(0);
  }
  return values;
}

Points Expression::gradient(const Points& x, double t) const {
  check_points(x, dim(), "points");
  expressions::Evaluator evaluator(tapes_->value_and_gradient);
  Points gradients(x.rows(), dim());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    evaluator.run({.x = x.row(n).data(), .t = t});
    for (Eigen::Index j = 0; j < dim(); ++j) {
      gradients(n, j) = evaluator.output(static_cast<std::size_t>(1 + j));
    }
  }
  return gradients;
}

Points Expression::hessian_vp(const Points& x, const Points& v, double t) const {
  check_points(x, dim(), "points");
  check_points(v, dim(), "vectors");
  require(x.rows() == v.rows(), "Expression: ", x.rows(), " points but ", v.rows(), " vectors");
  expressions::Evaluator evaluator(tapes_->hessian_vp);
  Points products(x.rows(), dim());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    evaluator.run({.x = x.row(n).data(), .v = v.row(n).data(), .t = t});
    for (Eigen::Index j = 0; j < dim(); ++j) products(n, j) = evaluator.output(static_cast<std::size_t>(j));
  }
  return products;
}

}  // namespace gmdiff
