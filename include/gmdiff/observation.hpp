#pragma once

#include <limits>
#include <span>
#include <vector>

#include <gmdiff/mixture.hpp>
#include <gmdiff/points.hpp>

namespace gmdiff {

/// Linear-Gaussian observation `y = A x + e`, `e ~ N(0, R)` (mathematics.md §2.7). Immutable.
class LinearObservation {
 public:
  /// R = noise_std^2 I; `noise_std = 0` is an exact (noiseless) observation.
  /// @param A (dy, d) finite, at least 1 x 1.  @param y (dy) finite.  @param noise_std >= 0, finite.
  /// @throws std::invalid_argument, e.g. `LinearObservation: A is 4x8 but y has 3 entries`.
  LinearObservation(Eigen::MatrixXd A, Eigen::VectorXd y, double noise_std);
  /// R symmetric positive semidefinite (dy, dy), checked as dense covariances are; `relative_precision` of its numbers as in `Covariance`.
  LinearObservation(Eigen::MatrixXd A, Eigen::VectorXd y, Eigen::MatrixXd noise_covariance,
                    double relative_precision = std::numeric_limits<double>::epsilon());

  const Eigen::MatrixXd& A() const { return A_; }
  const Eigen::VectorXd& y() const { return y_; }
  /// sigma_y when R = sigma_y^2 I was given, else NaN.
  double noise_std() const { return noise_std_; }
  bool has_noise_std() const { return noise_covariance_.size() == 0; }
  /// R, shape (dy, dy).
  Eigen::MatrixXd noise_covariance() const;

 private:
  Eigen::MatrixXd A_;
  Eigen::VectorXd y_;
  double noise_std_;
  Eigen::MatrixXd noise_covariance_;  // empty when R = noise_std^2 I
};

/// The exact posterior of a Gaussian-mixture prior: again a mixture.
struct Posterior {
  Mixture mixture;                           ///< p(x | y); its log_weights() are log w'_k, also where the weights underflow
  double log_evidence;                       ///< log p(y)
  Eigen::VectorXd component_log_likelihood;  ///< log N(y; A mu_k, A Sigma_k A^T + R), shape (K)
};

/// Exact posterior and evidence (mathematics.md §2.7): square-root array form, tall problems (dy > d) compressed.
///
/// Structure of the result: a spherical or diag prior observed coordinate-wise (each row of A has one nonzero entry, no column
/// twice, R diagonal) gives diag; a spherical prior of equal variances under any other A gives tied, of unequal ones common basis (full
/// when R is singular but not 0); tied gives tied; else full.
///
/// A rank-deficient A or repeated rows are ordinary when R is positive definite. A component of weight 0 whose A Sigma_k A^T + R is
/// singular stays as it is, with log-likelihood -inf.
/// @throws std::invalid_argument when A does not fit the prior, or some A Sigma_k A^T + R of weight > 0 is singular
///   (a noiseless observation that repeats a row, or observes a direction in which the prior does not vary).
Posterior posterior(const Mixture& prior, const LinearObservation& observation);

/// One posterior per observation, in order. Errors name the observation.
std::vector<Posterior> posterior(const Mixture& prior, std::span<const LinearObservation> observations);

}  // namespace gmdiff
