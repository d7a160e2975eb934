#pragma once

#include <cstdlib>
#include <vector>

#include "device/cpu/dispatch.hpp"

namespace gmdiff::test {

/// Devices that are made during its life run on one instruction set.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(cpu::InstructionSet set) { setenv("GMDIFF_SIMD", cpu::to_string(set), 1); }
  ~WithInstructionSet() { unsetenv("GMDIFF_SIMD"); }
};

/// Returns the instruction sets of this build that this processor has, the scalar one first.
inline std::vector<cpu::InstructionSet> available_sets() {
  using cpu::InstructionSet;
  std::vector<InstructionSet> sets;
  for (const InstructionSet set :
       {InstructionSet::scalar, InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512}) {
    if (cpu::is_available(set)) sets.push_back(set);
  }
  return sets;
}

}  // namespace gmdiff::test
