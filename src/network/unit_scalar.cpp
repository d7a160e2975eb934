// One number at a time, for processors without FMA: the same bits as the other units, much slower.
#define GMDIFF_CPU_UNIT scalar
#include "network/dense.hpp"
#include "network/paths/path_loops.hpp"

namespace gmdiff::network {

using particle::One;

DenseUnit<float> dense_scalar_f32() { return scalar::make_dense_unit<One<float>, One<double>>(); }
DenseUnit<double> dense_scalar_f64() { return scalar::make_dense_unit<One<double>, One<double>>(); }
PathUnit path_scalar() { return scalar::make_path_unit<One<double>>(); }

}  // namespace gmdiff::network
