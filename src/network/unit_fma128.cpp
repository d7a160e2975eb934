// Built with -mavx -mfma (device/CMakeLists.txt).
#define GMDIFF_CPU_UNIT fma128
#include "device/cpu/pack.hpp"
#include "network/dense.hpp"
#include "network/paths/path_loops.hpp"

namespace gmdiff::network {

using cpu::fma128::Pack;

DenseUnit<float> dense_fma128_f32() { return fma128::make_dense_unit<Pack<float>, Pack<double>>(); }
DenseUnit<double> dense_fma128_f64() { return fma128::make_dense_unit<Pack<double>, Pack<double>>(); }
PathUnit path_fma128() { return fma128::make_path_unit<Pack<double>>(); }

}  // namespace gmdiff::network
