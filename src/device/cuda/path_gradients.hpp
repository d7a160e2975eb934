#pragma once

#include <memory>
#include <string>

#include <gmdiff/base/precision.hpp>

#include "device/cuda/gpu.hpp"
#include "device/path_gradients.hpp"

namespace gmdiff::cuda {

/// Gradients of batches of paths on a GPU, with the bits of the host. The host draws the first states and
/// evaluates the target.
/// @param pool of the host; it must outlive the result, as must the GPU. @param name of the device in
///   messages
/// @param precision of the networks
std::unique_ptr<PathGradients> path_gradients_on(Gpu& gpu, const std::string& name, ThreadPool& pool,
                                                 Precision precision);

}  // namespace gmdiff::cuda
