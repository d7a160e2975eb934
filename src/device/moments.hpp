#pragma once

#include <cstdint>
#include <vector>

#include <gmdiff/device/samples.hpp>
#include <gmdiff/plan/plan.hpp>

#include "particle/program_tables.hpp"

namespace gmdiff {

/// Places of the moments of a chain of the plan.
particle::MomentPlaces moment_places(const Plan& plan, const Accumulate& stage);

/// Number of the moments of a chain; 0 for a plan without them.
std::int64_t num_moments(const Plan& plan);

/// The moments of chains from their numbers (chains, num_moments(plan)).
ChainMoments chain_moments(const Plan& plan, const Accumulate& stage, const std::vector<double>& numbers,
                           std::int64_t chains);

}  // namespace gmdiff
