#pragma once

#include <gmdiff/plan/plan.hpp>

// Annealed Langevin dynamics over the noise levels of a grid (mathematics.md §5.5).

namespace gmdiff {

/// The plan with start, steps, times and notes, without the law.
/// @throws std::invalid_argument for a parameter out of range, for more than 10^6 steps, and for a grid that
///   starts at alpha = 0.
Plan annealed_plan(const TimeGrid& grid, const Annealed& sampler);

}  // namespace gmdiff
