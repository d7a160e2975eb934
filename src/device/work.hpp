#pragma once

#include <cstddef>

#include "device/executor.hpp"
#include "particle/window.hpp"
#include "plan/program.hpp"

// What devices ask of a plan when they cut its work into pieces.

namespace gmdiff {

/// Arithmetic of one particle, roughly: it only decides how work is cut.
double operations(const Plan& plan);
/// The same of a chain.
double operations(const SmcPlan& plan);

/// Number of units of `lanes` particles that a thread of the host takes at a time, from 1 to 1024.
std::int64_t units_per_piece(const Plan& plan, int lanes);

/// Place of a level among those kept, or -1.
int slot_of(const std::vector<int>& kept, int level);

/// The window of a task before its first step: no steps yet, memory that of the host.
template <class Real>
particle::Window<Real> window_of(const Task& task);

/// One past the last step of a window that begins with step `first`: as many as their tables have room in `bytes`, at least one.
template <class Real>
std::size_t window_end(const MixtureTable& problem, const std::vector<Step>& steps, std::size_t first,
                       std::size_t bytes);

/// Bytes of the tables of the step that has most.
template <class Real>
std::size_t largest_step_bytes(const Plan& plan);

}  // namespace gmdiff
