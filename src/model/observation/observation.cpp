#include <gmdiff/model/observation.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/covariance_check.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

void check_finite(const MatrixXd& matrix, const char* name) {
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j) {
      require(std::isfinite(matrix(i, j)), "LinearObservation: entry (", i, ", ", j, ") of ", name, " is ",
              matrix(i, j), ", expected a finite number");
    }
  }
}

void check_operator(const MatrixXd& A, const VectorXd& y) {
  require(A.rows() > 0 && A.cols() > 0, "LinearObservation: A is ", A.rows(), "x", A.cols(),
          ", expected at least 1x1");
  require(y.size() == A.rows(), "LinearObservation: A is ", A.rows(), "x", A.cols(), " but y has ", y.size(),
          " entries");
  check_finite(A, "A");
  for (Index i = 0; i < y.size(); ++i) {
    require(std::isfinite(y(i)), "LinearObservation: entry ", i, " of y is ", y(i),
            ", expected a finite number");
  }
}

// Eigenvalues of a symmetric matrix.
VectorXd eigenvalues(const MatrixXd& R) {
  return R.isDiagonal(0.0) ? VectorXd(R.diagonal()) : linear_algebra::symmetric_eigen(R).l;
}

}  // namespace

LinearObservation::LinearObservation(MatrixXd A, VectorXd y, double noise_std)
    : A_(std::move(A)), y_(std::move(y)), noise_std_(noise_std) {
  check_operator(A_, y_);
  require(noise_std >= 0.0 && std::isfinite(noise_std), "LinearObservation: noise_std is ", noise_std,
          ", expected finite and >= 0");
}

LinearObservation::LinearObservation(MatrixXd A, VectorXd y, MatrixXd noise_covariance,
                                     double relative_precision)
    : A_(std::move(A)),
      y_(std::move(y)),
      noise_std_(std::numeric_limits<double>::quiet_NaN()),
      noise_covariance_(std::move(noise_covariance)) {
  check_operator(A_, y_);
  MatrixXd& R = noise_covariance_;
  require(R.rows() == y_.size() && R.cols() == y_.size(), "LinearObservation: the noise covariance is ",
          R.rows(), "x", R.cols(), " but y has ", y_.size(), " entries");
  check_finite(R, "the noise covariance");
  MatrixXd symmetric = symmetrised(R);
  check_covariance(R, eigenvalues(symmetric), relative_precision, "LinearObservation: the noise covariance");
  R = std::move(symmetric);
}

MatrixXd LinearObservation::noise_covariance() const {
  if (!has_noise_std()) return noise_covariance_;
  return noise_std_ * noise_std_ * MatrixXd::Identity(y_.size(), y_.size());
}

}  // namespace gmdiff
