// Built with -mavx -mfma (CMakeLists.txt).
#define GMDIFF_CPU_UNIT fma128
#include "device/cpu/distances.hpp"
#include "device/cpu/make_unit.hpp"
#include "device/cpu/pack.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

Unit<float> unit_fma128_f32() { return fma128::make_unit<particle::Twice<fma128::Pack<float>>>(); }
Unit<double> unit_fma128_f64() { return fma128::make_unit<particle::Twice<fma128::Pack<double>>>(); }
DistanceUnit unit_fma128_distances() { return fma128::make_distance_unit<fma128::Pack<double>>(); }

}  // namespace gmdiff::cpu
