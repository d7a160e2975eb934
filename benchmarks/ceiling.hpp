#pragma once

namespace gmdiff::bench {

/// Fused multiply-adds of floats per second that all cores of this machine together reach with its widest
/// instructions, in independent chains in registers without memory accesses. Shares of the ceiling refer to
/// this number.
double measured_fma_ceiling();

}  // namespace gmdiff::bench
