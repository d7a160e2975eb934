#pragma once

#include <vector>

#include <gmdiff/model/time_grid.hpp>

namespace gmdiff {

/// The level at time t.
GridLevel level_at(const ForwardProcess& process, double t);

/// The number of steps of a `Ddpm` table. @throws std::invalid_argument for other processes; `grid` is the
/// name in the message.
int table_steps(const ForwardProcess& process, const char* grid);

/// Indices of the grid adapted to an observation (mathematics.md §4), descending from the last one of the
/// table to 0.
/// @throws std::invalid_argument for a process other than `Ddpm`, no observation, a singular noise
///   covariance, or `points` out of range.
std::vector<int> mcgdiff_indices(const ForwardProcess& process, const McgdiffGrid& grid,
                                 const LinearObservation* observation);

}  // namespace gmdiff
