#pragma once

#include <gmdiff/plan/plan.hpp>

// Plans whose steps are written as stages.

namespace gmdiff {

/// Whether a step reads D1 of the step before.
bool reads_previous_denoiser(const Plan& plan);

/// Whether a step is a program: then a device runs all of the plan's steps stage by stage.
bool has_programs(const Plan& plan);

/// Vectors that the stages of all steps name, the state included.
int num_vectors(const Plan& plan);

/// Random directions of the guidance that has most, at least 1.
int most_directions(const Plan& plan);

/// A move as a step.
Step as_step(const Move& move);

/// The same plan with every step as a program.
Plan as_programs(Plan plan);

}  // namespace gmdiff
