#include "base/random.hpp"

#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

constexpr std::uint32_t all_ones = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t two_to_32 = std::uint64_t{1} << 32;

StreamKey key(Purpose purpose = Purpose::step_noise, std::uint32_t replicate = 0) {
  return {.seed = 7, .index = 11, .purpose = purpose, .replicate = replicate};
}

TEST(NormalStream, GivesEachNumberInAnyOrder) {
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    NormalStream ascending(key(), precision);
    NormalStream descending(key(), precision);
    std::vector<double> forward(23), backward(23);

    for (std::size_t m = 0; m < 23; ++m) forward[m] = ascending(m);
    for (std::size_t m = 23; m-- > 0;) backward[m] = descending(m);

    EXPECT_EQ(forward, backward);
  }
}

TEST(NormalStream, UsesEveryNumberOfABlock) {
  const auto four = decode_normals_f32(philox_words(key(), 1));
  const auto two = decode_normals_f64(philox_words(key(), 1));
  NormalStream f32(key(), Precision::f32);
  NormalStream f64(key(), Precision::f64);

  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(f32(4 + i), four[i]);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(f64(2 + i), two[i]);
}

TEST(NormalStream, EndsAfterTwoToThe32Blocks) {
  NormalStream f32(key(), Precision::f32);
  NormalStream f64(key(), Precision::f64);

  EXPECT_TRUE(std::isfinite(f32(4 * two_to_32 - 1)));
  EXPECT_TRUE(std::isfinite(f64(2 * two_to_32 - 1)));
  test::expect_invalid(
      [&] { f32(4 * two_to_32); },
      "NormalStream: normal number 17179869184 needs counter block 4294967296, a stream has 2^32");
  test::expect_invalid(
      [&] { f64(2 * two_to_32); },
      "NormalStream: normal number 8589934592 needs counter block 4294967296, a stream has 2^32");
}

TEST(NormalStream, DependsOnSeedIndexPurposeAndReplicate) {
  std::set<double> values;
  const auto add = [&](StreamKey stream) { values.insert(NormalStream(stream, Precision::f64)(0)); };

  add(key());
  add({.seed = 8, .index = 11, .purpose = Purpose::step_noise});
  add({.seed = 7 + two_to_32, .index = 11, .purpose = Purpose::step_noise});
  add({.seed = 7, .index = 12, .purpose = Purpose::step_noise});
  add({.seed = 7, .index = 11 + two_to_32, .purpose = Purpose::step_noise});
  add(key(Purpose::churn_noise));
  add(key(Purpose::step_noise, 1));
  add(key(Purpose::step_noise, (1U << 24) - 1));

  EXPECT_EQ(values.size(), 8U);
}

TEST(DecodeNormals, AreFiniteAtBothEndsOfTheWords) {
  for (const Words& words : {Words{0, 0, 0, 0}, Words{all_ones, all_ones, all_ones, all_ones},
                             Words{0, all_ones, all_ones, 0}, Words{all_ones, 0, 0, all_ones}}) {
    for (const double z : decode_normals_f32(words)) EXPECT_LE(std::abs(z), 6.8);
    for (const double z : decode_normals_f64(words)) EXPECT_LE(std::abs(z), 8.6);
  }
}

TEST(DecodeNormals, HaveTheMomentsOfANormal) {
  constexpr std::uint64_t n = 200'000;
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    NormalStream stream(key(Purpose::user), precision);
    double mean = 0, square = 0, neighbours = 0, fourth = 0, previous = 0;

    for (std::uint64_t m = 0; m < n; ++m) {
      const double z = stream(m);
      mean += z;
      square += z * z;
      fourth += z * z * z * z;
      neighbours += z * previous;
      previous = z;
    }

    // Standard errors of the four means: 1, sqrt 2, sqrt 96 and 1 over sqrt n.
    const double root = std::sqrt(static_cast<double>(n));
    EXPECT_LT(std::abs(mean / n) * root, 4.0);
    EXPECT_LT(std::abs(square / n - 1.0) * root / std::sqrt(2.0), 4.0);
    EXPECT_LT(std::abs(fourth / n - 3.0) * root / std::sqrt(96.0), 4.0);
    EXPECT_LT(std::abs(neighbours / n) * root, 4.0);
  }
}

TEST(UniformU64, TakesTwoNumbersFromABlock) {
  const Words words = philox_words(key(), 3);

  EXPECT_EQ(uniform_u64(key(), 6), std::uint64_t{words[1]} << 32 | words[0]);
  EXPECT_EQ(uniform_u64(key(), 7), std::uint64_t{words[3]} << 32 | words[2]);
}

TEST(UniformU64, EndsAfterTwoToThe32Blocks) {
  EXPECT_NO_THROW(uniform_u64(key(), 2 * two_to_32 - 1));
  test::expect_invalid(
      [] { uniform_u64(key(), 2 * two_to_32); },
      "uniform_u64: uniform number 8589934592 needs counter block 4294967296, a stream has 2^32");
}

TEST(CategoricalUniform, LiesInTheHalfOpenUnitInterval) {
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    EXPECT_EQ(categorical_uniform(0, precision), 0.0);
    EXPECT_LT(categorical_uniform(std::numeric_limits<std::uint64_t>::max(), precision), 1.0);
    EXPECT_EQ(categorical_uniform(std::uint64_t{1} << 63, precision), 0.5);
  }
}

TEST(ProblemSeed, IsTheBatchsOwnForTheFirstProblem) {
  EXPECT_EQ(problem_seed(123, 0), 123U);
  EXPECT_NE(problem_seed(123, 1), 123U);
  EXPECT_NE(problem_seed(123, 1), problem_seed(123, 2));
}

}  // namespace
}  // namespace gmdiff
