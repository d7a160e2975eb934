#include "device/cpu/dispatch.hpp"

#include <cstdlib>
#include <type_traits>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

namespace {

constexpr InstructionSet all_sets[] = {InstructionSet::scalar, InstructionSet::fma128, InstructionSet::avx2,
                                       InstructionSet::avx512};

}  // namespace

const char* to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::scalar:
      return "scalar";
    case InstructionSet::fma128:
      return "fma128";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
  }
  fail("cpu: unknown instruction set");
}

bool is_available(InstructionSet set) {
  switch (set) {
    case InstructionSet::scalar:
      return true;
    case InstructionSet::fma128:
#ifdef GMDIFF_FMA128_UNIT
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx");
#else
      break;
#endif
    case InstructionSet::avx2:
#ifdef GMDIFF_AVX2_UNIT
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
#else
      break;
#endif
    case InstructionSet::avx512:
#ifdef GMDIFF_AVX512_UNIT
      return __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
#else
      break;
#endif
  }
  return false;
}

InstructionSet chosen_instruction_set() {
  const char* name = std::getenv("GMDIFF_SIMD");
  if (name != nullptr && *name != '\0') {
    for (const InstructionSet set : all_sets) {
      if (name != std::string(to_string(set))) continue;
      if (!is_available(set))
        throw DeviceUnavailable(
            concat("GMDIFF_SIMD=", name, ": this processor or this build does not have these instructions"));
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
    case InstructionSet::avx512:
#ifdef GMDIFF_AVX512_UNIT
      return of_precision(unit_avx512_f32, unit_avx512_f64);
#else
      break;
#endif
    case InstructionSet::avx2:
#ifdef GMDIFF_AVX2_UNIT
      return of_precision(unit_avx2_f32, unit_avx2_f64);
#else
      break;
#endif
    case InstructionSet::fma128:
#ifdef GMDIFF_FMA128_UNIT
      return of_precision(unit_fma128_f32, unit_fma128_f64);
#else
      break;
#endif
    case InstructionSet::scalar:
      return of_precision(unit_scalar_f32, unit_scalar_f64);
  }
  fail("cpu: this build has no code for ", to_string(set));
}

DistanceUnit distance_unit(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512:
#ifdef GMDIFF_AVX512_UNIT
      return unit_avx512_distances();
#else
      break;
#endif
    case InstructionSet::avx2:
#ifdef GMDIFF_AVX2_UNIT
      return unit_avx2_distances();
#else
      break;
#endif
    case InstructionSet::fma128:
#ifdef GMDIFF_FMA128_UNIT
      return unit_fma128_distances();
#else
      break;
#endif
    case InstructionSet::scalar:
      return unit_scalar_distances();
  }
  fail("cpu: this build has no code for ", to_string(set));
}

template Unit<float> unit<float>(InstructionSet set);
template Unit<double> unit<double>(InstructionSet set);

}  // namespace gmdiff::cpu
