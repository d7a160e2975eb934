#include "plan/rotated_observation.hpp"

#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "model/observation/posterior_parts.hpp"

namespace gmdiff {
namespace {

constexpr double range_tolerance = 1e-10;  // share of |y| that rounding can leave outside the range of A

/// For rows with one nonzero entry each: the observed coordinates first, then the others in their order.
RotatedObservation from_coordinates(const std::vector<CoordinateObservation>& entries, Eigen::Index dim) {
  const auto r = static_cast<Eigen::Index>(entries.size());
  RotatedObservation rotated{Eigen::MatrixXd::Zero(dim, dim), Eigen::VectorXd(r), Eigen::VectorXd(r), 0.0};
  std::vector<bool> is_observed(static_cast<std::size_t>(dim), false);
  long double log_constant = 0.0L;
  for (Eigen::Index i = 0; i < r; ++i) {
    const CoordinateObservation& entry = entries[static_cast<std::size_t>(i)];
    rotated.V(entry.coordinate, i) = 1.0;
    rotated.y(i) = entry.y / entry.a;
    rotated.n(i) = entry.noise_std / std::abs(entry.a);
    log_constant -= extended::log(std::abs(static_cast<long double>(entry.a)));
    is_observed[static_cast<std::size_t>(entry.coordinate)] = true;
  }
  Eigen::Index next = r;
  for (Eigen::Index j = 0; j < dim; ++j) {
    if (!is_observed[static_cast<std::size_t>(j)]) rotated.V(j, next++) = 1.0;
  }
  rotated.log_constant = static_cast<double>(log_constant);
  return rotated;
}

/// The observation y = A x + sigma eps with the same noise in all entries.
struct Isotropic {
  Eigen::MatrixXd A;
  Eigen::VectorXd y;
  double sigma;
  long double log_constant;
  bool is_whitened;
};

Isotropic whitened(const LinearObservation& observation) {
  if (observation.has_noise_std())
    return {observation.A(), observation.y(), observation.noise_std(), 0.0L, false};
  const Eigen::MatrixXd R = observation.noise_covariance();
  if (R.isZero(0.0)) return {observation.A(), observation.y(), 0.0, 0.0L, false};
  const auto G = linear_algebra::cholesky(R);
  require(
      G.has_value(),
      "smc: the noise covariance of an observation that mixes coordinates must be positive definite or 0");
  long double log_constant = 0.0L;
  for (Eigen::Index i = 0; i < G->rows(); ++i)
    log_constant -= extended::log(static_cast<long double>((*G)(i, i)));
  return {linear_algebra::solve_lower(*G, observation.A()), linear_algebra::solve_lower(*G, observation.y()),
          1.0, log_constant, true};
}

// Ratio of norms of rows below which small rows survive the rounding of large ones.
constexpr double most_graded = 1e12;

/// Whether whitening left rows too different for sums over all of them: nearly exact entries beside noisy
/// ones.
bool is_graded(const Isotropic& observation) {
  if (!observation.is_whitened) return false;
  const Eigen::VectorXd norms = observation.A.rowwise().norm();
  return norms.maxCoeff() > most_graded * norms.minCoeff() && norms.minCoeff() > 0.0;
}

/// V^T x of the shortest x with A x = y, from rows of length 1.
Eigen::VectorXd graded_directions(const Isotropic& observation, const Eigen::MatrixXd& V) {
  const Eigen::MatrixXd unit = observation.A.rowwise().normalized();
  const Eigen::Index dy = unit.rows();
  require(linear_algebra::full_svd(unit).rank() == dy,
          "smc: the noise of entries of y differs by a factor of more than ", most_graded,
          ", and one of them sees what the others see");
  const Eigen::MatrixXd L = linear_algebra::triangular_factor(unit);
  const Eigen::VectorXd y = observation.y.cwiseQuotient(observation.A.rowwise().norm());
  const Eigen::MatrixXd solution =
      linear_algebra::solve_lower_transposed(L, linear_algebra::solve_lower(L, Eigen::MatrixXd(y)));
  return linear_algebra::product(
      V.transpose(), Eigen::VectorXd(linear_algebra::product(unit.transpose(), Eigen::VectorXd(solution))));
}

RotatedObservation from_singular_directions(const Isotropic& observation) {
  const linear_algebra::Svd svd = linear_algebra::full_svd(observation.A);
  const bool graded = is_graded(observation);
  const Eigen::Index r = graded ? observation.y.size() : svd.rank();
  const Eigen::VectorXd y = linear_algebra::product(svd.U.transpose(), observation.y);
  const Eigen::VectorXd of_rows = graded ? graded_directions(observation, svd.V) : Eigen::VectorXd();
  RotatedObservation rotated{svd.V, Eigen::VectorXd(r), Eigen::VectorXd(r), 0.0};
  long double log_constant = observation.log_constant;
  for (Eigen::Index i = 0; i < r; ++i) {
    rotated.y(i) = graded ? of_rows(i) : y(i) / svd.s(i);
    rotated.n(i) = observation.sigma / svd.s(i);
    log_constant -= extended::log(static_cast<long double>(svd.s(i)));
  }
  // The part of y outside the range of A is noise.
  const long double sigma = observation.sigma;
  for (Eigen::Index j = r; j < y.size(); ++j) {
    if (observation.sigma == 0.0) {
      require(std::abs(y(j)) <= range_tolerance * y.norm(), "smc: y is outside the range of A, by ",
              std::abs(y(j)), " of |y| = ", y.norm(), ", and there is no noise");
    } else {
      const long double z = static_cast<long double>(y(j)) / sigma;
      log_constant -= 0.5L * z * z + extended::log(sigma) + 0.5L * extended::log_two_pi;
    }
  }
  rotated.log_constant = static_cast<double>(log_constant);
  return rotated;
}

}  // namespace

RotatedObservation rotate(const LinearObservation& observation, Eigen::Index dim) {
  require(observation.A().cols() == dim, "smc: A is ", observation.A().rows(), "x", observation.A().cols(),
          " but the prior has dimension ", dim);
  require(!observation.A().isZero(0.0), "smc: A is 0, so nothing is observed");
  if (const auto entries = coordinate_observations(observation)) return from_coordinates(*entries, dim);
  return from_singular_directions(whitened(observation));
}

}  // namespace gmdiff
