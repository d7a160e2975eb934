#include "device/cuda/discovery.hpp"

#include <utility>

#include "device/cuda/usable.hpp"
#include "kernels/check.hpp"
#include "kernels/launch.hpp"

// The runtime is linked statically and loads the driver itself. Without a driver its calls return an error
// and do not end the program.

namespace gmdiff::cuda {

namespace {

/// "13000" -> "13.0", as CUDA numbers its versions.
std::string version_text(int version) { return concat(version / 1000, ".", version % 1000 / 10); }

std::string driver_text() {
  int driver = 0;
  const cudaError_t error = cudaDriverGetVersion(&driver);
  ignore(error);
  return error == cudaSuccess ? version_text(driver) : "unknown";
}

/// The number of GPUs, and the reason if it is 0.
struct Count {
  int gpus = 0;
  std::string reason;
};

Count count_gpus() {
  Count count;
  const cudaError_t error = cudaGetDeviceCount(&count.gpus);
  ignore(error);
  if (error != cudaSuccess)
    return {.gpus = 0, .reason = concat("no usable GPU: ", cudaGetErrorString(error))};
  if (count.gpus == 0) count.reason = "no usable GPU: the CUDA runtime finds none";
  return count;
}

DeviceInfo unavailable(std::string name, std::string description, std::string reason) {
  return {.name = std::move(name),
          .description = std::move(description),
          .available = false,
          .reason = std::move(reason)};
}

DeviceInfo describe(int index, const std::string& driver) {
  const std::string name = concat("cuda:", index);
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) {
    ignore(error);
    return unavailable(name, "NVIDIA GPU", concat("cudaGetDeviceProperties: ", cudaGetErrorString(error)));
  }
  const double gibibytes = static_cast<double>(properties.totalGlobalMem) / (1024.0 * 1024.0 * 1024.0);
  const std::string reason = why_unusable(index);
  return {.name = name,
          .description = concat(properties.name, ", compute capability ", properties.major, ".",
                                properties.minor, ", ", gibibytes, " GiB, driver for CUDA ", driver),
          .available = reason.empty(),
          .reason = reason};
}

}  // namespace

std::string why_unusable(int index) {
  const Count count = count_gpus();
  if (count.gpus == 0) return count.reason;
  if (std::string reason = why_no_gpu(index, count.gpus); !reason.empty()) return reason;
  Capability capability{};
  for (const cudaError_t error :
       {cudaDeviceGetAttribute(&capability.major, cudaDevAttrComputeCapabilityMajor, index),
        cudaDeviceGetAttribute(&capability.minor, cudaDevAttrComputeCapabilityMinor, index)}) {
    ignore(error);
    if (error != cudaSuccess)
      return concat("its compute capability cannot be read: ", cudaGetErrorString(error));
  }
  return why_no_code(index, capability,
                     {.architectures = kernels::architectures(), .has_ptx = kernels::has_ptx()});
}

std::vector<DeviceInfo> discover() {
  const Count count = count_gpus();
  if (count.gpus == 0) return {unavailable("cuda", "NVIDIA GPU", count.reason)};
  const std::string driver = driver_text();
  std::vector<DeviceInfo> list;
  list.reserve(static_cast<std::size_t>(count.gpus));
  for (int index = 0; index < count.gpus; ++index) list.push_back(describe(index, driver));
  return list;
}

}  // namespace gmdiff::cuda
