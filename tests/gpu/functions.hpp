#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Single functions of the kernels, run on the GPU for the tests, and those of cuRAND. Uses no headers of
// CUDA.

namespace gmdiff::test {

struct Counter {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
};
using PhiloxWords = std::vector<std::array<std::uint32_t, 4>>;

/// Words of curand_Philox4x32_10 for every counter, compiled for the host and for the GPU. @throws
/// DeviceError
PhiloxWords curand_words_on_host(std::span<const Counter> counters);
PhiloxWords curand_words_on_gpu(std::span<const Counter> counters);
/// The words of a kernel's stream, also for two particles side by side. @throws DeviceError
PhiloxWords words_on_gpu(std::span<const Counter> counters);
PhiloxWords words_of_twice_on_gpu(std::span<const Counter> counters);

/// The field (t, x_1, ..., x_{d-1}) of rows x (count, dim) in the memory of the GPU, on the stream.
/// @param is_double else float
void shift_rows_on_gpu(const void* x, void* values, double t, std::int64_t count, std::int64_t dim,
                       bool is_double, void* stream);

enum class Elementary { exp_nonpositive, log, sine, cosine };

/// Applies one of the kernels' elementary functions to every number. @throws DeviceError
template <class Real>
std::vector<Real> elementary_on_gpu(Elementary function, std::span<const Real> x);
extern template std::vector<float> elementary_on_gpu(Elementary, std::span<const float>);
extern template std::vector<double> elementary_on_gpu(Elementary, std::span<const double>);

}  // namespace gmdiff::test
