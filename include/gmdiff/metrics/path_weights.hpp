#pragma once

#include <Eigen/Core>

namespace gmdiff {

/// What the log weights of paths say about a trained sampler and the normaliser Z of its target
/// (mathematics.md §17.12), each with its standard error over the paths; with one path the errors are NaN.
struct PathSummary {
  double bound, bound_error;  ///< ELBO <= log Z, or EUBO >= log Z
  double log_z, log_z_error;
  double ess, ess_error;  ///< effective sample size over the number of paths, in [0, 1]
};

/// Of paths from the start law, which cannot see modes that the sampler misses. Weights may be 0.
/// @param log_w (n).
/// @throws std::invalid_argument for no paths, for NaN and +inf, and when all weights are 0.
PathSummary forward_summary(const Eigen::VectorXd& log_w);

/// Of backward paths from exact draws of the target. @throws std::invalid_argument for no paths and for
/// log weights that are not finite.
PathSummary backward_summary(const Eigen::VectorXd& log_w);

}  // namespace gmdiff
