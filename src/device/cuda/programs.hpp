#pragma once

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"

// Runs of programs on a GPU. A launch takes tiles through the stages of a window of steps up to a call of a
// custom denoiser, or through a single stage if the task runs in batches.

namespace gmdiff::cuda {

/// Bytes of a run of programs in the GPU's memory.
struct ProgramMemory {
  std::size_t largest_step;  ///< tables of the step with the largest tables
  std::size_t fixed;         ///< law, observation, scratch of the thread blocks
  std::size_t particle;      ///< result, given start, vectors, rows of a custom denoiser
};
template <class Real>
ProgramMemory program_memory(const Plan& plan, std::size_t num_kept, const kernels::Limits& limits);

/// @param table_bytes for the tables of a window of steps; at least one step fits
template <class Real>
NonFinite run_programs(const Task& task, Gpu& gpu, std::size_t table_bytes);

}  // namespace gmdiff::cuda
