#include <type_traits>

#include "base/check.hpp"
#include "network/dense_unit.hpp"
#include "network/paths/path_unit.hpp"

namespace gmdiff::network {

template <class Real>
DenseUnit<Real> dense_unit(cpu::InstructionSet set) {
  constexpr bool single = std::is_same_v<Real, float>;
  const auto of_precision = [](auto unit_f32, auto unit_f64) {
    if constexpr (single) {
      return unit_f32();
    } else {
      return unit_f64();
    }
  };
  switch (set) {
    case cpu::InstructionSet::avx512:
#ifdef GMDIFF_AVX512_UNIT
      return of_precision(dense_avx512_f32, dense_avx512_f64);
#else
      break;
#endif
    case cpu::InstructionSet::avx2:
#ifdef GMDIFF_AVX2_UNIT
      return of_precision(dense_avx2_f32, dense_avx2_f64);
#else
      break;
#endif
    case cpu::InstructionSet::fma128:
#ifdef GMDIFF_FMA128_UNIT
      return of_precision(dense_fma128_f32, dense_fma128_f64);
#else
      break;
#endif
    case cpu::InstructionSet::scalar:
      return of_precision(dense_scalar_f32, dense_scalar_f64);
  }
  fail("network: this build has no code for ", cpu::to_string(set));
}

PathUnit path_unit(cpu::InstructionSet set) {
  switch (set) {
    case cpu::InstructionSet::avx512:
#ifdef GMDIFF_AVX512_UNIT
      return path_avx512();
#else
      break;
#endif
    case cpu::InstructionSet::avx2:
#ifdef GMDIFF_AVX2_UNIT
      return path_avx2();
#else
      break;
#endif
    case cpu::InstructionSet::fma128:
#ifdef GMDIFF_FMA128_UNIT
      return path_fma128();
#else
      break;
#endif
    case cpu::InstructionSet::scalar:
      return path_scalar();
  }
  fail("network: this build has no code for ", cpu::to_string(set));
}

template DenseUnit<float> dense_unit<float>(cpu::InstructionSet set);
template DenseUnit<double> dense_unit<double>(cpu::InstructionSet set);

}  // namespace gmdiff::network
