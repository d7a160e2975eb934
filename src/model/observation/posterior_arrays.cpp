#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "base/machine.hpp"
#include "model/observation/posterior_parts.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// The triangularised array [A B G; B 0] Theta = [L 0; gain B'] of one prior covariance B B^T.
struct ConditionedFactor {
  MatrixXd L;     // (m, m), L L^T = S
  MatrixXd gain;  // (d, m): the mean moves by gain L^{-1} (y - A mu)
  MatrixXd B;     // (d, d), B B^T = posterior covariance
  bool singular;
};

// Sorts columns by size, largest first: Householder reflections then keep the relative accuracy of the small
// ones. The posterior variance of a direction that is observed almost without noise is as small as that
// noise.
MatrixXd sorted_columns(const MatrixXd& array) {
  const VectorXd sizes = array.colwise().stableNorm().transpose();
  std::vector<Index> order(static_cast<std::size_t>(array.cols()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&sizes](Index i, Index j) { return sizes(i) > sizes(j); });
  return array(Eigen::all, order);
}

// Bound on the rounding error of A B: |A| |B| with absolute values of the entries, times the rounding of a
// sum of as many terms.
MatrixXd rounding_of_product(const MatrixXd& A, const MatrixXd& B) {
  const double relative = static_cast<double>(A.rows() + A.cols()) * std::numeric_limits<double>::epsilon();
  return relative * linear_algebra::product(A.cwiseAbs(), B.cwiseAbs());
}

ConditionedFactor triangularise(const ReducedObservation& observation, const MatrixXd& B) {
  const Index m = observation.A.rows();
  const Index d = observation.A.cols();
  const MatrixXd rounding = rounding_of_product(observation.A, B);
  const MatrixXd signal = linear_algebra::product(observation.A, B);
  MatrixXd array = MatrixXd::Zero(m + d, d + m);
  // In a direction in which the prior does not vary, A B is 0 up to rounding. Next to a noise that is smaller
  // still, this rounding would look like a signal.
  array.topLeftCorner(m, d) = (signal.array().abs() > rounding.array()).select(signal, 0.0);
  array.topRightCorner(m, m) = observation.G;
  array.bottomLeftCorner(d, d) = B;
  const MatrixXd triangle = linear_algebra::triangular_factor(sorted_columns(array));
  const MatrixXd L = triangle.topLeftCorner(m, m);
  // A pivot measures what a row adds to the rows before it. A positive definite R adds something to every
  // row, however little.
  const bool noisy = observation.diagonal && observation.diagonal->noise_std > 0.0;
  const VectorXd nothing = rounding.rowwise().stableNorm() +
                           std::numeric_limits<double>::epsilon() * observation.G.rowwise().stableNorm();
  return {.L = L,
          .gain = triangle.bottomLeftCorner(d, m),
          .B = triangle.bottomRightCorner(d, d),
          .singular = !noisy && !(L.diagonal().array() > nothing.array()).all()};
}

// A square root of the prior's Sigma_k.
MatrixXd covariance_root(const Mixture& prior, Index k) {
  const Points& eigenvalues = prior.eigenvalues();
  const VectorXd l = eigenvalues.row(eigenvalues.rows() == 1 ? 0 : k).transpose();
  if (l.size() != prior.dim()) return std::sqrt(l(0)) * MatrixXd::Identity(prior.dim(), prior.dim());
  if (prior.bases().empty()) return l.cwiseSqrt().asDiagonal();
  return prior.bases()[prior.bases().size() == 1 ? 0 : static_cast<std::size_t>(k)] *
         l.cwiseSqrt().asDiagonal();
}

bool one_covariance(const Mixture& prior) {
  if (prior.covariance_type() == CovarianceType::tied) return true;
  return prior.covariance_type() == CovarianceType::spherical &&
         (prior.eigenvalues().array() == prior.eigenvalues()(0, 0)).all();
}

long double dot(const Eigen::Ref<const VectorXd>& a, const Eigen::Ref<const VectorXd>& b) {
  long double sum = 0.0L;
  for (Index i = 0; i < a.size(); ++i) sum += static_cast<long double>(a(i)) * static_cast<long double>(b(i));
  return sum;
}

// -sum log L_ii - m/2 log(2 pi)
long double log_normaliser(const MatrixXd& L) {
  long double sum = 0.0L;
  for (Index i = 0; i < L.rows(); ++i) sum -= extended::log(static_cast<long double>(L(i, i)));
  return sum - 0.5L * static_cast<long double>(L.rows()) * extended::log_two_pi;
}

constexpr const char* why_singular = "y has a direction without noise in which A x does not vary";

// Uses one factorisation for all components. The quadratic in y is common to them: with u = L^{-1} (y - A c)
// and m_k = L^{-1} A (mu_k - c), |u - m_k|^2 = |u|^2 + <m_k, m_k - 2 u>.
ConditionedComponents condition_together(const Mixture& prior, const ReducedObservation& observation) {
  const Index K = prior.num_components();
  const ConditionedFactor factor = triangularise(observation, covariance_root(prior, 0));
  if (factor.singular) {
    for (Index k = 0; k < K; ++k) require_never_occurs(prior, k, why_singular);
  }
  const VectorXd centre = prior.means().transpose() * prior.weights();
  const VectorXd u =
      linear_algebra::solve_lower(factor.L, observation.y - linear_algebra::product(observation.A, centre));
  const MatrixXd centred = (prior.means().rowwise() - centre.transpose()).transpose();
  const MatrixXd offsets =
      linear_algebra::solve_lower(factor.L, linear_algebra::product(observation.A, centred));
  LogLikelihoods log_likelihoods{
      .common = observation.log_constant + log_normaliser(factor.L) - 0.5L * dot(u, u), .own = {}};
  for (Index k = 0; k < K; ++k)
    log_likelihoods.own.push_back(-0.5L * dot(offsets.col(k), offsets.col(k) - 2.0 * u));
  const MatrixXd residuals = (-offsets).colwise() + u;
  return {.means = prior.means() + linear_algebra::product(factor.gain, residuals).transpose(),
          .covariance = Covariance::tied_cholesky(factor.B),
          .log_likelihoods = std::move(log_likelihoods)};
}

// |u|^2 of component k for u = L^{-1} e.
long double quadratic(const Mixture& prior, Index k, const ConditionedFactor& factor, const VectorXd& u,
                      const ReducedObservation& observation, const LinearObservation& original) {
  if (observation.rotation.size() == 0) return dot(u, u);
  const VectorXd solution = linear_algebra::solve_lower_transposed(factor.L, u);
  return likelihood_quadratic(prior, k, original, linear_algebra::product(observation.rotation, solution));
}

ConditionedComponents condition_one_by_one(const Mixture& prior, const ReducedObservation& observation,
                                           const LinearObservation& original) {
  // Three matrices per component: the root, the covariance and its eigenvectors.
  const auto K = static_cast<std::uint64_t>(prior.num_components());
  const auto d = static_cast<std::uint64_t>(prior.dim());
  require_memory(saturating_product(K, d, d, 3 * sizeof(double)), "the posterior's ", K,
                 " full covariances in dimension ", d);
  Points means = prior.means();
  std::vector<MatrixXd> roots;
  LogLikelihoods log_likelihoods{.common = observation.log_constant, .own = {}};
  for (Index k = 0; k < prior.num_components(); ++k) {
    MatrixXd root = covariance_root(prior, k);
    ConditionedFactor factor = triangularise(observation, root);
    if (factor.singular) {
      require_never_occurs(prior, k, why_singular);
      log_likelihoods.own.push_back(-std::numeric_limits<long double>::infinity());
      roots.push_back(std::move(root));
      continue;
    }
    const VectorXd mean = prior.means().row(k).transpose();
    const VectorXd u =
        linear_algebra::solve_lower(factor.L, observation.y - linear_algebra::product(observation.A, mean));
    means.row(k) += linear_algebra::product(factor.gain, u).transpose();
    log_likelihoods.own.push_back(log_normaliser(factor.L) -
                                  0.5L * quadratic(prior, k, factor, u, observation, original));
    roots.push_back(std::move(factor.B));
  }
  return {.means = std::move(means),
          .covariance = Covariance::full_cholesky(std::move(roots)),
          .log_likelihoods = std::move(log_likelihoods)};
}

}  // namespace

ConditionedComponents condition_arrays(const Mixture& prior, const ReducedObservation& observation,
                                       const LinearObservation& original) {
  return one_covariance(prior) ? condition_together(prior, observation)
                               : condition_one_by_one(prior, observation, original);
}

}  // namespace gmdiff
