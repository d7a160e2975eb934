#pragma once

#include <gmdiff/plan/smc_plan.hpp>

namespace gmdiff {

/// The exact reverse transition of one component under a potential g_s (mathematics.md §7.5). With v = x -
/// alpha_t mu_k, M_k = alpha_s mu_k + G v and V_k the moments of x_s given x_t = x, and O the coordinates
/// with a factor in g_s:
///   int g_s(x_s) N(x_s; M_k, V_k) dx_s = exp(log_constant - |whitening v + offset|^2)
///   the tilted kernel is x_s = mean + gain v + noise z
/// Matrices are (.., d); for diagonal covariances they hold only the diagonal, as one column.
struct ConditionedTransition {
  long double log_constant;
  Eigen::MatrixXd whitening;  ///< (r, d), or (r, 1); zero rows for coordinates without a factor
  Eigen::VectorXd offset;     ///< (r)
  Eigen::VectorXd mean;       ///< (d)
  Eigen::MatrixXd gain;       ///< (d, d), or (d, 1)
  Eigen::MatrixXd noise;      ///< (d, d), or (d, 1)
};

/// The conditioned transition of component k of `mixture` (spherical, diag or full).
/// @throws std::invalid_argument when both the component and g_s have no variance in an observed direction.
ConditionedTransition conditioned_transition(const MixtureTable& mixture, const MixtureTransition& step,
                                             const Potential& at_s, Eigen::Index k);

}  // namespace gmdiff
