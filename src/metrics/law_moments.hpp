#pragma once

#include <span>

#include <gmdiff/metrics/distances.hpp>

namespace gmdiff {

/// Deviations of a law below this share of its largest one count as 0: the samples' own rounding would
/// decide there.
constexpr double least_relative_deviation = 1e-6;

/// Mean, covariance and whitening of a law, computed once for all sets that are compared with it.
class LawMoments {
 public:
  /// @throws as `moment_errors`
  explicit LawMoments(const Mixture& law);
  /// @param mean (d). @param covariance (d, d) @throws as `moment_errors`
  LawMoments(Eigen::VectorXd mean, Eigen::MatrixXd covariance);
  /// `moment_errors` of checked points.
  /// @param weights (n), or empty; with weights v of sum 1 the covariance has the divisor 1 - sum v^2.
  /// @throws std::invalid_argument for weights that are not finite and >= 0, and when all are 0.
  MomentErrors errors(const Points& x, std::span<const double> weights = {}) const;

 private:
  double whitened_mean(const Eigen::VectorXd& offset) const;
  /// The covariance is given times unit^2.
  double whitened_covariance(const Eigen::MatrixXd& covariance, double unit) const;

  Eigen::VectorXd mean_;
  Eigen::MatrixXd covariance_;
  double unit_;  ///< power of two that brings the law's largest deviation near 1
  /// W (r, d) with W (unit^2 Cov) W^T = I along the r eigenvectors in which the law varies.
  Eigen::MatrixXd whitening_;
};

}  // namespace gmdiff
