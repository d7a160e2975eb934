#include "model/observation/observation_reduction.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// y = A x + noise_std e, and a constant to add to every log-likelihood.
struct IsotropicObservation {
  MatrixXd A;
  VectorXd y;
  double noise_std;
  long double log_constant = 0.0L;
};

// Log-density of `count` independent N(0, std^2) variables whose squares sum to `sum_of_squares`.
long double log_noise_density(long double sum_of_squares, double std, Index count) {
  const long double s = std;
  const long double log_normaliser = extended::log(s) + 0.5L * extended::log_two_pi;
  return -0.5L * sum_of_squares / (s * s) - static_cast<long double>(count) * log_normaliser;
}

long double squared_norm(const Eigen::Ref<const VectorXd>& x) {
  long double sum = 0.0L;
  for (const double value : x) sum += static_cast<long double>(value) * static_cast<long double>(value);
  return sum;
}

// sigma when R = sigma^2 I, given either as a standard deviation or as a matrix.
std::optional<double> isotropic_std(const LinearObservation& observation) {
  if (observation.has_noise_std()) return observation.noise_std();
  const MatrixXd R = observation.noise_covariance();
  if (R != MatrixXd(R(0, 0) * MatrixXd::Identity(R.rows(), R.cols()))) return std::nullopt;
  return std::sqrt(R(0, 0));
}

IsotropicObservation whiten(const LinearObservation& observation, const MatrixXd& cholesky) {
  long double log_determinant = 0.0L;
  for (const double pivot : cholesky.diagonal())
    log_determinant += extended::log(static_cast<long double>(pivot));
  return {.A = linear_algebra::solve_lower(cholesky, observation.A()),
          .y = linear_algebra::solve_lower(cholesky, observation.y()),
          .noise_std = 1.0,
          .log_constant = -log_determinant};
}

// A = Q [A1; 0], Q^T y = (y1, y2): the QR decomposition of [A y] has the triangle [A1 y1; 0 |y2|], so that Q
// itself is not needed.
void compress_tall(IsotropicObservation& observation) {
  const Index rows = observation.A.rows();
  const Index d = observation.A.cols();
  MatrixXd augmented(d + 1, rows);
  augmented << observation.A.transpose(), observation.y.transpose();
  const MatrixXd triangle = linear_algebra::triangular_factor(augmented).transpose();
  const auto rest = static_cast<long double>(triangle(d, d));
  observation.A = triangle.topLeftCorner(d, d);
  observation.y = triangle.col(d).head(d);
  observation.log_constant += log_noise_density(rest * rest, observation.noise_std, rows - d);
}

ReducedObservation from_svd(const linear_algebra::Svd& svd, const VectorXd& rotated_y, double noise_std,
                            long double log_constant) {
  const Index rank = svd.rank();
  return {.A = svd.s.head(rank).asDiagonal() * svd.V.leftCols(rank).transpose(),
          .y = rotated_y.head(rank),
          .G = noise_std * MatrixXd::Identity(rank, rank),
          .log_constant = log_constant,
          .rotation = svd.U.leftCols(rank),
          .diagonal = ReducedObservation::Diagonal{svd.V, svd.s.head(rank), noise_std}};
}

ReducedObservation reduce_noisy(IsotropicObservation observation) {
  const bool tall = observation.A.rows() > observation.A.cols();
  if (tall) compress_tall(observation);
  const linear_algebra::Svd svd = linear_algebra::full_svd(observation.A);
  const VectorXd rotated_y = linear_algebra::product(svd.U.transpose(), observation.y);
  const Index noise_only = rotated_y.size() - svd.rank();
  const long double log_noise =
      log_noise_density(squared_norm(rotated_y.tail(noise_only)), observation.noise_std, noise_only);
  ReducedObservation reduced =
      from_svd(svd, rotated_y, observation.noise_std, observation.log_constant + log_noise);
  if (tall) reduced.rotation.resize(0, 0);
  return reduced;
}

ReducedObservation reduce_correlated(const LinearObservation& observation, const MatrixXd& cholesky) {
  ReducedObservation reduced = reduce_noisy(whiten(observation, cholesky));
  if (reduced.rotation.size() > 0)
    reduced.rotation = linear_algebra::solve_lower_transposed(cholesky, reduced.rotation);
  return reduced;
}

// Scales each row, exactly, to a length in [1, 2), because rows in different units must not look linearly
// dependent.
ReducedObservation reduce_noiseless(MatrixXd A, const VectorXd& y) {
  constexpr const char* singular =
      "posterior: A Sigma A^T + R is singular for every component: the observation is noiseless and ";
  require(A.rows() <= A.cols(), singular, "has more entries (", A.rows(), ") than the prior has dimensions (",
          A.cols(), ")");
  VectorXd scale(A.rows());
  long double log_scale = 0.0L;
  for (Index i = 0; i < A.rows(); ++i) {
    const double length = A.row(i).stableNorm();
    require(length > 0.0, singular, "row ", i, " of A is zero");
    const int exponent = -std::ilogb(length);
    scale(i) = std::ldexp(1.0, exponent);
    log_scale += exponent * std::numbers::ln2_v<long double>;
  }
  A = scale.asDiagonal() * A;
  const linear_algebra::Svd svd = linear_algebra::full_svd(A);
  require(svd.rank() == A.rows(), singular, "the rows of A are linearly dependent (", A.rows(),
          " rows, rank ", svd.rank(), ")");
  ReducedObservation reduced =
      from_svd(svd, linear_algebra::product(svd.U.transpose(), scale.cwiseProduct(y)), 0.0, log_scale);
  reduced.rotation = scale.asDiagonal() * reduced.rotation;
  return reduced;
}

// The observation unchanged, with R = G G^T.
ReducedObservation as_given(const LinearObservation& observation, MatrixXd G) {
  const Index rows = G.rows();
  return {.A = observation.A(),
          .y = observation.y(),
          .G = std::move(G),
          .log_constant = 0.0L,
          .rotation = MatrixXd::Identity(rows, rows),
          .diagonal = {}};
}

// Whether some entries are so much noisier than others that after whitening they would vanish in the rounding
// of the others.
bool is_graded(const MatrixXd& cholesky) {
  constexpr double most_graded = 1e12;
  return cholesky.diagonal().maxCoeff() > most_graded * cholesky.diagonal().minCoeff();
}

// For a singular R != 0: factors R = G G^T by eigenvalues. Eigenvalues that R does not resolve from 0 count
// as 0.
ReducedObservation with_singular_noise(const LinearObservation& observation) {
  const linear_algebra::SymmetricEigen eigen =
      linear_algebra::symmetric_eigen(observation.noise_covariance());
  const double resolved =
      static_cast<double>(eigen.l.size()) * std::numeric_limits<double>::epsilon() * eigen.l.maxCoeff();
  const VectorXd roots = (eigen.l.array() > resolved).select(eigen.l.cwiseMax(0.0).cwiseSqrt(), 0.0);
  return as_given(observation, eigen.U * roots.asDiagonal());
}

}  // namespace

ReducedObservation reduce(const LinearObservation& observation) {
  if (const std::optional<double> std = isotropic_std(observation)) {
    if (*std == 0.0) return reduce_noiseless(observation.A(), observation.y());
    return reduce_noisy({.A = observation.A(), .y = observation.y(), .noise_std = *std});
  }
  const std::optional<MatrixXd> cholesky = linear_algebra::cholesky(observation.noise_covariance());
  if (!cholesky) return with_singular_noise(observation);
  return is_graded(*cholesky) ? as_given(observation, *cholesky) : reduce_correlated(observation, *cholesky);
}

}  // namespace gmdiff
