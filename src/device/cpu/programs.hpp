#pragma once

#include "base/thread_pool.hpp"
#include "device/cpu/unit.hpp"
#include "device/executor.hpp"

// Runs of programs. Tiles of particles go through the stages of a window of steps up to a call of a custom
// denoiser, which runs on all particles. If the task runs in batches, all particles go through one stage
// after the other.

namespace gmdiff::cpu {

/// Bytes of a run of programs, by their use.
template <class Real>
struct ProgramMemory {
  std::size_t fixed;         ///< law and scratch of all threads
  std::size_t largest_step;  ///< tables of the step with the largest tables
  std::size_t tile;          ///< vectors of one tile

  ProgramMemory(const Plan& plan, const Unit<Real>& unit, int threads);
};

/// @param table_bytes for the tables of a window of steps; at least one step fits
template <class Real>
NonFinite run_programs(const Task& task, const Unit<Real>& unit, ThreadPool& pool, std::size_t table_bytes);

}  // namespace gmdiff::cpu
