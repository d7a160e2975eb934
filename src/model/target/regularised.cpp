#include "model/target/regularised.hpp"

#include <cmath>

#include "base/check.hpp"
#include "model/expression/derivatives.hpp"
#include "model/expression/graph.hpp"
#include "model/expression/liveness.hpp"
#include "model/observation/likelihood_nodes.hpp"
#include "model/observation/observation_map.hpp"
#include "model/target/formulas.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using expressions::Graph;
using expressions::NodeId;
using expressions::Primitive;

void check_number(const char* name, double value) {
  require(std::isfinite(value) && value > 0.0, Regularised::name, ": ", name, " must be positive, got ",
          value);
}

void check_shape(const SparsePrior& prior, Index dim) {
  const bool has_shape = prior.analysis == AnalysisOperator::gradient_2d;
  require(has_shape || prior.shape.empty(), Regularised::name,
          ": shape is the height and the width of the image of the operator gradient-2d, and this one is "
          "another");
  if (!has_shape) return;
  require(prior.shape.size() == 2, Regularised::name,
          ": the operator gradient-2d needs a shape of two numbers, height and width; given ",
          prior.shape.size());
  const int height = prior.shape[0], width = prior.shape[1];
  require(height >= 2 && width >= 2, Regularised::name, ": shape must have two numbers >= 2, got ", height,
          " and ", width);
  require(Index{height} * width == dim, Regularised::name, ": an image of shape (", height, ", ", width,
          ") has ", Index{height} * width, " numbers, but the observation is of dimension ", dim);
}

void check_matrix(const SparsePrior& prior, Index dim) {
  const bool has_matrix = prior.analysis == AnalysisOperator::matrix;
  require(has_matrix || prior.matrix.size() == 0, Regularised::name,
          ": matrix belongs to the operator matrix, and this one is another");
  if (!has_matrix) return;
  require(prior.matrix.rows() > 0 && prior.matrix.cols() == dim, Regularised::name, ": matrix has shape (",
          prior.matrix.rows(), ", ", prior.matrix.cols(), "), expected (m, ", dim, ") with m >= 1");
  require(prior.matrix.allFinite(), Regularised::name, ": matrix must be finite");
}

NodeId difference(Graph& graph, Index to, Index from) {
  return graph.subtract(graph.position(static_cast<int>(to)), graph.position(static_cast<int>(from)));
}

/// The differences along the rows of an image and then those along its columns.
std::vector<NodeId> append_differences(Graph& graph, Index height, Index width) {
  std::vector<NodeId> u;
  u.reserve(static_cast<std::size_t>(2 * height * width));
  for (Index i = 0; i < height; ++i) {
    for (Index j = 0; j + 1 < width; ++j) u.push_back(difference(graph, i * width + j + 1, i * width + j));
  }
  for (Index i = 0; i + 1 < height; ++i) {
    for (Index j = 0; j < width; ++j) u.push_back(difference(graph, (i + 1) * width + j, i * width + j));
  }
  return u;
}

/// u = F x
std::vector<NodeId> append_analysis(Graph& graph, const SparsePrior& prior, Index dim) {
  switch (prior.analysis) {
    case AnalysisOperator::identity: {
      std::vector<NodeId> u;
      u.reserve(static_cast<std::size_t>(dim));
      for (Index i = 0; i < dim; ++i) u.push_back(graph.position(static_cast<int>(i)));
      return u;
    }
    case AnalysisOperator::gradient:
      return append_differences(graph, 1, dim);
    case AnalysisOperator::gradient_2d:
      return append_differences(graph, prior.shape[0], prior.shape[1]);
    case AnalysisOperator::matrix:
      return observations::append(graph, ElementwiseMap{.A = prior.matrix});
  }
  fail("regularised: unknown operator");
}

NodeId append_psi(Graph& graph, const SparsePrior& prior, NodeId u) {
  const auto e = static_cast<long double>(width_of(prior));
  switch (prior.smoothing) {
    case Smoothing::none:
      return graph.function(Primitive::abs, u);
    case Smoothing::pseudo_huber: {
      const NodeId sum = graph.add(graph.multiply(u, u), graph.constant(e * e));
      return graph.subtract(graph.function(Primitive::sqrt, sum), graph.constant(e));
    }
    case Smoothing::huber: {
      // With c, the number of [-e, e] nearest to u, psi = c (u - c/2) / e.
      const NodeId from_below = graph.choose(Primitive::maximum, u, graph.constant(-e));
      const NodeId c = graph.choose(Primitive::minimum, from_below, graph.constant(e));
      const NodeId rest = graph.subtract(u, graph.multiply(graph.constant(0.5L), c));
      return graph.multiply(graph.multiply(c, rest), graph.constant(1.0L / e));
    }
    case Smoothing::quadratic:
      return graph.multiply(graph.constant(0.5L), graph.multiply(u, u));
  }
  fail("regularised: unknown smoothing");
}

/// -lambda sum_i psi((F x)_i)
NodeId append_log_prior(Graph& graph, const SparsePrior& prior, Index dim) {
  NodeId sum = graph.constant(0.0L);
  for (const NodeId u : append_analysis(graph, prior, dim)) sum = graph.add(sum, append_psi(graph, prior, u));
  return graph.multiply(graph.constant(-static_cast<long double>(prior.weight)), sum);
}

}  // namespace

void check(const Regularised& target) {
  const SparsePrior& prior = target.prior;
  const Index dim = target.observation.dim();
  check_number("weight", prior.weight);
  if (prior.width) check_number("width", *prior.width);
  require(!prior.width || prior.smoothing == Smoothing::pseudo_huber || prior.smoothing == Smoothing::huber,
          Regularised::name,
          ": width belongs to the smoothings pseudo-huber and huber, and the smoothing is ",
          prior.smoothing == Smoothing::none ? "none" : "quadratic");
  require(prior.analysis != AnalysisOperator::gradient || dim >= 2, Regularised::name,
          ": the operator gradient needs at least 2 coordinates, got 1");
  check_shape(prior, dim);
  check_matrix(prior, dim);
}

double width_of(const SparsePrior& prior) { return prior.width.value_or(0.01 / prior.weight); }

expressions::Tapes compile(const Regularised& target, GradientOf gradient) {
  Graph graph;
  const Index dim = target.observation.dim();
  const auto d = static_cast<int>(dim);
  const bool is_called = target.observation.custom() != nullptr;
  const NodeId likelihood =
      is_called ? graph.constant(0.0L) : observations::append_log_likelihood(graph, target.observation);
  const NodeId value = graph.add(append_log_prior(graph, target.prior, dim), likelihood);
  return expressions::tapes_with_derivatives(graph, value,
                                             gradient == GradientOf::log_density ? value : likelihood, d);
}

}  // namespace gmdiff::targets
