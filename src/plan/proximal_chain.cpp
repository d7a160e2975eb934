#include "plan/proximal_chain.hpp"

#include "base/linear_algebra.hpp"
#include "model/observation/likelihood_nodes.hpp"
#include "plan/mcmc_checks.hpp"

namespace gmdiff::mcmc {

std::optional<double> likelihood_lipschitz(const NonlinearObservation& observation) {
  const auto* map = std::get_if<ElementwiseMap>(&observation.map());
  if (map == nullptr || map->function != MapFunction::identity) return {};
  const bool is_scaled = observation.has_noise_std();  // R = noise_std^2 I
  const Eigen::MatrixXd B =
      is_scaled ? map->A : linear_algebra::solve_lower(observations::noise_factor(observation), map->A);
  // B^T B and B B^T share their largest eigenvalue.
  const Eigen::MatrixXd T = B.transpose();
  const Eigen::MatrixXd gram =
      B.rows() > B.cols() ? linear_algebra::product(T, B) : linear_algebra::product(B, T);
  const double variance = is_scaled ? observation.noise_std() * observation.noise_std() : 1.0;
  return linear_algebra::symmetric_eigen(gram).l.maxCoeff() / variance;
}

namespace {

void check_prior(const Target* target) {
  require(target != nullptr, "myula: expected a target of type regularised; given a mixture");
  const Regularised* const of = target->regularised();
  require(of != nullptr, "myula: expected a target of type regularised; given ",
          name_of(target->description()));
  require(of->prior.smoothing == Smoothing::none,
          "myula: the prior has a smoothing, but proximal chains smooth it themselves; expected the "
          "smoothing none");
  require(
      of->prior.analysis == AnalysisOperator::identity || of->prior.analysis == AnalysisOperator::gradient,
      "myula: only the operators identity and gradient have a proximal map; for another one use a smoothing "
      "and "
      "another sampler");
}

double default_theta(const NonlinearObservation& observation) {
  const std::optional<double> lipschitz = likelihood_lipschitz(observation);
  require(lipschitz.has_value(),
          "myula: theta is missing; it has a default only for the map identity, given ",
          name_of(observation.map()));
  require(*lipschitz > 0.0,
          "myula: theta is missing; the likelihood does not depend on x, so it has no default");
  return 1.0 / *lipschitz;
}

}  // namespace

Myula with_defaults(Myula sampler, const Target* target) {
  check_prior(target);
  check_parameters(sampler);
  require(sampler.run.preconditioner.size() == 0,
          "myula: a preconditioner is given, but proximal chains take none");
  if (!sampler.theta) sampler.theta = default_theta(target->regularised()->observation);
  if (!sampler.step) sampler.step = 0.5 * *sampler.theta;
  require(*sampler.step <= *sampler.theta, "myula: step must be at most theta = ", *sampler.theta, ", got ",
          *sampler.step);
  return sampler;
}

}  // namespace gmdiff::mcmc
