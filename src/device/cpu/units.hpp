#pragma once

#include "device/cpu/unit.hpp"

// The units of this build, by instruction set. Each must be called on processors that have it.

namespace gmdiff::cpu {

Unit<float> unit_scalar_f32();
Unit<double> unit_scalar_f64();
Unit<float> unit_fma128_f32();
Unit<double> unit_fma128_f64();
Unit<float> unit_avx2_f32();
Unit<double> unit_avx2_f64();
Unit<float> unit_avx512_f32();
Unit<double> unit_avx512_f64();

DistanceUnit unit_scalar_distances();
DistanceUnit unit_fma128_distances();
DistanceUnit unit_avx2_distances();
DistanceUnit unit_avx512_distances();

}  // namespace gmdiff::cpu
