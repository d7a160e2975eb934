#pragma once

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

// Denoiser evaluations: the cost of a sampler in the unit of the literature. A transition of a mixture counts
// as one evaluation, and so does a target's log-density with its gradient; exact draws need none.

namespace gmdiff {

/// Denoiser evaluations per sample.
double denoiser_evaluations(const Plan& plan);

/// Denoiser evaluations per chain: those of all its particles. A chain gives one sample, or all its
/// particles.
double denoiser_evaluations(const SmcPlan& plan);

}  // namespace gmdiff
