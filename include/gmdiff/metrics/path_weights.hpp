#pragma once

#include <Eigen/Core>

namespace gmdiff {

/// Estimates from the log weights of n paths of a trained sampler (mathematics.md §17.12), each with its
/// standard error over the paths. With one path the errors are NaN. Z is the normaliser of the target.
struct PathSummary {
  double bound, bound_error;  ///< ELBO <= log Z, or EUBO >= log Z
  double log_z, log_z_error;
  double ess, ess_error;  ///< effective sample size over the number of paths, in [0, 1]
};

/// Summarises paths from the start law. They cannot see modes that the sampler misses.
/// @param log_w (n); -inf for a weight of 0, which makes the bound -inf and its error NaN.
/// @throws std::invalid_argument for no paths, for NaN and +inf, and when all weights are 0.
PathSummary forward_summary(const Eigen::VectorXd& log_w);

/// Summarises backward paths from exact draws of the target.
/// @param log_w (n).
/// @throws std::invalid_argument for no paths and for log weights that are not finite.
PathSummary backward_summary(const Eigen::VectorXd& log_w);

}  // namespace gmdiff
