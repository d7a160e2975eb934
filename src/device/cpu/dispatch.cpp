#include "device/cpu/dispatch.hpp"

#include <cstdlib>
#include <type_traits>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

namespace {

constexpr InstructionSet all_sets[] = {InstructionSet::scalar, InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512};

}  // namespace

const char* to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::scalar:
      return "scalar";
    case InstructionSet::fma128:
      return "fma128";
    case InstructionSet::avx2:
      return "avx2";
    default:
      return "avx512";
  }
}

bool is_available(InstructionSet set) {
  switch (set) {
    case InstructionSet::scalar:
      return true;
#ifdef GMDIFF_FMA128_UNIT
    case InstructionSet::fma128:
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx");
#endif
#ifdef GMDIFF_AVX2_UNIT
    case InstructionSet::avx2:
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
#endif
#ifdef GMDIFF_AVX512_UNIT
    case InstructionSet::avx512:
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    default:
      return false;
  }
}

InstructionSet chosen_instruction_set() {
  const char* name = std::getenv("GMDIFF_SIMD");
  if (name != nullptr && *name != '\0') {
    for (const InstructionSet set : all_sets) {
      if (name != std::string(to_string(set))) continue;
      if (!is_available(set))
        throw DeviceError(concat("GMDIFF_SIMD=", name, ": this processor or this build does not have these instructions"));
      return set;
    }
    fail("GMDIFF_SIMD: expected scalar, fma128, avx2 or avx512, got \"", name, "\"");
  }
  InstructionSet widest = InstructionSet::scalar;
  for (const InstructionSet set : all_sets) {
    if (is_available(set)) widest = set;
  }
  return widest;
}

template <class Real>
Unit<Real> unit(InstructionSet set) {
  constexpr bool single = std::is_same_v<Real, float>;
  const auto of_precision = [](auto unit_f32, auto unit_f64) {
    if constexpr (single) {
      return unit_f32();
    } else {
      return unit_f64();
    }
  };
  switch (set) {
#ifdef GMDIFF_AVX512_UNIT
    case InstructionSet::avx512:
      return of_precision(unit_avx512_f32, unit_avx512_f64);
#endif
#ifdef GMDIFF_AVX2_UNIT
    case InstructionSet::avx2:
      return of_precision(unit_avx2_f32, unit_avx2_f64);
#endif
#ifdef GMDIFF_FMA128_UNIT
    case InstructionSet::fma128:
      return of_precision(unit_fma128_f32, unit_fma128_f64);
#endif
    default:
      return of_precision(unit_scalar_f32, unit_scalar_f64);
  }
}

DistanceUnit distance_unit(InstructionSet set) {
  switch (set) {
#ifdef GMDIFF_AVX512_UNIT
    case InstructionSet::avx512:
      return unit_avx512_distances();
#endif
#ifdef GMDIFF_AVX2_UNIT
    case InstructionSet::avx2:
      return unit_avx2_distances();
#endif
#ifdef GMDIFF_FMA128_UNIT
    case InstructionSet::fma128:
      return unit_fma128_distances();
#endif
    default:
      return unit_scalar_distances();
  }
}

template Unit<float> unit<float>(InstructionSet set);
template Unit<double> unit<double>(InstructionSet set);

}  // namespace gmdiff::cpu
