// Built with -mavx2 -mfma (device/CMakeLists.txt).
#define GMDIFF_CPU_UNIT avx2
#include "device/cpu/pack.hpp"
#include "network/dense.hpp"
#include "network/paths/path_loops.hpp"

namespace gmdiff::network {

using cpu::avx2::Pack;

DenseUnit<float> dense_avx2_f32() { return avx2::make_dense_unit<Pack<float>, Pack<double>>(); }
DenseUnit<double> dense_avx2_f64() { return avx2::make_dense_unit<Pack<double>, Pack<double>>(); }
PathUnit path_avx2() { return avx2::make_path_unit<Pack<double>>(); }

}  // namespace gmdiff::network
