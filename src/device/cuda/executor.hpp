#pragma once

#include <memory>
#include <string>

#include "device/cuda/gpu.hpp"
#include "device/executor.hpp"

namespace gmdiff::cuda {

/// Runs plans on a GPU, which lives as long as the executor and every result kept on it. `name` as
/// `Device::name()`.
std::unique_ptr<Executor> make_executor(std::shared_ptr<Gpu> gpu, std::string name);

}  // namespace gmdiff::cuda
