#include "weigh.hpp"

#include <cmath>
#include <cstdint>

#include "kernels/check.hpp"

// One particle per warp, so that its lanes read neighbouring coordinates.

namespace gmdiff::bench {

namespace {

constexpr int warp = 32;
constexpr int warps = 8;

__device__ float sum_of_warp(float value) {
  for (int mask = warp / 2; mask > 0; mask /= 2) value += __shfl_xor_sync(0xffffffffU, value, mask);
  return value;
}
__device__ float max_of_warp(float value) {
  for (int mask = warp / 2; mask > 0; mask /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, mask));
  return value;
}

/// Computes a particle's responsibilities from its products, and multiplies the products by gains and
/// responsibilities.
__global__ void weigh_products(WeightTables tables, float* products, float* responsibilities) {
  extern __shared__ float logits_of_block[];
  const int lane = static_cast<int>(threadIdx.x) % warp;
  const auto particle = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / warp;
  if (particle >= tables.count) return;
  const int K = tables.components, d = tables.dim;
  float* const logits = logits_of_block + (threadIdx.x / warp) * static_cast<unsigned>(K);
  float* const z = products + particle * K * d;

  for (int k = 0; k < K; ++k) {
    float form = 0.0F;
    for (int j = k * d + lane; j < (k + 1) * d; j += warp) {
      const float v = z[j] - tables.shifts[j];
      form = fmaf(tables.precisions[j] * v, v, form);
    }
    form = sum_of_warp(form);
    if (lane == 0) logits[k] = tables.constants[k] - form;
  }
  __syncwarp();
  float largest = -INFINITY;
  for (int k = lane; k < K; k += warp) largest = fmaxf(largest, logits[k]);
  largest = max_of_warp(largest);
  float total = 0.0F;
  for (int k = lane; k < K; k += warp) total += logits[k] = __expf(logits[k] - largest);
  total = sum_of_warp(total);
  __syncwarp();
  for (int k = lane; k < K; k += warp) responsibilities[particle * K + k] = logits[k] / total;
  for (int k = 0; k < K; ++k) {
    const float r = logits[k] / total;
    for (int j = k * d + lane; j < (k + 1) * d; j += warp)
      z[j] = r * tables.gains[j] * (z[j] - tables.shifts[j]);
  }
}

}  // namespace

void weigh(const WeightTables& tables, float* products, float* responsibilities, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((tables.count + warps - 1) / warps);
  const std::size_t shared = warps * static_cast<std::size_t>(tables.components) * sizeof(float);
  weigh_products<<<blocks, warps * warp, shared, stream>>>(tables, products, responsibilities);
  GMDIFF_CUDA_CHECK_LAUNCH("launch of weights");
}

}  // namespace gmdiff::bench
