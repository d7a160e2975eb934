#include "model/observation/likelihood_nodes.hpp"

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/observation/observation_map.hpp"

namespace gmdiff::observations {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using expressions::Graph;
using expressions::NodeId;

std::vector<NodeId> append_residual(Graph& graph, const std::vector<NodeId>& map, const VectorXd& y) {
  std::vector<NodeId> residual;
  residual.reserve(map.size());
  for (std::size_t i = 0; i < map.size(); ++i) {
    const NodeId observed = graph.constant(static_cast<long double>(y(static_cast<Index>(i))));
    residual.push_back(graph.subtract(observed, map[i]));
  }
  return residual;
}

MatrixXd noise_factor(const NonlinearObservation& observation) {
  const Index dy = observation.y().size();
  if (observation.has_noise_std()) return observation.noise_std() * MatrixXd::Identity(dy, dy);
  const auto L = linear_algebra::cholesky(observation.noise_covariance());
  require(L.has_value(), "NonlinearObservation: the noise covariance must be positive definite");
  return *L;
}

std::vector<NodeId> append_whitened(Graph& graph, const std::vector<NodeId>& r, const MatrixXd& L) {
  std::vector<NodeId> w;
  w.reserve(r.size());
  for (std::size_t i = 0; i < r.size(); ++i) {
    const auto row = static_cast<Index>(i);
    NodeId sum = r[i];
    for (std::size_t j = 0; j < i; ++j) {
      const NodeId entry = graph.constant(static_cast<long double>(L(row, static_cast<Index>(j))));
      sum = graph.subtract(sum, graph.multiply(entry, w[j]));
    }
    w.push_back(graph.multiply(sum, graph.constant(1.0L / static_cast<long double>(L(row, row)))));
  }
  return w;
}

NodeId append_quadratic(Graph& graph, const std::vector<NodeId>& w) {
  NodeId sum = graph.constant(0.0L);
  for (const NodeId entry : w) sum = graph.add(sum, graph.multiply(entry, entry));
  return graph.multiply(graph.constant(-0.5L), sum);
}

NodeId append_log_likelihood(Graph& graph, const NonlinearObservation& observation) {
  const std::vector<NodeId> map = append(graph, observation.map());
  const std::vector<NodeId> residual = append_residual(graph, map, observation.y());
  return append_quadratic(graph, append_whitened(graph, residual, noise_factor(observation)));
}

}  // namespace gmdiff::observations
