#pragma once

#include <memory>

#include "device/cuda/gpu.hpp"

namespace gmdiff::cuda {

/// GPU `index` of this machine through the CUDA runtime, with a stream of its own. The caller's current
/// device does not change. With GMDIFF_CUDA_SYNC=1 in the environment the host waits for every launch, so
/// that an error is reported by the launch that caused it.
/// @throws DeviceUnavailable with the reason in one sentence when there is no driver, no such GPU, or no
///   code for it in this build.
std::unique_ptr<Gpu> make_gpu(int index);

}  // namespace gmdiff::cuda
