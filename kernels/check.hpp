#pragma once

#include <cuda_runtime_api.h>

#include <string_view>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"

// Every call of the CUDA runtime goes through one of these functions. CUDA keeps an error until it is read,
// so a failing call clears its own; otherwise the next launch would report it.

namespace gmdiff::cuda {

/// Throws DeviceError with the call, CUDA's name and description of the error, and the place, unless the call
/// succeeded.
inline void check(cudaError_t error, std::string_view call, std::string_view file, int line) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  throw DeviceError(concat("CUDA: ", call, " failed: ", cudaGetErrorName(error), " (",
                           cudaGetErrorString(error), "), ", file.substr(file.find_last_of('/') + 1), ":",
                           line));
}

/// Clears an error; for destructors, which cannot report it.
inline void ignore(cudaError_t error) noexcept {
  if (error != cudaSuccess) static_cast<void>(cudaGetLastError());
}

}  // namespace gmdiff::cuda

/// Checks one call and throws when it failed.
#define GMDIFF_CUDA_CHECK(call) ::gmdiff::cuda::check((call), #call, __FILE__, __LINE__)
/// Checks for errors after a launch, which itself returns nothing; `kernel` is its name in the message.
#define GMDIFF_CUDA_CHECK_LAUNCH(kernel) \
  ::gmdiff::cuda::check(cudaGetLastError(), (kernel), __FILE__, __LINE__)
