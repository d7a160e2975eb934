#pragma once

#include <string>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/sampler/problem.hpp>

namespace gmdiff::study {

/// The law that a question about a problem concerns: the posterior when the problem has an observation and
/// the prior is not requested, otherwise the prior.
struct Law {
  std::string name;  ///< "prior" or "posterior"
  Mixture mixture;
};
/// Name of the law in records of a problem with a target.
inline constexpr const char* target_law = "target";
/// Name of the law in records of a problem with an observation that has a map.
inline constexpr const char* nonlinear_law = "posterior";
/// Name of the law in records of a problem with dynamics.
inline constexpr const char* dynamics_law = "dynamics";
Law law_of(const Problem& problem, bool prior);

/// The grid of a problem, adapted to its observation where the grid's description requires it.
TimeGrid grid_of(const Problem& problem, const ForwardProcess& process);

/// The observation that an SMC or guided sampler needs.
/// @throws std::invalid_argument naming the sampler and the problem when it has none.
const LinearObservation& observation_for(const char* sampler_name, const Problem& problem,
                                         const std::string& problem_name);
/// The sampler's name in the catalogue.
const char* name_of(const AnySampler& sampler);

}  // namespace gmdiff::study
