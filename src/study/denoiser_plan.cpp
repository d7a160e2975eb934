#include "study/denoiser_plan.hpp"

#include "base/check.hpp"
#include "study/law.hpp"

namespace gmdiff::study {
namespace {

[[noreturn]] void fail_for_law(const AnySampler& sampler, const std::string& name) {
  fail(name_of(sampler), " takes the law itself, and ", name,
       " has a denoiser in place of the prior's; reverse-time, guided and SMC samplers evaluate one");
}

}  // namespace

DenoiserPlan denoiser_plan(const AnySampler& sampler, const Problem& problem, const std::string& name,
                           bool prior) {
  const ForwardProcess process(problem.process);
  const TimeGrid grid = grid_of(problem, process);
  const Denoiser denoiser = problem.denoiser->denoiser;
  if (const auto* unguided = std::get_if<Sampler>(&sampler)) {
    require(
        prior || !problem.observation, name_of(sampler),
        " would need the denoiser of the posterior, and that of ", name,
        " takes the place of the prior's; expected a guided sampler, or the problem without its observation");
    return sampling_plan(denoiser, problem.prior.dim(), process, grid, *unguided);
  }
  if (const auto* smc = std::get_if<SmcSampler>(&sampler))
    return smc_plan(denoiser, observation_for(name_of(sampler), problem, name), process, grid, *smc);
  const auto* guided = std::get_if<GuidedSampler>(&sampler);
  if (guided == nullptr) fail_for_law(sampler, name);
  return guided_plan(denoiser, observation_for(name_of(sampler), problem, name), process, grid, *guided);
}

DenoiserPlan denoiser_plan(const AnySampler& sampler, const NonlinearProblem& problem,
                           const std::string& name) {
  check_takes_map(sampler);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = grid_of(problem, process);
  const Denoiser denoiser = problem.denoiser->denoiser;
  if (const auto* smc = std::get_if<SmcSampler>(&sampler))
    return smc_plan(denoiser, problem.observation, process, grid, *smc);
  const auto* guided = std::get_if<GuidedSampler>(&sampler);
  if (guided == nullptr) fail_for_law(sampler, name);
  return guided_plan(denoiser, problem.observation, process, grid, *guided);
}

}  // namespace gmdiff::study
