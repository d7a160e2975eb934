// One particle at a time, for processors without FMA: the same bits as the other units, much slower.
#define GMDIFF_CPU_UNIT scalar
#include "device/cpu/distances.hpp"
#include "device/cpu/make_unit.hpp"
#include "device/cpu/units.hpp"

namespace gmdiff::cpu {

Unit<float> unit_scalar_f32() { return scalar::make_unit<particle::One<float>>(); }
Unit<double> unit_scalar_f64() { return scalar::make_unit<particle::One<double>>(); }
DistanceUnit unit_scalar_distances() { return scalar::make_distance_unit<particle::One<double>>(); }

}  // namespace gmdiff::cpu
