#include "gpu_ceiling.hpp"

#include <algorithm>

#include "device_array.hpp"
#include "events.hpp"

namespace gmdiff::bench {

namespace {

constexpr int chains = 8;
constexpr int rounds = 1 << 13;
constexpr int threads = 256;

template <class Real>
__global__ void multiply(Real* out, Real factor, Real term) {
  const auto thread = static_cast<unsigned>(blockIdx.x * threads + threadIdx.x);
  Real sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = static_cast<Real>(thread + static_cast<unsigned>(c));
#pragma unroll 8
  for (int n = 0; n < rounds; ++n) {
    for (Real& sum : sums) sum = fma(sum, factor, term);
  }
  Real total = 0;
  for (const Real sum : sums) total += sum;
  out[thread] = total;
}

/// The first measurement loads the kernel and raises the clocks; the best of the others counts.
template <class Work>
double fastest(Work work) {
  double seconds = timed(nullptr, work);
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double again = timed(nullptr, work);
    seconds = repeat == 0 ? again : std::min(seconds, again);
  }
  return seconds;
}

template <class Real>
double fma_per_second(int multiprocessors) {
  // Several times as many thread blocks as run at once.
  const int blocks = 64 * multiprocessors;
  const DeviceArray<Real> out(static_cast<std::size_t>(blocks) * threads);
  const double seconds = fastest([&] {
    multiply<Real><<<static_cast<unsigned>(blocks), threads>>>(out.data(), Real(0.999), Real(0.001));
    GMDIFF_CUDA_CHECK_LAUNCH("launch of multiply-adds");
  });
  return static_cast<double>(blocks) * threads * chains * rounds / seconds;
}

double copied_bytes_per_second() {
  std::size_t free = 0, total = 0;
  GMDIFF_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  // Far larger than any cache.
  const std::size_t bytes = std::min(std::size_t{1} << 30, free / 4);
  const DeviceArray<unsigned char> from(bytes), to(bytes);
  GMDIFF_CUDA_CHECK(cudaMemset(from.data(), 0x5a, bytes));
  const double seconds = fastest([&] {
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, nullptr));
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

}  // namespace

GpuCeiling measured_gpu_ceiling() {
  int device = 0, multiprocessors = 0;
  GMDIFF_CUDA_CHECK(cudaGetDevice(&device));
  GMDIFF_CUDA_CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  return {.fma32 = fma_per_second<float>(multiprocessors),
          .fma64 = fma_per_second<double>(multiprocessors),
          .bytes = copied_bytes_per_second()};
}

}  // namespace gmdiff::bench
