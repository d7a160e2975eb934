#pragma once

#include <string>

#include "device/cpu/unit.hpp"

// Chooses the unit that runs: that of the processor's widest instruction set, or the one that the environment
// variable GMDIFF_SIMD names.

namespace gmdiff::cpu {

/// In ascending order of width.
enum class InstructionSet { scalar, fma128, avx2, avx512 };

/// Returns the name: scalar, fma128, avx2 or avx512.
const char* to_string(InstructionSet set);

/// Whether this build has the instruction set and this processor can run it.
bool is_available(InstructionSet set);

/// The one named by GMDIFF_SIMD if it is set, otherwise the widest that is available.
/// @throws std::invalid_argument when GMDIFF_SIMD is none of the names, DeviceUnavailable when this
///   processor or this build does not have it.
InstructionSet chosen_instruction_set();

template <class Real>
Unit<Real> unit(InstructionSet set);
DistanceUnit distance_unit(InstructionSet set);

}  // namespace gmdiff::cpu
