// Built with -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma (device/CMakeLists.txt).
#define GMDIFF_CPU_UNIT avx512
#include "device/cpu/pack.hpp"
#include "network/dense.hpp"
#include "network/paths/path_loops.hpp"

namespace gmdiff::network {

using cpu::avx512::Pack;

DenseUnit<float> dense_avx512_f32() { return avx512::make_dense_unit<Pack<float>, Pack<double>>(); }
DenseUnit<double> dense_avx512_f64() { return avx512::make_dense_unit<Pack<double>, Pack<double>>(); }
PathUnit path_avx512() { return avx512::make_path_unit<Pack<double>>(); }

}  // namespace gmdiff::network
