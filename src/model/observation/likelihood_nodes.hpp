#pragma once

#include <vector>

#include <gmdiff/model/nonlinear_observation.hpp>

#include "model/expression/graph.hpp"

// The log-likelihood of a nonlinear observation as an expression (mathematics.md §13.2).

namespace gmdiff::observations {

/// Appends r = y - Phi for the nodes of Phi: dy nodes.
std::vector<expressions::NodeId> append_residual(expressions::Graph& graph,
                                                 const std::vector<expressions::NodeId>& map,
                                                 const Eigen::VectorXd& y);

/// The lower factor L of R = L L^T. @throws std::invalid_argument if R is not positive definite.
Eigen::MatrixXd noise_factor(const NonlinearObservation& observation);

/// Appends w = L^-1 r, by forward substitution.
std::vector<expressions::NodeId> append_whitened(expressions::Graph& graph,
                                                 const std::vector<expressions::NodeId>& r,
                                                 const Eigen::MatrixXd& L);

/// Appends -1/2 |w|^2.
expressions::NodeId append_quadratic(expressions::Graph& graph, const std::vector<expressions::NodeId>& w);

/// Appends log N(y; Phi(x), R) without its constant.
expressions::NodeId append_log_likelihood(expressions::Graph& graph, const NonlinearObservation& observation);

}  // namespace gmdiff::observations
