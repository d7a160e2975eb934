#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "base/extended.hpp"

// Functions of long double for plans (numerics.md §2): they round to nearest, so that constants of that type
// are matched exactly.

namespace gmdiff {
namespace {

constexpr long double infinity = std::numeric_limits<long double>::infinity();
constexpr long double epsilon = std::numeric_limits<long double>::epsilon();
constexpr long double pi = std::numbers::pi_v<long double>;

TEST(Extended, RoundsToTheNearestLongDouble) {
  EXPECT_EQ(extended::exp(1.0L), std::numbers::e_v<long double>);
  EXPECT_EQ(extended::expm1(1e-30L), 1e-30L);
  EXPECT_EQ(extended::log(2.0L), std::numbers::ln2_v<long double>);
  EXPECT_EQ(extended::log(10.0L), std::numbers::ln10_v<long double>);
  EXPECT_EQ(extended::log1p(1.0L), std::numbers::ln2_v<long double>);
  EXPECT_EQ(extended::pow(2.0L, 0.5L), std::numbers::sqrt2_v<long double>);
  EXPECT_EQ(extended::sin(1.0L), 0.841470984807896506652502321630298999622563L);
  EXPECT_EQ(extended::cos(1.0L), 0.540302305868139717400936607442976603732310L);
  EXPECT_EQ(extended::log(2.0L * pi), extended::log_two_pi);
  EXPECT_EQ(extended::asinh(1.0L), 0.881373587019543025232609324979792309028160L);
  EXPECT_EQ(extended::atan2(1.0L, 1.0L), pi / 4.0L);
  EXPECT_EQ(extended::atan2(1.0L, -1.0L), 2.35619449019234492884698253745962716314788L);
}

TEST(Extended, HasTheLimitsOfTheFunctions) {
  EXPECT_EQ(extended::exp(-infinity), 0.0L);
  EXPECT_EQ(extended::log(0.0L), -infinity);
  EXPECT_EQ(extended::expm1(-infinity), -1.0L);
  EXPECT_TRUE(std::isnan(extended::log(-1.0L)));
}

// exp(log x) is x up to the rounding error of log x.
TEST(Extended, InvertsItself) {
  for (long double x = 1e-9L; x < 1e9L; x *= 1.37L) {
    const long double there_and_back = extended::exp(extended::log(x)) / x,
                      near_zero = extended::expm1(extended::log1p(x)) / x;

    EXPECT_LE(std::abs(there_and_back - 1.0L), (2.0L + std::abs(std::log(x))) * epsilon) << x;
    EXPECT_LE(std::abs(near_zero - 1.0L), (2.0L + std::log1p(x) * (1.0L + x) / x) * epsilon) << x;
  }
}

}  // namespace
}  // namespace gmdiff
