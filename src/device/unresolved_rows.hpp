#pragma once

#include <vector>

#include <gmdiff/device/evaluate.hpp>

#include "device/executor.hpp"

// Finds given points whose densities and means a device's arithmetic does not resolve but `Mixture` does
// (numerics.md §4).

namespace gmdiff {

class UnresolvedRows {
 public:
  UnresolvedRows(const Mixture& mixture, Level level, const EvaluateOptions& options);

  /// Whether `find` reads log-densities.
  bool needs_log_density() const { return largest_quadratic_ > 0.0; }
  /// The unresolved rows of x (n, d), ascending. @param log_density (n) as the device computed it; may be
  /// empty if it is not needed.
  std::vector<Eigen::Index> find(const Points& x, const Eigen::VectorXd& log_density) const;

 private:
  /// Limit of the largest coordinate of a point; 0: the law has no density and there is nothing to resolve.
  double reach_ = 0.0;
  double largest_mean_ = 0.0;      ///< largest coordinate of all alpha mu_k
  double largest_log_peak_ = 0.0;  ///< largest log-density of a component at its mean, including log w_k
  /// limit of the quadratic form, whose rounding error the logits have; 0: no limit
  double largest_quadratic_ = 0.0;
};

/// Computes the given rows of the result by the functions of `Mixture`, on the threads of the device, or on
/// those of `cpu` when the device has none.
void evaluate_by_mixture(const std::vector<Eigen::Index>& rows, const Mixture& mixture, const Points& x,
                         Level level, const EvaluateOptions& options, const Executor& executor,
                         Evaluation& result);

}  // namespace gmdiff
