// Built with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma (CMakeLists.txt).
#define GMDIFF_CPU_UNIT avx512
#include "device/cpu/distances.hpp"
#include "device/cpu/make_unit.hpp"
#include "device/cpu/pack.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

Unit<float> unit_avx512_f32() { return avx512::make_unit<particle::Twice<avx512::Pack<float>>>(); }
Unit<double> unit_avx512_f64() { return avx512::make_unit<particle::Twice<avx512::Pack<double>>>(); }
DistanceUnit unit_avx512_distances() { return avx512::make_distance_unit<avx512::Pack<double>>(); }

}  // namespace gmdiff::cpu
