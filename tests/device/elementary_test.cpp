#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "device/cpu/dispatch.hpp"
#include "device/elementary_unit.hpp"

// exp, log, sine and cosine (numerics.md §3): at most 2 ulp off, correct at the ends, the same bits on every
// instruction set. In float every argument is tested against double; in double many are tested against long
// double.

namespace gmdiff::test {
namespace {

using cpu::InstructionSet;

template <class Real>
ElementaryFunctions<Real> functions_of(InstructionSet set) {
  constexpr bool single = sizeof(Real) == sizeof(float);
  const auto choose = [](auto f32, auto f64) {
    if constexpr (single) {
      return f32();
    } else {
      return f64();
    }
  };
  switch (set) {
#ifdef GMDIFF_X86_UNITS
    case InstructionSet::avx512:
      return choose(elementary_avx512_f32, elementary_avx512_f64);
    case InstructionSet::avx2:
      return choose(elementary_avx2_f32, elementary_avx2_f64);
    case InstructionSet::fma128:
      return choose(elementary_fma128_f32, elementary_fma128_f64);
#else
    case InstructionSet::avx512:
    case InstructionSet::avx2:
    case InstructionSet::fma128:
#endif
    case InstructionSet::scalar:
      break;
  }
  return choose(elementary_scalar_f32, elementary_scalar_f64);
}

/// The next number above x >= 0. std::nextafter would take most of the time of the tests of every float.
float next_above(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + 1); }
double next_above(double x) { return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) + 1); }

/// |actual - exact| in units of the last place of the exact value rounded to Real.
template <class Real, class Exact>
double ulps(Real actual, Exact exact) {
  const Real rounded = std::abs(static_cast<Real>(exact));
  const Exact ulp = static_cast<Exact>(next_above(rounded)) - static_cast<Exact>(rounded);
  const double error = static_cast<double>(std::abs(static_cast<Exact>(actual) - exact) / ulp);
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

/// Largest error over every `stride`-th float with bits in [begin, end) and the last one, on all cores.
template <class Function, class Exact>
double worst_error(Function function, Exact exact, std::uint32_t begin, std::uint32_t end,
                   std::uint64_t stride = 1) {
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  std::vector<double> worst(threads, 0.0);
  {
    std::vector<std::jthread> workers;
    for (unsigned t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        constexpr std::size_t n = 1 << 12;
        std::vector<float> x(n), y(n);
        for (std::uint64_t first = begin + t * n * stride; first < end; first += threads * n * stride) {
          for (std::size_t i = 0; i < n; ++i) {
            x[i] = std::bit_cast<float>(
                static_cast<std::uint32_t>(std::min<std::uint64_t>(first + i * stride, end - 1)));
          }
          function(x.data(), y.data(), n);
          for (std::size_t i = 0; i < n; ++i)
            worst[t] = std::max(worst[t], ulps(y[i], exact(static_cast<double>(x[i]))));
        }
      });
    }
  }
  return *std::max_element(worst.begin(), worst.end());
}

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

constexpr float infinity = std::numeric_limits<float>::infinity();

ElementaryFunctions<float> widest() {
  InstructionSet set = InstructionSet::scalar;
  for (const InstructionSet candidate :
       {InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512}) {
    if (cpu::is_available(candidate)) set = candidate;
  }
  return functions_of<float>(set);
}

// From -70 down the result is 0 in float; closer to 0 than 2^-26 it is 1, rounded correctly. Some arguments
// show the constants.
TEST(Elementary, ExponentialOfEveryFloat) {
  const double error = worst_error(
      widest().exp_nonpositive, [](double x) { return std::exp(x); }, bits(-0x1p-26F), bits(-70.0F));
  EXPECT_LE(error, 2.0);
  EXPECT_LE(worst_error(
                widest().exp_nonpositive, [](double) { return 1.0; }, bits(-0.0F), bits(-0x1p-26F), 61),
            1.0);
  EXPECT_LE(worst_error(
                widest().exp_nonpositive, [](double) { return 0.0; }, bits(-70.0F), bits(-infinity) + 1, 61),
            0.0);
}

TEST(Elementary, LogarithmOfEveryFloat) {
  EXPECT_LE(worst_error(
                widest().log, [](double x) { return std::log(x); }, 1, bits(infinity)),
            2.0);
}

TEST(Elementary, SineAndCosineOfEveryFloat) {
  const auto sine = [](double turns) { return std::sin(2.0 * std::acos(-1.0) * turns); };
  const auto cosine = [](double turns) { return std::cos(2.0 * std::acos(-1.0) * turns); };
  // The smallest nonzero number of turns that an angle word gives is 2^-32.
  EXPECT_LE(worst_error(widest().sine, sine, bits(0x1p-32F), bits(0.125F) + 1), 2.0);
  EXPECT_LE(worst_error(widest().cosine, cosine, bits(0x1p-32F), bits(0.125F) + 1), 2.0);
}

/// Largest error over every 61st float with bits in [begin, end), with alternating signs: all of them would
/// take a minute. An absolute error up to `rest` counts as 0.
template <class Function, class Exact>
double worst_of_some(Function function, Exact exact, float begin, float end, double rest) {
  constexpr std::size_t n = 1 << 12;
  constexpr std::uint64_t stride = 61;
  double worst = 0.0;
  std::vector<float> x(n), y(n);
  for (std::uint64_t first = bits(begin); first < bits(end); first += stride * n) {
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = std::bit_cast<float>(
          static_cast<std::uint32_t>(std::min<std::uint64_t>(first + stride * i, bits(end) - 1)));
      if (i % 2 == 1) x[i] = -x[i];
    }
    function(x.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = exact(static_cast<double>(x[i]));
      if (std::abs(static_cast<double>(y[i]) - expected) > rest)
        worst = std::max(worst, ulps(y[i], expected));
    }
  }
  return worst;
}

TEST(Elementary, ExponentialOfFloatsOfBothSigns) {
  // Below -87.3 results are subnormal numbers.
  const auto exact = [](double x) { return std::exp(x); };
  EXPECT_LE(worst_of_some(widest().exp, exact, 0x1p-40F, 88.72F, 0.0), 2.0);
}

TEST(Elementary, SineAndCosineOfFloatsInRadians) {
  const auto sine = [](double x) { return std::sin(x); };
  const auto cosine = [](double x) { return std::cos(x); };
  EXPECT_LE(worst_of_some(widest().sine_radians, sine, 0x1p-40F, 0x1p13F, 0x1p-33), 2.0);
  EXPECT_LE(worst_of_some(widest().cosine_radians, cosine, 0x1p-40F, 0x1p13F, 0x1p-33), 2.0);
}

TEST(Elementary, HyperbolicTangentOfFloats) {
  const auto exact = [](double x) { return std::tanh(x); };
  EXPECT_LE(worst_of_some(widest().tanh, exact, 0x1p-40F, 20.0F, 0.0), 2.0);
}

template <class Real>
std::vector<Real> values(Real (*function)(std::uint64_t), std::size_t n) {
  std::vector<Real> list(n);
  for (std::size_t i = 0; i < n; ++i) list[i] = function(i * 0x9E3779B97F4A7C15U);
  return list;
}

/// Arguments of all sizes from random bits.
template <class Real>
Real fraction(std::uint64_t word) {
  return static_cast<Real>(word >> 11) * static_cast<Real>(0x1p-53);
}
double negative(std::uint64_t word) { return -std::exp2(16.0 * fraction<double>(word * 5) - 6.0); }
double positive(std::uint64_t word) {
  return (word & 1) == 0 ? 0.5 + 1.5 * fraction<double>(word)
                         : std::exp2(2000.0 * fraction<double>(word) - 1000.0);
}
double any_exponent(std::uint64_t word) { return 1454.0 * fraction<double>(word * 3) - 745.0; }
double radians(std::uint64_t word) { return 0x1p21 * (fraction<double>(word * 7) - 0.5); }
double of_tanh(std::uint64_t word) {
  return ((word & 1) == 0 ? 1.0 : -1.0) * std::exp2(45.0 * fraction<double>(word * 11) - 40.0);
}
double turns(std::uint64_t word) { return 0.25 * fraction<double>(word) - 0.125; }

TEST(Elementary, DoublesAreWithinTwoUlp) {
  constexpr std::size_t n = 1 << 21;
  const auto compare = [](auto function, auto exact, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    function(x.data(), y.data(), x.size());
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i)
      worst = std::max(worst, ulps(y[i], exact(static_cast<long double>(x[i]))));
    return worst;
  };
  const ElementaryFunctions<double> f = functions_of<double>(cpu::chosen_instruction_set());
  const long double two_pi = 2.0L * std::acos(-1.0L);
  EXPECT_LE(compare(
                f.exp_nonpositive, [](long double x) { return x <= -680.0L ? 0.0L : std::exp(x); },
                values(negative, n)),
            2.0);
  EXPECT_LE(compare(
                f.log, [](long double x) { return std::log(x); }, values(positive, n)),
            2.0);
  EXPECT_LE(compare(
                f.sine, [=](long double x) { return std::sin(two_pi * x); }, values(turns, n)),
            2.0);
  EXPECT_LE(compare(
                f.cosine, [=](long double x) { return std::cos(two_pi * x); }, values(turns, n)),
            2.0);
  EXPECT_LE(compare(
                f.exp, [](long double x) { return std::exp(x); }, values(any_exponent, n)),
            2.0);
  EXPECT_LE(compare(
                f.sine_radians, [](long double x) { return std::sin(x); }, values(radians, n)),
            2.0);
  EXPECT_LE(compare(
                f.cosine_radians, [](long double x) { return std::cos(x); }, values(radians, n)),
            2.0);
  EXPECT_LE(compare(
                f.tanh, [](long double x) { return std::tanh(x); }, values(of_tanh, n)),
            2.0);
}

template <class Real>
void expect_exact_ends(const ElementaryFunctions<Real>& f) {
  constexpr Real inf = std::numeric_limits<Real>::infinity();
  constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
  std::vector<Real> x(16, Real(0)), y(16);
  x[1] = -inf, x[2] = nan, x[3] = std::numeric_limits<Real>::lowest(), x[4] = Real(-0.0);
  f.exp_nonpositive(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], Real(1));
  EXPECT_EQ(y[1], Real(0));
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], Real(0));
  EXPECT_EQ(y[4], Real(1));
  // A GPU's own NaN has all bits of the mantissa.
  std::memset(&x[2], 0xff, sizeof(Real));
  f.exp_nonpositive(x.data(), y.data(), 16);
  EXPECT_TRUE(std::isnan(y[2]));
  x[0] = Real(0), x[1] = Real(1), x[2] = nan, x[3] = inf, x[4] = Real(-1), x[5] = -inf, x[6] = Real(-0.0);
  f.log(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], -inf);
  EXPECT_EQ(y[1], Real(0));
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], inf);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_TRUE(std::isnan(y[5]));
  EXPECT_EQ(y[6], -inf);
  x[0] = Real(0), x[1] = inf, x[2] = nan, x[3] = -inf, x[4] = Real(1e4), x[5] = Real(-1e4);
  f.exp(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], Real(1));
  EXPECT_EQ(y[1], inf);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], Real(0));
  EXPECT_EQ(y[4], inf);
  EXPECT_EQ(y[5], Real(0));
  // Numbers without a meaningful phase stay in [-1, 1].
  x[4] = Real(1e20), x[5] = std::numeric_limits<Real>::max();
  for (const auto function : {f.sine_radians, f.cosine_radians}) {
    function(x.data(), y.data(), 16);
    EXPECT_TRUE(std::isnan(y[1]) && std::isnan(y[2]) && std::isnan(y[3]));
    EXPECT_LE(std::abs(y[4]), Real(1));
    EXPECT_LE(std::abs(y[5]), Real(1));
  }
  f.tanh(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], Real(0));
  EXPECT_EQ(y[1], Real(1));
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], Real(-1));
  f.sine_radians(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], Real(0));
  f.cosine_radians(x.data(), y.data(), 16);
  EXPECT_EQ(y[0], Real(1));
}

TEST(Elementary, EndsAreExact) {
  for (const InstructionSet set :
       {InstructionSet::scalar, InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512}) {
    if (!cpu::is_available(set)) continue;
    SCOPED_TRACE(cpu::to_string(set));
    expect_exact_ends(functions_of<float>(set));
    expect_exact_ends(functions_of<double>(set));
  }
}

template <class Real>
void expect_same_bits(InstructionSet set, std::size_t n) {
  const ElementaryFunctions<Real> f = functions_of<Real>(set);
  const ElementaryFunctions<Real> scalar = functions_of<Real>(InstructionSet::scalar);
  const auto compare = [&](auto function, auto expected, double (*argument)(std::uint64_t)) {
    std::vector<Real> x(n), y(n), z(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<Real>(argument(i * 0x9E3779B97F4A7C15U));
    function(x.data(), y.data(), n);
    expected(x.data(), z.data(), n);
    EXPECT_TRUE(y == z) << cpu::to_string(set);
  };
  compare(f.exp_nonpositive, scalar.exp_nonpositive, negative);
  compare(f.log, scalar.log, positive);
  compare(f.sine, scalar.sine, turns);
  compare(f.cosine, scalar.cosine, turns);
  compare(f.exp, scalar.exp, any_exponent);
  compare(f.sine_radians, scalar.sine_radians, radians);
  compare(f.cosine_radians, scalar.cosine_radians, radians);
  compare(f.tanh, scalar.tanh, of_tanh);
}

TEST(Elementary, InstructionSetsHaveTheSameBits) {
  for (const InstructionSet set : {InstructionSet::fma128, InstructionSet::avx2, InstructionSet::avx512}) {
    if (!cpu::is_available(set)) continue;
    expect_same_bits<float>(set, 10'000'000 / 16 * 16);
    expect_same_bits<double>(set, 1'000'000 / 16 * 16);
  }
}

}  // namespace
}  // namespace gmdiff::test
