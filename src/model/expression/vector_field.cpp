#include <gmdiff/model/vector_field.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <gmdiff/model/expression.hpp>

#include "base/check.hpp"
#include "base/user_function.hpp"
#include "model/expression/derivatives.hpp"
#include "model/expression/evaluate.hpp"
#include "model/expression/liveness.hpp"
#include "model/expression/parser.hpp"
#include "model/expression/scope.hpp"

namespace gmdiff {

using expressions::Graph;
using expressions::Node;
using expressions::NodeId;
using expressions::Primitive;

/// The texts of a field in one graph, which shares their common parts.
class VectorField::Compiler {
 public:
  Compiler(const std::vector<std::string>& texts, const std::string& name,
           const std::map<std::string, double>& parameters) {
    const ExpressionVariables variables{
        .dim = static_cast<int>(texts.size()), .parameters = parameters, .time = true};
    expressions::check(variables);
    for (const std::string& text : texts) {
      try {
        values_.push_back(expressions::parse(graph_, text, variables));
      } catch (const std::invalid_argument& error) {
        fail(name, " ", values_.size() + 1, ": ", error.what());
      }
    }
  }

  void describe(VectorField& field) const {
    field.tape_ = std::make_shared<const expressions::Tape>(tape_of(graph_, values_));
    for (std::size_t j = 0; j < values_.size(); ++j) {
      for_each_load(values_[j], [&](const Node& load) {
        if (load.primitive == Primitive::time) field.depends_on_time_ = true;
        if (load.primitive != Primitive::position) return;
        field.depends_on_position_ = true;
        if (load.a != static_cast<int>(j)) field.is_diagonal_ = false;
      });
    }
  }

  /// Replaces the values by their derivatives df_j/dx_j.
  void differentiate() {
    const auto d = static_cast<int>(values_.size());
    for (std::size_t j = 0; j < values_.size(); ++j)
      values_[j] = expressions::append_gradient(graph_, values_[j], d)[j];
  }

  /// Value j if it is a constant.
  std::optional<double> constant(std::size_t j) const { return constant_at(values_[j]); }

  /// The derivatives df_i/dx_j, if they are constants.
  std::optional<Eigen::MatrixXd> jacobian() {
    const auto d = static_cast<Eigen::Index>(values_.size());
    Eigen::MatrixXd result(d, d);
    for (Eigen::Index i = 0; i < d; ++i) {
      const std::vector<NodeId> row =
          expressions::append_gradient(graph_, values_[static_cast<std::size_t>(i)], static_cast<int>(d));
      for (Eigen::Index j = 0; j < d; ++j) {
        const std::optional<double> entry = constant_at(row[static_cast<std::size_t>(j)]);
        if (!entry) return {};
        result(i, j) = *entry;
      }
    }
    return result;
  }

 private:
  std::optional<double> constant_at(NodeId node) const {
    const long double* const found = graph_.constant_at(node);
    if (found == nullptr) return {};
    return static_cast<double>(*found);
  }

  /// Calls body(node) for the loads that a node needs.
  template <class Body>
  void for_each_load(NodeId value, Body body) const {
    std::vector<bool> needed(static_cast<std::size_t>(value) + 1, false);
    needed.back() = true;
    for (NodeId id = value; id >= 0; --id) {
      if (!needed[static_cast<std::size_t>(id)]) continue;
      const Node& node = graph_.node(id);
      const int operands = arity(node.primitive);
      if (operands == 0) body(node);
      for (int i = 0; i < operands; ++i) needed[static_cast<std::size_t>(node.operand(i))] = true;
    }
  }

  Graph graph_;
  std::vector<NodeId> values_;
};

VectorField::VectorField(std::vector<std::string> texts, std::string name,
                         std::map<std::string, double> parameters)
    : texts_(std::move(texts)),
      name_(std::move(name)),
      parameters_(std::move(parameters)),
      dim_(static_cast<int>(texts_.size())) {
  require(!texts_.empty(), name_, ": expected one text for each coordinate, got none");
  Compiler(texts_, name_, parameters_).describe(*this);
}

VectorField::VectorField(const std::vector<double>& values) : dim_(static_cast<int>(values.size())) {
  require(!values.empty(), "VectorField: expected one number for each coordinate, got none");
  Graph graph;
  std::vector<NodeId> nodes;
  nodes.reserve(values.size());
  for (const double value : values) nodes.push_back(graph.constant(static_cast<long double>(value)));
  tape_ = std::make_shared<const expressions::Tape>(tape_of(graph, nodes));
}

VectorField::VectorField(CustomField function)
    : dim_(function.dim), depends_on_time_(true), depends_on_position_(true), is_diagonal_(false) {
  require(!function.id.empty(), "custom field: the id is empty; it names the field in results");
  require(dim_ >= 1, "custom field \"", function.id, "\": dim must be at least 1, got ", dim_);
  require(function.evaluate != nullptr || function.device != nullptr, "custom field \"", function.id,
          "\": has no function");
  turns_ = std::make_shared<Turns>(function.concurrent);
  custom_ = std::make_shared<const CustomField>(std::move(function));
}

Points VectorField::value(const Points& x, double t) const {
  require(x.cols() == dim_, "VectorField: points have dimension ", x.cols(), ", expected ", dim_);
  if (custom_ != nullptr) {
    require(custom_->evaluate != nullptr, "custom field \"", custom_->id,
            "\": works in the memory of a GPU, so the plan needs the device cuda");
    Points values = unwritten_rows(x.rows(), x.cols());
    const auto turn = turns_->take();
    custom_->evaluate(t, x.rows(), x.data(), values.data());
    return values;
  }
  expressions::Evaluator evaluator(*tape_);
  Points values(x.rows(), x.cols());
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    evaluator.run({.x = x.row(n).data(), .t = t});
    for (Eigen::Index j = 0; j < x.cols(); ++j) values(n, j) = evaluator.output(static_cast<std::size_t>(j));
  }
  return values;
}

VectorField VectorField::diagonal_derivative() const {
  require(custom_ == nullptr, "VectorField: the function \"", custom_ == nullptr ? "" : custom_->id,
          "\" has no derivative");
  if (texts_.empty()) return VectorField(std::vector<double>(static_cast<std::size_t>(dim_), 0.0));
  Compiler compiler(texts_, name_, parameters_);
  compiler.differentiate();
  VectorField derivative(dim_);
  compiler.describe(derivative);
  return derivative;
}

std::optional<AffineField> VectorField::affine() const {
  if (depends_on_time_ || !is_diagonal_) return {};
  const Points offset = value(Points::Zero(1, dim_));
  AffineField result;
  if (texts_.empty()) {
    result.slope.assign(static_cast<std::size_t>(dim_), 0.0);
  } else {
    Compiler compiler(texts_, name_, parameters_);
    compiler.differentiate();
    for (std::size_t j = 0; j < texts_.size(); ++j) {
      const auto slope = compiler.constant(j);
      if (!slope) return {};
      result.slope.push_back(*slope);
    }
  }
  result.offset.assign(offset.data(), offset.data() + offset.size());
  return result;
}

std::optional<Eigen::MatrixXd> VectorField::constant_jacobian() const {
  if (depends_on_time_) return {};
  if (texts_.empty()) return Eigen::MatrixXd::Zero(dim_, dim_);
  return Compiler(texts_, name_, parameters_).jacobian();
}

VectorField elementwise(const std::string& function, int dim) {
  std::vector<std::string> texts;
  for (int j = 1; j <= dim; ++j) texts.push_back(concat(function, "(x", j, ")"));
  return {std::move(texts), function};
}

}  // namespace gmdiff
