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

const LinearObservation& observation_for(const char* sampler_name, const Problem& problem,
                                         const std::string& problem_name) {
  require(problem.observation.has_value(), sampler_name, " samples the posterior of an observation, and ",
          problem_name, " has none");
  return *problem.observation;
}

const char* name_of(const AnySampler& sampler) {
  const auto name = [](const auto& description) { return description.name; };
  return std::visit([&](const auto& kind) { return std::visit(name, kind); }, sampler);
}

}  // namespace gmdiff::study
