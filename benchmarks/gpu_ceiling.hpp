#pragma once

namespace gmdiff::bench {

/// The rates that the current GPU reaches; shares of a ceiling refer to them.
struct GpuCeiling {
  double fma32, fma64;  ///< fused multiply-adds per second, in independent chains in registers
  double bytes;         ///< bytes read and written per second by a large copy within its memory
};

/// The best of a few measurements with events. @throws DeviceError
GpuCeiling measured_gpu_ceiling();

}  // namespace gmdiff::bench
