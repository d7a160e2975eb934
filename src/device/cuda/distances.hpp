#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "device/cuda/gpu.hpp"
#include "device/distance_sums.hpp"

namespace gmdiff::cuda {

/// Makes the sums that run on a GPU. `name` is that of `Device::name()`.
std::unique_ptr<DistanceSums> make_distance_sums(std::shared_ptr<Gpu> gpu, std::string name);

/// Bytes that the slices of two sets of n and m points take, or of one (m = 0): `fixed`, plus `slice` for each
/// slice that is computed at once.
struct SliceMemory {
  std::size_t fixed, slice;
};
/// Number of slices that fit `free` bytes, at most `count`.
/// @throws DeviceError when not even one fits, with the bytes wanted and free; std::invalid_argument for a
///   set of 2^32 points or more.
std::int64_t slices_at_once(const std::string& name, std::int64_t n, std::int64_t m, std::int64_t count,
                            const SliceMemory& memory, std::size_t free);

}  // namespace gmdiff::cuda
