#pragma once

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "cli/run_plan.hpp"

// Flags of the verb sample that belong to Markov chains.

namespace gmdiff::cli {

/// Adds `--estimate`, `--first-step`, `--velocities` and `--log-density`.
void add_chain_flags(CLI::App& verb, RunFlags& flags);

/// Checks these flags before anything runs. @param dim of the law
/// @throws std::invalid_argument for flags of another sampler, and for estimates that are no functions.
void check_chain_flags(const RunFlags& flags, const AnySampler& sampler, Eigen::Index dim);

/// Checks the suffix of the output: archives must have their own, so that nobody mistakes one for an array.
void check_chain_output(const RunFlags& flags, const Plan& plan);

}  // namespace gmdiff::cli
