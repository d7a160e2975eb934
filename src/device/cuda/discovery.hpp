#pragma once

#include <string>
#include <vector>

#include <gmdiff/device.hpp>

namespace gmdiff::cuda {

/// The GPUs that the CUDA runtime reports, each with name, compute capability, memory and driver; one entry with the runtime's own text
/// when it reports none. All are marked unavailable: for `reason` where the GPU itself is in order.
std::vector<DeviceInfo> discover(const std::string& reason);

}  // namespace gmdiff::cuda
