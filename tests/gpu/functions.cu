// Must precede every header of the toolkit: makes cuRAND's Philox available on host and device.
#define QUALIFIERS static __forceinline__ __host__ __device__

#include <cuda_runtime.h>
#include <curand_philox4x32_x.h>

#include "device/cuda/nvidia_gpu.hpp"
#include "gpu/functions.hpp"
#include "kernels/check.hpp"
#include "particle/elementary.hpp"
#include "particle/philox.hpp"

namespace gmdiff::test {

namespace {

using particle::One;
using particle::Twice;

template <class Function, class X, class Y>
__global__ void apply_to_each(const X* x, Y* y, std::size_t n) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) y[i] = Function::of(x[i]);
}

template <class Function, class Y, class X>
std::vector<Y> on_gpu(std::span<const X> x) {
  const std::unique_ptr<cuda::Gpu> gpu = cuda::make_gpu(0);
  cuda::Buffer<X> in(*gpu, x.size());
  const cuda::Buffer<Y> out(*gpu, x.size());
  in.upload(x.data());
  constexpr unsigned threads = 128;
  const auto blocks = static_cast<unsigned>((x.size() + threads - 1) / threads);
  apply_to_each<Function, X, Y>
      <<<blocks, threads, 0, static_cast<cudaStream_t>(gpu->stream())>>>(in.data(), out.data(), x.size());
  GMDIFF_CUDA_CHECK_LAUNCH("launch of a function");
  std::vector<Y> y(x.size());
  out.download(y.data());
  return y;
}

// --- Philox ------------------------------------------------------------------------------------------------

using FourWords = std::array<std::uint32_t, 4>;

struct Curand {
  __host__ __device__ static FourWords of(const Counter& c) {
    const uint4 w =
        curand_Philox4x32_10({c.counter[0], c.counter[1], c.counter[2], c.counter[3]}, {c.key[0], c.key[1]});
    return {w.x, w.y, w.z, w.w};
  }
};

/// Counter block counter[2] of particle counter[0..1]; with two particles side by side, the particle is the
/// upper one.
template <class V>
struct Stream {
  static __device__ particle::OneWord last(particle::OneWord word) { return word; }
  static __device__ particle::OneWord last(Twice<particle::OneWord> word) { return word.hi; }

  __device__ static FourWords of(const Counter& c) {
    const std::uint64_t index = std::uint64_t{c.counter[1]} << 32 | c.counter[0];
    const particle::StreamOrigin origin{std::uint64_t{c.key[1]} << 32 | c.key[0],
                                        static_cast<Purpose>(c.counter[3] >> 24), c.counter[3] & 0xffffff};
    const particle::Philox<V> philox(origin, index - (V::lanes - 1));
    particle::WordsOf<V> w[4];
    philox.block(c.counter[2], w);
    return {last(w[0]).v, last(w[1]).v, last(w[2]).v, last(w[3]).v};
  }
};

// --- a field of a program ----------------------------------------------------------------------------------

template <class Real>
__global__ void shift_rows(const Real* x, Real* values, Real t, std::int64_t count, std::int64_t dim) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count * dim) values[i] = i % dim == 0 ? t : x[i - 1];
}

template <class Real>
void launch_shift(const void* x, void* values, double t, std::int64_t count, std::int64_t dim, void* stream) {
  constexpr unsigned threads = 128;
  const auto blocks = static_cast<unsigned>((count * dim + threads - 1) / threads);
  shift_rows<<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const Real*>(x), static_cast<Real*>(values), static_cast<Real>(t), count, dim);
  GMDIFF_CUDA_CHECK_LAUNCH("launch of a field");
}

// --- elementary functions ----------------------------------------------------------------------------------

template <class Real, Elementary function>
struct ElementaryOf {
  __device__ static Real of(Real x) {
    const One<Real> v(x);
    if constexpr (function == Elementary::exp_nonpositive) return particle::exp_nonpositive(v).v;
    if constexpr (function == Elementary::log) return particle::log(v).v;
    if constexpr (function == Elementary::sine) return particle::sine_cosine_turns(v).sine.v;
    if constexpr (function == Elementary::cosine) return particle::sine_cosine_turns(v).cosine.v;
  }
};

}  // namespace

void shift_rows_on_gpu(const void* x, void* values, double t, std::int64_t count, std::int64_t dim,
                       bool is_double, void* stream) {
  is_double ? launch_shift<double>(x, values, t, count, dim, stream)
            : launch_shift<float>(x, values, t, count, dim, stream);
}

PhiloxWords curand_words_on_host(std::span<const Counter> counters) {
  PhiloxWords words;
  for (const Counter& counter : counters) words.push_back(Curand::of(counter));
  return words;
}
PhiloxWords curand_words_on_gpu(std::span<const Counter> counters) {
  return on_gpu<Curand, FourWords>(counters);
}
PhiloxWords words_on_gpu(std::span<const Counter> counters) {
  return on_gpu<Stream<One<float>>, FourWords>(counters);
}
PhiloxWords words_of_twice_on_gpu(std::span<const Counter> counters) {
  return on_gpu<Stream<Twice<One<float>>>, FourWords>(counters);
}

template <class Real>
std::vector<Real> elementary_on_gpu(Elementary function, std::span<const Real> x) {
  switch (function) {
    case Elementary::exp_nonpositive:
      return on_gpu<ElementaryOf<Real, Elementary::exp_nonpositive>, Real>(x);
    case Elementary::log:
      return on_gpu<ElementaryOf<Real, Elementary::log>, Real>(x);
    case Elementary::sine:
      return on_gpu<ElementaryOf<Real, Elementary::sine>, Real>(x);
    case Elementary::cosine:
      break;
  }
  return on_gpu<ElementaryOf<Real, Elementary::cosine>, Real>(x);
}
template std::vector<float> elementary_on_gpu(Elementary, std::span<const float>);
template std::vector<double> elementary_on_gpu(Elementary, std::span<const double>);

}  // namespace gmdiff::test
