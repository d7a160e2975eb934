#include "plan/guidance.hpp"

#include <algorithm>
#include <cmath>

#include <gmdiff/sampler/problem.hpp>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"

namespace gmdiff::guidance {
namespace {

double squared(double value) { return value * value; }

ResidualWeight weight_of(Tmp::Scale scale) {
  switch (scale) {
    case Tmp::Scale::moments:
      return ResidualWeight::moments;
    case Tmp::Scale::diffuse:
      return ResidualWeight::diffuse;
    case Tmp::Scale::row_sum:
      return ResidualWeight::row_sums;
  }
  fail("tmp: unknown scale");
}

void check_parameters(const auto& /*method*/) {}
void check_tau2(const char* name, double tau2) {
  require(tau2 > 0.0 && std::isfinite(tau2), name, ": tau2 must be finite and > 0, got ", tau2);
}
void check_parameters(const Pigdm& method) { check_tau2(method.name, method.tau2); }
void check_parameters(const PigdmAlgorithm1& method) { check_tau2(method.name, method.tau2); }
void check_length(const char* name, double zeta, double epsilon) {
  require(zeta >= 0.0 && std::isfinite(zeta), name, ": zeta must be finite and >= 0, got ", zeta);
  require(epsilon >= 0.0 && std::isfinite(epsilon), name, ": epsilon must be finite and >= 0, got ", epsilon);
}
void check_parameters(const Dps& method) { check_length(method.name, method.zeta, method.epsilon); }
void check_parameters(const DpsGsg& method) {
  check_length(method.name, method.zeta, method.epsilon);
  constexpr int most = 65536;
  require(method.directions >= 1 && method.directions <= most, method.name, ": directions must be from 1 to ",
          most, ", got ", method.directions);
}

void check_noise(const auto& /*method*/, const LinearObservation& /*observation*/) {}
void check_noise(const DpsLikelihood& method, const LinearObservation& observation) {
  const bool exact = observation.has_noise_std() ? observation.noise_std() == 0.0
                                                 : observation.noise_covariance().isZero(0.0);
  require(!exact, method.name, ": divides by the variance of the noise, and the observation has none");
}

/// A and y after whitening, with independent noise of equal variance in all entries.
GuidanceTable whitened(const LinearObservation& observation) {
  if (observation.has_noise_std()) {
    return {.A = observation.A(), .y = observation.y(), .noise_variance = squared(observation.noise_std())};
  }
  const Eigen::MatrixXd R = observation.noise_covariance();
  if (R.isZero(0.0)) return {.A = observation.A(), .y = observation.y()};
  const auto L = linear_algebra::cholesky(R);
  require(L.has_value(), "guidance: the noise covariance must be positive definite or 0");
  return {.A = linear_algebra::solve_lower(*L, observation.A()),
          .y = linear_algebra::solve_lower(*L, observation.y()),
          .noise_variance = 1.0};
}

/// U^T y = diag(s) V^T x + noise, with one row for each nonzero singular value.
GuidanceTable decomposed(const GuidanceTable& given) {
  const linear_algebra::Svd svd = linear_algebra::full_svd(given.A);
  const Eigen::Index r = svd.rank();
  const Eigen::VectorXd y = linear_algebra::product(svd.U.transpose(), given.y);
  GuidanceTable table = given;
  table.singular_values = svd.s.head(r);
  table.A = table.singular_values.asDiagonal() * svd.V.leftCols(r).transpose();
  table.y = y.head(r);
  table.unexplained = y.tail(y.size() - r).squaredNorm();
  return table;
}

}  // namespace

double isotropic_variance(const Level& level, double tau2) {
  return squared(level.sigma) * tau2 / (squared(level.sigma) + squared(level.alpha) * tau2);
}

double jacobian_factor(const Level& level) { return level.alpha / squared(level.sigma); }

bool reads_moments(const Guide& stage) {
  switch (stage.weight) {
    case ResidualWeight::moments:
    case ResidualWeight::row_sums:
    case ResidualWeight::diffuse:
      return true;
    case ResidualWeight::isotropic:
    case ResidualWeight::norm:
    case ResidualWeight::unit:
    case ResidualWeight::ones:
      return false;
  }
  fail("guidance: unknown weight of a residual");
}

Row row(const Tmp& method, const Level& level) {
  return {.stage = {.level = level, .weight = weight_of(method.scale)}};
}

Row row(const Pigdm& method, const Level& level) {
  return {.stage = {.level = level,
                    .weight = ResidualWeight::isotropic,
                    .variance = isotropic_variance(level, method.tau2)}};
}

Row row(const PigdmAlgorithm1& method, const Level& level) {
  const double r2 = isotropic_variance(level, method.tau2);
  return {.stage = {.level = level, .weight = ResidualWeight::isotropic, .variance = r2},
          .factor = level.alpha * r2};
}

Row row(const Dps& method, const Level& level) {
  return {.stage = {.level = level, .weight = ResidualWeight::norm, .epsilon = method.epsilon},
          .factor = 2.0 * method.zeta};
}

Row row(const DpsLikelihood& /*method*/, const Level& level) {
  return {.stage = {.level = level, .weight = ResidualWeight::isotropic, .variance = 0.0}};
}

Row row(const DpsGsg& method, const Level& level) {
  constexpr double least_alpha = 0.1;  // as in the package Diffuse
  const bool by_jacobian = method.pullback == DpsGsg::Pullback::jacobian;
  const double pullback = by_jacobian ? 1.0 : 1.0 / std::max(level.alpha, least_alpha);
  return {.stage = {.level = level,
                    .weight = ResidualWeight::norm,
                    .epsilon = method.epsilon,
                    .directions = method.directions,
                    .has_covariance = by_jacobian},
          .factor = 2.0 * method.zeta * pullback};
}

void check(const GuidedSampler& method, const LinearObservation& observation) {
  std::visit(
      [&](const auto& description) {
        check_parameters(description);
        check_noise(description, observation);
      },
      method);
}

void check(const GuidedSampler& method, const NonlinearObservation& /*observation*/) {
  check_takes_map(method);
  std::visit([](const auto& description) { check_parameters(description); }, method);
}

namespace {

bool needs_derivative(const GuidedSampler& method) {
  const auto* smoothed = std::get_if<DpsGsg>(&method);
  return smoothed == nullptr || smoothed->pullback == DpsGsg::Pullback::jacobian;
}

void check_derivative(const char* method, const HostDenoiser& denoiser) {
  require(static_cast<bool>(denoiser.transposed_jvp), method,
          ": needs the product J^T v, J = dD/dx, and the denoiser \"", denoiser.id,
          "\" has none; give it transposed_jvp (vjp in Python)");
}
void check_derivative(const char* method, const DeviceDenoiser& denoiser) {
  fail(method, ": needs the product J^T v, J = dD/dx, which the denoiser \"", denoiser.id,
       "\" on a GPU cannot have; give a denoiser on the host");
}

}  // namespace

void check(const GuidedSampler& method, const Denoiser& denoiser) {
  std::visit(
      [&]<class Method>(const Method& description) {
        require(Method::takes_denoiser, description.name,
                ": needs the mixture of the prior; with a denoiser in its place expected tmp, dps, dps-gsg, "
                "dps-likelihood, pigdm or pigdm-alg1");
        if (!needs_derivative(method)) return;
        std::visit([&](const auto& given) { check_derivative(description.name, given); }, denoiser);
      },
      method);
}

bool needs_given_rows(const GuidedSampler& method) {
  const auto* tmp = std::get_if<Tmp>(&method);
  return tmp != nullptr && tmp->scale != Tmp::Scale::moments;
}

GuidanceTable table(const LinearObservation& observation, Eigen::Index dim, bool given_rows) {
  require(observation.A().cols() == dim, "guidance: A is ", observation.A().rows(), "x",
          observation.A().cols(), " but the prior has dimension ", dim);
  require(!observation.A().isZero(0.0), "guidance: A is 0, so nothing is observed");
  const GuidanceTable given = whitened(observation);
  return given_rows ? given : decomposed(given);
}

GuidanceTable table(const NonlinearObservation& observation, Eigen::Index dim, bool whitened) {
  require(observation.dim() == dim, "guidance: the map takes points of dimension ", observation.dim(),
          " but the prior has dimension ", dim);
  const CustomMap* const custom = observation.custom();
  require(custom == nullptr, "guidance: the map \"", custom == nullptr ? "" : custom->id,
          "\" is a function of the calling program (CustomMap), which guided samplers and SMC do not call; "
          "expected an elementwise map, range or expression, or a Markov chain as the sampler");
  return {.noise_variance = whitened ? 1.0 : 0.0, .map = MapRows{observation, whitened}};
}

}  // namespace gmdiff::guidance

namespace gmdiff {

const expressions::Tape& MapRows::tape() const {
  return whitened ? observation.whitened_residual_and_jacobian() : observation.residual_and_jacobian();
}

}  // namespace gmdiff
