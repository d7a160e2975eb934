#pragma once

#include <string>
#include <vector>

#include <gmdiff/device/device.hpp>

namespace gmdiff::cuda {

/// The GPUs that the CUDA runtime reports, each with name, compute capability, memory and driver. When it
/// reports none, the list has one entry with the runtime's own text. Reads only properties: no GPU is
/// initialised and no memory allocated.
std::vector<DeviceInfo> discover();

/// The reason in one sentence why GPU `index` cannot run this build's kernels; empty if it can.
std::string why_unusable(int index);

}  // namespace gmdiff::cuda
