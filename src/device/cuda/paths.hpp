#pragma once

#include <memory>
#include <string>

#include <gmdiff/device/paths.hpp>

#include "device/cuda/gpu.hpp"

namespace gmdiff::cuda {

/// Paths of a trained sampler on a GPU, with the bits of the host. The host draws the first states and
/// evaluates the target, whose functions may be those of the calling program.
/// @param source must outlive the result, as must the GPU. @param name of the device in messages
/// @throws DeviceError when the memory does not suffice.
std::unique_ptr<PathRunner> paths_on(Gpu& gpu, const std::string& name, const PathSource& source);

}  // namespace gmdiff::cuda
