#pragma once

#include <limits>

#include <Eigen/Core>

namespace gmdiff {

/// Linear-Gaussian observation `y = A x + e`, `e ~ N(0, R)` (mathematics.md §2.7). Immutable.
class LinearObservation {
 public:
  /// R = noise_std^2 I; `noise_std = 0` is an exact (noiseless) observation.
  /// @param A (dy, d) finite, at least 1 x 1.  @param y (dy) finite.  @param noise_std >= 0, finite.
  /// @throws std::invalid_argument, e.g. `LinearObservation: A is 4x8 but y has 3 entries`.
  LinearObservation(Eigen::MatrixXd A, Eigen::VectorXd y, double noise_std);
  /// General R, symmetric positive semidefinite (dy, dy). It is checked like the dense matrices of a
  /// `Covariance`, and `relative_precision` has the same meaning.
  LinearObservation(Eigen::MatrixXd A, Eigen::VectorXd y, Eigen::MatrixXd noise_covariance,
                    double relative_precision = std::numeric_limits<double>::epsilon());

  const Eigen::MatrixXd& A() const { return A_; }
  const Eigen::VectorXd& y() const { return y_; }
  /// sigma_y if R was given as sigma_y^2 I, otherwise NaN.
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

}  // namespace gmdiff
