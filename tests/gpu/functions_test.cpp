#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "device/elementary_unit.hpp"
#include "gpu/functions.hpp"
#include "gpu/on_gpu.hpp"

// Random words and elementary functions of the kernels, one by one (numerics.md §3, §5). When a whole run
// differs, these tests locate the reason.

namespace gmdiff::test {
namespace {

// --- Philox ------------------------------------------------------------------------------------------------

/// Counters as in runs, with large indices, block numbers and streams.
std::vector<Counter> counters() {
  std::vector<Counter> list;
  std::uint64_t word = 1;
  const auto next = [&] { return static_cast<std::uint32_t>((word *= 0x9E3779B97F4A7C15U) >> 32); };
  for (const Purpose purpose :
       {Purpose::start_component, Purpose::step_noise, Purpose::draw_noise, Purpose::user}) {
    for (int n = 0; n < 1000; ++n) {
      const std::uint32_t replicate = purpose == Purpose::draw_noise ? next() >> 8 : 0;
      // An odd index is the upper one of two side by side.
      list.push_back({.counter = {next() | 1U, n % 2 == 0 ? 0 : next(),
                                  n % 3 == 0 ? next() : static_cast<std::uint32_t>(n),
                                  static_cast<std::uint32_t>(purpose) << 24 | replicate},
                      .key = {next(), next()}});
    }
  }
  return list;
}

/// The words by Random123, through the streams of src/base/random.hpp.
PhiloxWords expected_words(std::span<const Counter> counters) {
  PhiloxWords words;
  for (const auto& [counter, key] : counters) {
    const StreamKey stream{.seed = std::uint64_t{key[1]} << 32 | key[0],
                           .index = std::uint64_t{counter[1]} << 32 | counter[0],
                           .purpose = static_cast<Purpose>(counter[3] >> 24),
                           .replicate = counter[3] & 0xffffff};
    words.push_back(philox_words(stream, counter[2]));
  }
  return words;
}

TEST(Philox, OfCurandOnTheHostIsThatOfRandom123) {
  EXPECT_EQ(curand_words_on_host(counters()), expected_words(counters()));
}

class OnGpuPhilox : public OnGpu {};

TEST_F(OnGpuPhilox, OfCurandIsThatOfRandom123) {
  EXPECT_EQ(curand_words_on_gpu(counters()), expected_words(counters()));
}

TEST_F(OnGpuPhilox, OfTheKernelsIsThatOfRandom123) {
  EXPECT_EQ(words_on_gpu(counters()), expected_words(counters()));
  EXPECT_EQ(words_of_twice_on_gpu(counters()), expected_words(counters()));
}

// --- elementary functions ----------------------------------------------------------------------------------

class OnGpuElementary : public OnGpu {};

/// In [0, 1).
double fraction(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

template <class Real>
void expect_bits_of_the_cpu(Elementary function, void (*on_cpu)(const Real*, Real*, std::size_t),
                            double (*argument)(double), std::vector<Real> x) {
  // After the special values as many as make a whole number of packs.
  const std::size_t n = is_small() ? 1 << 12 : 1 << 22;
  for (std::uint64_t i = x.size(); i < n; ++i)
    x.push_back(static_cast<Real>(argument(fraction(i * 0x9E3779B97F4A7C15U))));
  std::vector<Real> expected(n);
  on_cpu(x.data(), expected.data(), n);
  const std::vector<Real> values = elementary_on_gpu(function, std::span<const Real>(x));
  for (std::size_t i = 0; i < n; ++i) {
    const bool same = std::isnan(expected[i]) ? std::isnan(values[i])
                                              : std::memcmp(&values[i], &expected[i], sizeof(Real)) == 0;
    ASSERT_TRUE(same) << "function " << static_cast<int>(function) << " of " << x[i] << ": " << values[i]
                      << ", on the cpu " << expected[i];
  }
}

template <class Real>
void expect_bits_of_the_cpu(const ElementaryFunctions<Real>& cpu) {
  using Limits = std::numeric_limits<Real>;
  constexpr Real inf = Limits::infinity(), nan = Limits::quiet_NaN(), tiny = Limits::denorm_min();
  const auto negative = [](double u) { return -std::exp2(17.0 * u - 7.0); };
  // Numbers of all sizes, including subnormal ones, and near 1.
  const auto positive = [](double u) {
    return u < 0.25
               ? 0.5 + 4.0 * u
               : std::exp2((sizeof(Real) == sizeof(float) ? 276.0 : 2096.0) * ((u - 0.25) / 0.75 - 0.54));
  };
  const auto turns = [](double u) { return 0.25 * u - 0.125; };
  expect_bits_of_the_cpu<Real>(Elementary::exp_nonpositive, cpu.exp_nonpositive, negative,
                               {0, -Real(0), -inf, nan, -tiny, Limits::lowest()});
  expect_bits_of_the_cpu<Real>(Elementary::log, cpu.log, positive,
                               {0, -Real(0), 1, inf, -inf, nan, -1, tiny, Limits::min(), Limits::max()});
  expect_bits_of_the_cpu<Real>(Elementary::sine, cpu.sine, turns,
                               {0, -Real(0), Real(0.125), Real(-0.125), tiny});
  expect_bits_of_the_cpu<Real>(Elementary::cosine, cpu.cosine, turns,
                               {0, -Real(0), Real(0.125), Real(-0.125), tiny});
}

TEST_F(OnGpuElementary, HaveTheBitsOfTheCpu) {
  expect_bits_of_the_cpu(elementary_scalar_f32());
  expect_bits_of_the_cpu(elementary_scalar_f64());
}

}  // namespace
}  // namespace gmdiff::test
