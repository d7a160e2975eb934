#include "metrics/law_moments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

Eigen::MatrixXd checked_covariance(Eigen::MatrixXd covariance) {
  if (!covariance.allFinite())
    throw std::domain_error("moment_errors: the covariance of the law has entries beyond the largest double");
  return covariance;
}

double largest_deviation(const Eigen::MatrixXd& covariance) {
  return std::sqrt(covariance.diagonal().cwiseAbs().maxCoeff());
}

/// diag(l)^(-1/2) U^T over the eigenvalues that do not count as 0.
Eigen::MatrixXd whitening(const Eigen::MatrixXd& covariance) {
  const linear_algebra::SymmetricEigen eigen = linear_algebra::symmetric_eigen(covariance);
  const double least = least_relative_deviation * least_relative_deviation * eigen.l.maxCoeff();
  const Eigen::Index zeros = (eigen.l.array() <= least).count();  // l is ascending
  const Eigen::Index rank = eigen.l.size() - zeros;
  return eigen.l.tail(rank).cwiseSqrt().cwiseInverse().asDiagonal() * eigen.U.rightCols(rank).transpose();
}

/// Weights of sum 1; empty without any.
Eigen::VectorXd shares(std::span<const double> weights, Eigen::Index n) {
  if (weights.empty()) return {};
  require(std::ssize(weights) == n, "moments: ", n, " points need as many weights, given ", weights.size());
  const Eigen::Map<const Eigen::VectorXd> w(weights.data(), n);
  require(w.allFinite() && w.minCoeff() >= 0.0 && w.maxCoeff() > 0.0,
          "moments: weights must be finite and >= 0, and not all 0");
  const double largest = w.maxCoeff();
  double sum = 0.0;
  for (const double weight : weights) sum += weight / largest;
  return w / largest / sum;
}

Eigen::MatrixXd covariance_of(const Points& centred) {
  return centred.transpose() * centred / (static_cast<double>(centred.rows()) - 1.0);
}

/// Without bias for fixed weights; 0 for a single point with a weight.
Eigen::MatrixXd covariance_of(const Points& centred, const Eigen::VectorXd& shares) {
  const double divisor = 1.0 - shares.squaredNorm();
  if (divisor <= 0.0) return Eigen::MatrixXd::Zero(centred.cols(), centred.cols());
  return centred.transpose() * shares.asDiagonal() * centred / divisor;
}

/// Overflow makes terms infinite, and their differences NaN: the value is beyond the largest double.
double infinite_if_nan(double value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

}  // namespace

LawMoments::LawMoments(const Mixture& law) : LawMoments(law.mean(), law.covariance()) {}

LawMoments::LawMoments(Eigen::VectorXd mean, Eigen::MatrixXd covariance)
    : mean_(std::move(mean)),
      covariance_(checked_covariance(std::move(covariance))),
      unit_(normalising_factor(largest_deviation(covariance_))),
      whitening_(whitening(covariance_ * unit_ * unit_)) {}

MomentErrors LawMoments::errors(const Points& x, std::span<const double> weights) const {
  const double unit = normalising_factor(x.cwiseAbs().maxCoeff());
  Points centred = x;
  if (unit != 1.0) centred *= unit;
  const Eigen::VectorXd v = shares(weights, x.rows());
  const Eigen::RowVectorXd sample_mean = weights.empty() ? Eigen::RowVectorXd(centred.colwise().mean())
                                                         : Eigen::RowVectorXd(v.transpose() * centred);
  centred.rowwise() -= sample_mean;

  // Rescales so that neither squares of the points nor variances of the law overflow or underflow.
  const double factor =
      normalising_factor(std::max(centred.cwiseAbs().maxCoeff(), unit * largest_deviation(covariance_)));
  if (factor != 1.0) centred *= factor;
  const double to_unit = unit * factor;
  const Eigen::MatrixXd sample_covariance =
      weights.empty() ? covariance_of(centred) : covariance_of(centred, v);
  const double error = safe_norm(sample_covariance - covariance_ * to_unit * to_unit);
  const double scale = safe_norm(covariance_);
  const Eigen::VectorXd offset = sample_mean.transpose() / unit - mean_;
  return {.mean = safe_norm(offset),
          .covariance = (scale > 0.0 ? error / scale : error) / to_unit / to_unit,
          .whitened_mean = whitened_mean(offset),
          .whitened_covariance = whitened_covariance(sample_covariance, to_unit)};
}

double LawMoments::whitened_mean(const Eigen::VectorXd& offset) const {
  if (whitening_.rows() == 0) return 0.0;
  return infinite_if_nan(safe_norm(whitening_ * (offset * unit_)));
}

double LawMoments::whitened_covariance(const Eigen::MatrixXd& covariance, double unit) const {
  const Eigen::Index rank = whitening_.rows();
  if (rank == 0) return 0.0;
  const Eigen::MatrixXd W = whitening_ * (unit_ / unit);
  const Eigen::MatrixXd whitened =
      linear_algebra::product(linear_algebra::product(W, covariance), W.transpose());
  const double error = safe_norm(whitened - Eigen::MatrixXd::Identity(rank, rank));
  return infinite_if_nan(error / std::sqrt(static_cast<double>(rank)));
}

}  // namespace gmdiff
