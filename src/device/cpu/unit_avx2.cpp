// Built with -mavx2 -mfma (CMakeLists.txt).
#define GMDIFF_CPU_UNIT avx2
#include "device/cpu/distances.hpp"
#include "device/cpu/make_unit.hpp"
#include "device/cpu/pack.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

Unit<float> unit_avx2_f32() { return avx2::make_unit<particle::Twice<avx2::Pack<float>>>(); }
Unit<double> unit_avx2_f64() { return avx2::make_unit<particle::Twice<avx2::Pack<double>>>(); }
DistanceUnit unit_avx2_distances() { return avx2::make_distance_unit<avx2::Pack<double>>(); }

}  // namespace gmdiff::cpu
