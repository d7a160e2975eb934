#pragma once

namespace gmdiff::bench {

/// Fused multiply-adds of floats a second that all cores of this machine reach together, in the widest instructions that it has: what
/// shares of a ceiling refer to. Independent chains in registers, no memory.
double measured_fma_ceiling();

}  // namespace gmdiff::bench
