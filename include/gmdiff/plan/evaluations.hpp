#pragma once

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

// Denoiser evaluations: the cost of a sampler in the unit of the literature. A transition of a mixture counts as
// one evaluation; exact draws need none.

namespace gmdiff {

/// Denoiser evaluations per sample.
double denoiser_evaluations(const Plan& plan);

/// Denoiser evaluations per chain: those of all its particles. Each chain gives one sample, unless its output
/// are particles.
double denoiser_evaluations(const SmcPlan& plan);

}  // namespace gmdiff
