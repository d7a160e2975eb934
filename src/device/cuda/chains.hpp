#pragma once

#include <string>

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"

namespace gmdiff::cuda {

/// Runs chains of SMC on a GPU.
ChainFailure run_chains(Gpu& gpu, const SmcTask& task);

/// Number of chains that fit the options' memory limit (0: the free memory of the GPU) at once.
/// @throws std::invalid_argument when not even one chain fits the limit, DeviceError when the memory of the
///   GPU does not suffice.
std::int64_t chains_at_once(const Gpu& gpu, const std::string& name, const SmcPlan& plan,
                            const Options& options);

}  // namespace gmdiff::cuda
