#include "ceiling.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gmdiff::bench {

namespace {

constexpr long rounds = 40'000'000;
constexpr int chains = 12;

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void multiply_avx2(float* out) {
  __m256 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm256_set1_ps(0.1F * static_cast<float>(c));
  __m256 factor = _mm256_set1_ps(0.999F);
  __m256 term = _mm256_set1_ps(0.001F);
  asm volatile("" : "+x"(factor), "+x"(term));  // unknown to the compiler
  for (long n = 0; n < rounds; ++n) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, term);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm256_add_ps(sums[0], sums[c]);
  _mm256_storeu_ps(out, sums[0]);
}

__attribute__((target("avx512f"))) void multiply_avx512(float* out) {
  __m512 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm512_set1_ps(0.1F * static_cast<float>(c));
  __m512 factor = _mm512_set1_ps(0.999F);
  __m512 term = _mm512_set1_ps(0.001F);
  asm volatile("" : "+v"(factor), "+v"(term));
  for (long n = 0; n < rounds; ++n) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, term);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm512_add_ps(sums[0], sums[c]);
  _mm512_storeu_ps(out, sums[0]);
}
#endif

void multiply_scalar(float* out) {
  float sum = *out;
  for (long n = 0; n < rounds / 100; ++n) sum = std::fma(sum, 0.999F, 0.001F);
  *out = sum;
}

struct Kernel {
  void (*run)(float*);
  double operations;
};

Kernel widest_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {multiply_avx512, 16.0 * chains * rounds};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {multiply_avx2, 8.0 * chains * rounds};
#endif
  return {multiply_scalar, static_cast<double>(rounds / 100)};
}

double one_measurement(const Kernel& kernel, unsigned threads) {
  std::vector<float> out(16 * static_cast<std::size_t>(threads), 0.5F);
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> workers;
    for (unsigned thread = 0; thread < threads; ++thread)
      workers.emplace_back(kernel.run, out.data() + 16 * thread);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return threads * kernel.operations / seconds;
}

}  // namespace

double measured_fma_ceiling() {
  const Kernel kernel = widest_kernel();
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  double best = 0.0;
  for (int repeat = 0; repeat < 3; ++repeat) best = std::max(best, one_measurement(kernel, threads));
  return best;
}

}  // namespace gmdiff::bench
