#pragma once

#include <optional>

#include <gmdiff/plan/plan.hpp>

#include "model/expression/tape.hpp"

// Plans whose steps are written as stages.

namespace gmdiff {

/// Number of steps that a step of a plan stands for.
int repeats(const Step& step);

/// Whether the plan's particles are Markov chains, which carry the log-density of a target.
bool evaluates_target(const Plan& plan);

/// The last stage of the plan that accepts or rejects proposals, or null.
const Accept* accept_stage(const Plan& plan);

/// Whether every chain finds a step of its own.
bool adapts_steps(const Plan& plan);
/// Whether the step of the sampler is eps^2, not eps.
bool has_squared_steps(const Plan& plan);

/// Number of the vector that holds the velocities of kinetic chains; empty for other plans.
std::optional<int> velocity_vector(const Plan& plan);

/// The stage of the plan that adds up moments, or null.
const Accumulate* accumulate_stage(const Plan& plan);

/// Whether the first states use the streams of a sampler's start, not those of a draw (numerics.md §5).
bool has_sampler_start(const Plan& plan);
/// Whether the noise of steps uses the stream of forward paths.
bool has_forward_noise(const Plan& plan);

/// Whether a step reads D1 of the step before.
bool reads_previous_denoiser(const Plan& plan);

/// Whether a step is a program; then devices run all steps of the plan stage by stage.
bool has_programs(const Plan& plan);

/// Whether stages call functions of the calling program.
bool calls_functions(const Plan& plan);

/// Number of vectors that the stages of all steps use, including the state.
int num_vectors(const Plan& plan);
/// Number of the first vector that no stage names. Those from there on are work vectors of the target, the
/// fields and the map of an observation, which hold the slots of one expression at a time.
int first_work_vector(const Plan& plan);
/// Number of vectors in dimension `dim` that hold the slots of a tape.
int num_work_vectors(const expressions::Tape& tape, int dim);
/// Number of vectors that hold the slots of an expression; 0 for other targets.
int num_work_vectors(const Target& target);

/// Whether particles carry the numbers of a Markov chain (`ChainNumbers`) beside their vectors.
bool has_chain_numbers(const Plan& plan);

/// Whether a guidance reads C = Cov[x_0 | x_t] of the mixture.
bool reads_covariance(const Guide& stage);
/// C over J = dD/dx: sigma^2 / alpha (mathematics.md §10.1).
double covariance_factor(const Level& level);

/// Largest number of random directions of a guidance stage, at least 1.
int most_directions(const Plan& plan);

/// Largest number of normals that a step draws for each coordinate, at least 1.
int most_draws(const Plan& plan);

/// Converts a move to a step.
Step as_step(const Move& move);

/// Writes every step of a plan as a program.
Plan as_programs(Plan plan);

}  // namespace gmdiff
