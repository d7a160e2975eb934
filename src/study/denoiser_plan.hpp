#pragma once

#include <string>
#include <variant>

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/sampler/problem.hpp>

// Samplers on problems that have a denoiser in place of the prior's (guide.md, "Learn a denoiser").

namespace gmdiff::study {

using DenoiserPlan = std::variant<Plan, SmcPlan>;

/// Plan of a sampler with the denoiser of the problem, which must have one. Unguided samplers sample the
/// prior, guided ones and sequential Monte Carlo the posterior.
/// @param prior whether the observation is left out. @param name of the problem in messages
/// @throws std::invalid_argument for a sampler that takes the law itself, for an unguided sampler on a
///   problem with an observation, and as the functions of `plan.hpp` and `smc_plan.hpp`.
DenoiserPlan denoiser_plan(const AnySampler& sampler, const Problem& problem, const std::string& name,
                           bool prior);
DenoiserPlan denoiser_plan(const AnySampler& sampler, const NonlinearProblem& problem,
                           const std::string& name);

}  // namespace gmdiff::study
