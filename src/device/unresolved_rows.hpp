#pragma once

#include <vector>

#include <gmdiff/device/evaluate.hpp>

#include "device/executor.hpp"

// Given points whose densities and means the arithmetic of a device does not resolve, and `Mixture` does (numerics.md §4).

namespace gmdiff {

class UnresolvedRows {
 public:
  UnresolvedRows(const Mixture& mixture, Level level, const EvaluateOptions& options);

  /// Whether `find` reads log-densities.
  bool needs_log_density() const { return largest_quadratic_ > 0.0; }
  /// The rows of x (n, d), ascending. @param log_density (n) as the device computed it, or empty unless it is needed.
  std::vector<Eigen::Index> find(const Points& x, const Eigen::VectorXd& log_density) const;

 private:
  double reach_ =
      0.0;  ///< of the largest coordinate of a point; 0: there is no density, and nothing to resolve
  double largest_mean_ = 0.0;       ///< of the coordinates of all alpha mu_k
  double largest_log_peak_ = 0.0;   ///< of the components: log w_k less log of the norm of its density
  double largest_quadratic_ = 0.0;  ///< quadratic form whose rounding the logits may carry; 0: any
};

/// Computes the given rows of the result by the functions of `Mixture`: on the threads of the device, or on those of `cpu` when the device
/// has none.
void evaluate_by_mixture(const std::vector<Eigen::Index>& rows, const Mixture& mixture, const Points& x,
                         Level level, const EvaluateOptions& options, const Executor& executor,
                         Evaluation& result);

}  // namespace gmdiff
