#pragma once

#include <string>

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"

namespace gmdiff::cuda {

/// Chains of SMC on a GPU.
ChainFailure run_chains(Gpu& gpu, const SmcTask& task);

/// Chains that fit the options' memory limit (0: what the GPU has free) at once.
/// @throws std::invalid_argument when not even one does within the limit, DeviceError when the GPU has not enough.
std::int64_t chains_at_once(const Gpu& gpu, const std::string& name, const SmcPlan& plan,
                            const Options& options);

}  // namespace gmdiff::cuda
