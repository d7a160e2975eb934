#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Single functions of the kernels, run on the GPU for the tests, and cuRAND's. Without CUDA's headers.

namespace gmdiff::test {

struct Counter {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
};
using PhiloxWords = std::vector<std::array<std::uint32_t, 4>>;

/// curand_Philox4x32_10 of every counter: compiled for the host, and for the GPU. @throws DeviceError
PhiloxWords curand_words_on_host(std::span<const Counter> counters);
PhiloxWords curand_words_on_gpu(std::span<const Counter> counters);
/// The words that a kernel's stream makes of it, for two particles side by side too. @throws DeviceError
PhiloxWords words_on_gpu(std::span<const Counter> counters);
PhiloxWords words_of_twice_on_gpu(std::span<const Counter> counters);

enum class Elementary { exp_nonpositive, log, sine, cosine };

/// One of the elementary functions of kernels of every number. @throws DeviceError
template <class Real>
std::vector<Real> elementary_on_gpu(Elementary function, std::span<const Real> x);
extern template std::vector<float> elementary_on_gpu(Elementary, std::span<const float>);
extern template std::vector<double> elementary_on_gpu(Elementary, std::span<const double>);

}  // namespace gmdiff::test
