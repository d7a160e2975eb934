#include "device/cuda/discovery.hpp"

#include <cuda_runtime_api.h>

#include "model/check.hpp"

// The runtime is linked statically and loads the driver itself: without one its calls fail with a text, they do not end the program.

namespace gmdiff::cuda {

namespace {

/// "13000" -> "13.0", as CUDA numbers its versions.
std::string version_text(int version) { return concat(version / 1000, ".", version % 1000 / 10); }

DeviceInfo unavailable(std::string name, std::string description, std::string reason) {
  return {.name = std::move(name), .description = std::move(description), .available = false, .reason = std::move(reason)};
}

DeviceInfo describe(int index, const std::string& driver, const std::string& reason) {
  const std::string name = concat("cuda:", index);
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) {
    return unavailable(name, "NVIDIA GPU", concat("cudaGetDeviceProperties: ", cudaGetErrorString(error)));
  }
  const double gibibytes = static_cast<double>(properties.totalGlobalMem) / (1024.0 * 1024.0 * 1024.0);
  return unavailable(name,
                     concat(properties.name, ", compute capability ", properties.major, ".", properties.minor, ", ", gibibytes,
                            " GiB, driver for CUDA ", driver),
                     reason);
}

}  // namespace

std::vector<DeviceInfo> discover(const std::string& reason) {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    return {unavailable("cuda", "NVIDIA GPU", concat(reason, "; CUDA runtime: ", cudaGetErrorString(error)))};
  }
  if (count == 0) return {unavailable("cuda", "NVIDIA GPU", concat(reason, "; CUDA runtime: no GPU"))};

  int driver = 0;
  const std::string driver_text = cudaDriverGetVersion(&driver) == cudaSuccess ? version_text(driver) : "unknown";
  std::vector<DeviceInfo> list;
  for (int index = 0; index < count; ++index) list.push_back(describe(index, driver_text, reason));
  return list;
}

}  // namespace gmdiff::cuda
