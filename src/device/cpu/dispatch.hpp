#pragma once

#include <string>

#include "device/cpu/unit.hpp"

// Which unit runs: the widest instruction set of the processor, or the one that the environment variable GMDIFF_SIMD names.

namespace gmdiff::cpu {

/// Narrow to wide.
enum class InstructionSet { scalar, fma128, avx2, avx512 };

/// scalar, fma128, avx2, avx512.
const char* to_string(InstructionSet set);

/// Whether this build has it and this processor can run it.
bool is_available(InstructionSet set);

/// GMDIFF_SIMD if it is set, else the widest available.
/// @throws std::invalid_argument when GMDIFF_SIMD is none of the names, DeviceUnavailable when this processor or build does not have it.
InstructionSet chosen_instruction_set();

template <class Real>
Unit<Real> unit(InstructionSet set);
DistanceUnit distance_unit(InstructionSet set);

}  // namespace gmdiff::cpu
