#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "particle/resampling.hpp"

// Resampling in integers (numerics.md §6); for small sums every point is enumerated.

namespace gmdiff::particle {
namespace {

std::vector<std::uint64_t> inclusive(const std::vector<std::uint64_t>& weights) {
  std::vector<std::uint64_t> sums;
  std::uint64_t sum = 0;
  for (const std::uint64_t w : weights) sums.push_back(sum += w);
  return sums;
}

const std::vector<std::vector<std::uint64_t>> small_weights{
    {1}, {3, 0, 5, 4, 0}, {1, 1, 1}, {0, 0, 7, 0}, {2, 9, 30, 1, 1, 6, 0, 11}};

TEST(IntegerResampling, SpacedPointsGiveEachWeightItsExactShare) {
  for (const std::vector<std::uint64_t>& weights : small_weights) {
    const std::vector<std::uint64_t> sums = inclusive(weights);
    const std::uint64_t S = sums.back(), N = weights.size();
    const SpacedPoints points(S, N);
    std::vector<std::uint64_t> offspring(N, 0);
    for (std::uint64_t t = 0; t < S; ++t) {
      std::vector<std::uint64_t> of_t(N, 0);
      for (std::uint64_t n = 0; n < N; ++n) {
        const auto j = static_cast<std::size_t>(ancestor_of(sums.data(), std::ssize(sums), points(n, t)));
        ++of_t[j];
        ++offspring[j];
      }
      // One t for all particles (systematic resampling): the number of offspring is within one of N w / S.
      for (std::size_t j = 0; j < N; ++j) {
        EXPECT_LT(std::abs(static_cast<double>(of_t[j]) -
                           static_cast<double>(N * weights[j]) / static_cast<double>(S)),
                  1.0);
      }
    }
    // Over all t, both per particle (stratified) and for all together (systematic), a particle of weight w_j
    // gets N w_j offspring.
    for (std::size_t j = 0; j < N; ++j) EXPECT_EQ(offspring[j], N * weights[j]);
  }
}

TEST(IntegerResampling, AscendingPointsAreSpacedOnesFromEveryStart) {
  constexpr std::uint64_t large = (std::uint64_t{1} << 61) + 12345;
  for (const std::uint64_t S : {std::uint64_t{1}, std::uint64_t{70}, large}) {
    for (const std::uint64_t N : {std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{128}}) {
      const SpacedPoints spaced(S, N);
      for (const std::uint64_t t : {std::uint64_t{0}, S / 3, S - 1}) {
        for (const std::uint64_t first : {std::uint64_t{0}, N / 2}) {
          AscendingPoints points(S, N, first, t);
          for (std::uint64_t n = first; n < N; ++n)
            ASSERT_EQ(points.next(), spaced(n, t)) << S << ' ' << N << ' ' << t << ' ' << n;
        }
      }
    }
  }
}

TEST(IntegerResampling, ResidualSharesAddUpToTheWeights) {
  for (const std::vector<std::uint64_t>& weights : small_weights) {
    const std::uint64_t S = inclusive(weights).back(), N = weights.size();
    std::uint64_t copies = 0;
    for (const std::uint64_t w : weights) {
      const ResidualShare share = residual_share(w, S, N);
      EXPECT_EQ(share.copies, N * w / S);
      EXPECT_EQ(share.rest, (N * w % S) >> bit_width(N - 1));
      copies += share.copies;
    }
    EXPECT_LE(copies, N);
  }
  // Where N w does not fit 64 bits the product wraps, but the remainder is still correct.
  const std::uint64_t S = (std::uint64_t{1} << 61) + 12345, N = std::uint64_t{1} << 20,
                      w = (std::uint64_t{1} << 60) + 77;
  __extension__ using Wide = unsigned __int128;
  const ResidualShare share = residual_share(w, S, N);
  EXPECT_EQ(share.copies, static_cast<std::uint64_t>(Wide{N} * w / S));
  EXPECT_EQ(share.rest, static_cast<std::uint64_t>(Wide{N} * w % S) >> 20);
}

TEST(IntegerResampling, NeverChoosesAWeightOfZero) {
  const std::vector<std::uint64_t> sums = inclusive({0, 3, 0, 0, 2, 0});
  for (std::uint64_t p = 0; p < 5; ++p)
    EXPECT_EQ(ancestor_of(sums.data(), std::ssize(sums), p), p < 3 ? 1 : 4);
}

template <class Real>
void expect_floor(Real e, int b) {
  const long double scaled = std::ldexp(static_cast<long double>(e), b);
  const auto floor = static_cast<std::uint64_t>(std::floor(scaled));
  EXPECT_EQ(integer_weight(e, b), floor) << e << ' ' << b;
  EXPECT_EQ(converted_weight(e, std::ldexp(1.0, b)), floor) << e << ' ' << b;
}

TEST(IntegerResampling, WeightsAreFlooredWhateverTheExponent) {
  for (const int b : {30, 32, 58, 61}) {
    for (double e = 1.0; e > 1e-30; e *= 0.37) {
      expect_floor(static_cast<float>(e), b);
      expect_floor(e, b);
    }
    expect_floor(0.0F, b);
    expect_floor(0.0, b);
    expect_floor(std::numeric_limits<float>::denorm_min(), b);
  }
}

TEST(IntegerResampling, OneParticleThatDominatesLosesAlmostNothing) {
  constexpr std::uint64_t N = std::uint64_t{1} << 30;
  // One weight of 1 and the others 0: S_0 = 2^b_0.
  const std::uint64_t first_sum = std::uint64_t{1} << first_scale(N);
  const int b = final_scale(first_sum, N);
  const std::uint64_t S = integer_weight(1.0F, b);
  EXPECT_GE(S, std::uint64_t{1} << 60);
  EXPECT_LT(S, std::uint64_t{1} << 62);
}

TEST(OrderKey, OrdersAsNumbersDoAndNanAboveAll) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> ascending{-inf, -1e300, -1.0, -5e-324, 0.0, 5e-324, 2.0, 1e300, inf};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i)
    EXPECT_LT(order_key(ascending[i]), order_key(ascending[i + 1])) << ascending[i];
  for (const double x : ascending) EXPECT_EQ(from_order_key(order_key(x)), x);
  for (const double nan : {std::nan(""), -std::nan("")}) {
    EXPECT_GT(order_key(nan), order_key(inf));
    EXPECT_TRUE(std::isnan(from_order_key(order_key(nan))));
  }
}

}  // namespace
}  // namespace gmdiff::particle
