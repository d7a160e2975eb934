#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/mcmc.hpp>

namespace gmdiff {

/// A sampler with all its numbers, and what its pilot run found doubtful.
struct Tuned {
  McmcSampler sampler;
  std::vector<std::string> warnings;
};

/// Finds the step and, unless the sampler has one, a diagonal preconditioner by a pilot run of 32 chains and
/// 1000 steps on the device `cpu` in double, by dual averaging (Hoffman & Gelman 2014; mathematics.md §12.3).
/// A run with these numbers, which have six significant digits, needs no pilot. They depend only on target,
/// sampler and seed. A sampler with a step, or with `StepAdaptation::chain`, is returned as it is.
/// @throws std::invalid_argument for a sampler without an acceptance (ula, baoab, obabo without metropolis)
///   that has no step, for parameters out of range, and if no step has an acceptance on both sides of 1/2.
Tuned tuned(const Mixture& target, const McmcSampler& sampler, std::uint64_t seed = 0);
Tuned tuned(const Target& target, const McmcSampler& sampler, std::uint64_t seed = 0);

/// Plan of chains with these numbers, and the warnings of the pilot run.
/// @throws as `mcmc_plan` of plan.hpp.
Plan mcmc_plan(const Mixture& target, const Tuned& tuned);
Plan mcmc_plan(const Target& target, const Tuned& tuned);

}  // namespace gmdiff
