#include <array>

#include "kernels/launch.hpp"

// The architectures of this build. All units are compiled for the same ones, so one kernel is representative
// of all.

namespace gmdiff::kernels {

namespace {

__global__ void nothing() {}

/// The numbers of __CUDA_ARCH_LIST__ divided by 10: 900, for compute capability 9.0, becomes 90.
template <int... numbers>
constexpr std::array<int, sizeof...(numbers)> in_tens = {numbers / 10 ...};

constexpr auto built = in_tens<__CUDA_ARCH_LIST__>;

}  // namespace

std::span<const int> architectures() { return built; }

bool has_ptx() { return GMDIFF_CUDA_PTX; }

cudaError_t load_nothing() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, nothing);
}

}  // namespace gmdiff::kernels
