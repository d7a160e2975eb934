#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include <gmdiff/model/posterior.hpp>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/observation/posterior_parts.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

ConditionedComponents condition(const Mixture& prior, const LinearObservation& observation) {
  const CovarianceType type = prior.covariance_type();
  if (type == CovarianceType::spherical || type == CovarianceType::diag) {
    if (const auto coordinates = coordinate_observations(observation))
      return condition_coordinates(prior, *coordinates);
  }
  const ReducedObservation reduced = reduce(observation);
  if (type == CovarianceType::spherical && reduced.diagonal) return condition_directions(prior, reduced);
  return condition_arrays(prior, reduced, observation);
}

void check_finite(const Points& means) {
  for (Index k = 0; k < means.rows(); ++k) {
    require(means.row(k).allFinite(), "posterior: the mean of component ", k,
            " is not finite: A, y, the noise or the prior are too large or too small for double precision");
  }
}

// log(w_k) + own_k, normalised, and the logarithm of the sum before normalisation.
struct NormalisedLogWeights {
  VectorXd log_weights;
  long double log_sum;
};

NormalisedLogWeights normalise(const VectorXd& prior_log_weights, const std::vector<long double>& own) {
  std::vector<long double> terms;
  for (Index k = 0; k < prior_log_weights.size(); ++k) {
    terms.push_back(static_cast<long double>(prior_log_weights(k)) + own[static_cast<std::size_t>(k)]);
  }
  const long double largest = *std::max_element(terms.begin(), terms.end());
  long double sum = 0.0L;
  for (const long double term : terms) sum += extended::exp(term - largest);
  NormalisedLogWeights result{VectorXd(prior_log_weights.size()), largest + extended::log(sum)};
  for (std::size_t k = 0; k < terms.size(); ++k) {
    result.log_weights(static_cast<Index>(k)) =
        static_cast<double>((terms[k] - largest) - extended::log(sum));
  }
  return result;
}

}  // namespace

void require_never_occurs(const Mixture& prior, Index k, const std::string& why) {
  require(prior.log_weights()(k) == -std::numeric_limits<double>::infinity(),
          "posterior: A Sigma A^T + R is singular for component ", k, ": ", why);
}

Posterior posterior(const Mixture& prior, const LinearObservation& observation) {
  require(observation.A().cols() == prior.dim(), "posterior: A is ", observation.A().rows(), "x",
          observation.A().cols(), " but the prior has dimension ", prior.dim());
  ConditionedComponents components = condition(prior, observation);
  check_finite(components.means);
  const LogLikelihoods& log_likelihoods = components.log_likelihoods;
  NormalisedLogWeights weights = normalise(prior.log_weights(), log_likelihoods.own);
  VectorXd component_log_likelihood(prior.num_components());
  for (Index k = 0; k < component_log_likelihood.size(); ++k) {
    component_log_likelihood(k) =
        static_cast<double>(log_likelihoods.common + log_likelihoods.own[static_cast<std::size_t>(k)]);
  }
  return {.mixture = Mixture::from_log_weights(weights.log_weights, std::move(components.means),
                                               components.covariance),
          .log_evidence = static_cast<double>(log_likelihoods.common + weights.log_sum),
          .component_log_likelihood = std::move(component_log_likelihood)};
}

std::vector<Posterior> posterior(const Mixture& prior, std::span<const LinearObservation> observations) {
  std::vector<Posterior> result;
  result.reserve(observations.size());
  for (std::size_t i = 0; i < observations.size(); ++i) {
    try {
      result.push_back(posterior(prior, observations[i]));
    } catch (const std::invalid_argument& error) {
      fail("observation ", i, " of ", observations.size(), ": ", error.what());
    }
  }
  return result;
}

}  // namespace gmdiff
