#pragma once

namespace gmdiff::bench {

/// What the current GPU reaches: what shares of a ceiling refer to.
struct GpuCeiling {
  double fma32, fma64;  ///< fused multiply-adds a second: independent chains in registers, no memory
  double bytes;         ///< read and written a second by a large copy within its memory
};

/// The best of a few measurements with events. @throws DeviceError
GpuCeiling measured_gpu_ceiling();

}  // namespace gmdiff::bench
