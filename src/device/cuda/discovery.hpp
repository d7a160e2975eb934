#pragma once

#include <string>
#include <vector>

#include <gmdiff/device/device.hpp>

namespace gmdiff::cuda {

/// The GPUs that the CUDA runtime reports, each with name, compute capability, memory and driver; one entry with the runtime's own text
/// when it reports none. Reads properties only: no GPU is initialised, no memory of it taken.
std::vector<DeviceInfo> discover();

/// Why GPU `index` cannot run this build's kernels, in one sentence; empty where it can.
std::string why_unusable(int index);

}  // namespace gmdiff::cuda
