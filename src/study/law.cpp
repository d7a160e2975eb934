#include "study/law.hpp"

#include <gmdiff/model/posterior.hpp>

#include "base/check.hpp"

namespace gmdiff::study {

Law law_of(const Problem& problem, bool prior) {
  if (!problem.observation || prior) return {"prior", problem.prior};
  return {"posterior", posterior(problem.prior, *problem.observation).mixture};
}

TimeGrid grid_of(const Problem& problem, const ForwardProcess& process) {
  return {process, problem.grid, problem.observation ? &*problem.observation : nullptr};
}

const LinearObservation& observation_for(const SmcSampler& sampler, const Problem& problem,
                                         const std::string& problem_name) {
  require(problem.observation.has_value(), name_of(sampler), " samples the posterior of an observation, and ",
          problem_name, " has none");
  return *problem.observation;
}

const char* name_of(const SmcSampler& sampler) {
  return std::visit([](const auto& description) { return description.name; }, sampler);
}

}  // namespace gmdiff::study
