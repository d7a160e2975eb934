#include <limits>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "model/observation/posterior_parts.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// A mixture with covariances that are diagonal in one basis, in the coordinates of that basis. Observations
// replace its entries by those of the posterior.
struct CoordinateState {
  Points means;      // (K, d), relative to the centre
  VectorXd centre;   // (d)
  Points variances;  // (K, d)
  Points shifts;     // (K, d): posterior means minus prior means
  LogLikelihoods log_likelihoods;
};

bool equal_entries(const VectorXd& v) { return (v.array() == v(0)).all(); }

// One entry of y for one component: computes the update from S = a^2 v + r and the residual e.
class ScalarUpdate {
 public:
  ScalarUpdate(const CoordinateObservation& observation, double variance)
      : a_(observation.a),
        v_(variance),
        r_(static_cast<long double>(observation.noise_std) * observation.noise_std),
        S_(a_ * a_ * v_ + r_) {}

  bool singular() const { return !(S_ > 0.0L); }
  double variance() const { return static_cast<double>(v_ * r_ / S_); }
  double shift(long double residual) const { return static_cast<double>(a_ * v_ * residual / S_); }
  // Logarithm of the normaliser 1 / sqrt(2 pi S).
  long double log_scale() const { return -0.5L * (extended::log(S_) + extended::log_two_pi); }
  long double divided(long double square) const { return square / S_; }

 private:
  long double a_;
  long double v_;
  long double r_;
  long double S_;
};

// Conditions one coordinate of all components. If they have one variance, the quadratic in y is common to all
// of them: with e = e_c - a m_k, e^2 = e_c^2 + a m_k (a m_k - 2 e_c).
void condition_coordinate(const Mixture& prior, const CoordinateObservation& observation,
                          const std::string& name, CoordinateState& state) {
  const Index j = observation.coordinate;
  const long double a = observation.a;
  const long double centre_residual = observation.y - a * state.centre(j);
  const bool shared = equal_entries(state.variances.col(j));
  for (Index k = 0; k < state.means.rows(); ++k) {
    const ScalarUpdate update(observation, state.variances(k, j));
    long double& own = state.log_likelihoods.own[static_cast<std::size_t>(k)];
    if (update.singular()) {
      require_never_occurs(prior, k, concat(name, " is observed without noise and has variance 0"));
      own = -std::numeric_limits<long double>::infinity();
      continue;
    }
    const long double offset = a * state.means(k, j);
    const long double residual = centre_residual - offset;
    own += shared ? -0.5L * update.divided(offset * (offset - 2.0L * centre_residual))
                  : update.log_scale() - 0.5L * update.divided(residual * residual);
    if (shared && k == 0)
      state.log_likelihoods.common +=
          update.log_scale() - 0.5L * update.divided(centre_residual * centre_residual);
    state.shifts(k, j) = update.shift(residual);
    state.variances(k, j) = update.variance();
  }
}

// Standard deviations of the noise when R is diagonal; otherwise empty.
VectorXd independent_noise_std(const LinearObservation& observation) {
  if (observation.has_noise_std()) return VectorXd::Constant(observation.y().size(), observation.noise_std());
  const MatrixXd R = observation.noise_covariance();
  if (!R.isDiagonal(0.0)) return {};
  return R.diagonal().cwiseMax(0.0).cwiseSqrt();
}

CoordinateState initial_state(const Mixture& prior, const MatrixXd* basis) {
  const Index K = prior.num_components();
  const Index d = prior.dim();
  const VectorXd centre = prior.means().transpose() * prior.weights();
  const Points centred = prior.means().rowwise() - centre.transpose();
  const bool spherical = prior.covariance_type() == CovarianceType::spherical;
  return {.means = basis ? Points(linear_algebra::product(centred, *basis)) : centred,
          .centre = basis ? VectorXd(linear_algebra::product(basis->transpose(), centre)) : centre,
          .variances = spherical ? Points(prior.eigenvalues().replicate(1, d)) : prior.eigenvalues(),
          .shifts = Points::Zero(K, d),
          .log_likelihoods = {.common = 0.0L,
                              .own = std::vector<long double>(static_cast<std::size_t>(K), 0.0L)}};
}

}  // namespace

std::optional<std::vector<CoordinateObservation>> coordinate_observations(
    const LinearObservation& observation) {
  const MatrixXd& A = observation.A();
  if (A.rows() > A.cols()) return std::nullopt;
  const VectorXd noise_std = independent_noise_std(observation);
  if (noise_std.size() == 0) return std::nullopt;
  std::vector<CoordinateObservation> result;
  std::vector<bool> seen(static_cast<std::size_t>(A.cols()), false);
  for (Index i = 0; i < A.rows(); ++i) {
    Index j = 0;
    A.row(i).cwiseAbs().maxCoeff(&j);
    if ((A.row(i).array() != 0.0).count() != 1 || seen[static_cast<std::size_t>(j)]) return std::nullopt;
    seen[static_cast<std::size_t>(j)] = true;
    result.push_back({.coordinate = j, .a = A(i, j), .y = observation.y()(i), .noise_std = noise_std(i)});
  }
  return result;
}

ConditionedComponents condition_coordinates(const Mixture& prior,
                                            const std::vector<CoordinateObservation>& observations) {
  CoordinateState state = initial_state(prior, nullptr);
  for (const CoordinateObservation& observation : observations) {
    condition_coordinate(prior, observation, concat("coordinate ", observation.coordinate), state);
  }
  return {.means = prior.means() + state.shifts,
          .covariance = Covariance::diag(std::move(state.variances)),
          .log_likelihoods = std::move(state.log_likelihoods)};
}

ConditionedComponents condition_directions(const Mixture& prior, const ReducedObservation& observation) {
  const ReducedObservation::Diagonal& diagonal = *observation.diagonal;
  const bool tied = equal_entries(prior.eigenvalues().col(0));
  CoordinateState state = initial_state(prior, &diagonal.V);
  state.log_likelihoods.common = observation.log_constant;
  for (Index i = 0; i < diagonal.s.size(); ++i) {
    const CoordinateObservation scalar{
        .coordinate = i, .a = diagonal.s(i), .y = observation.y(i), .noise_std = diagonal.noise_std};
    condition_coordinate(prior, scalar, "a direction", state);
  }
  const Index m = diagonal.s.size();
  const MatrixXd shifts =
      linear_algebra::product(state.shifts.leftCols(m), diagonal.V.leftCols(m).transpose());
  return {.means = prior.means() + shifts,
          .covariance = tied ? Covariance::tied_eigen(diagonal.V, state.variances.row(0).transpose())
                             : Covariance::common_basis(diagonal.V, std::move(state.variances)),
          .log_likelihoods = std::move(state.log_likelihoods)};
}

}  // namespace gmdiff
