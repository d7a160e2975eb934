#include <array>

#include "kernels/launch.hpp"

// What this build has code for. All units are compiled for the same architectures, so one kernel tells for all.

namespace gmdiff::kernels {

namespace {

__global__ void nothing() {}

/// The numbers of __CUDA_ARCH_LIST__, 900 for compute capability 9.0, as 90.
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
