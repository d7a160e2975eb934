#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/metrics/distances.hpp>

#include "metrics/binomial_deviation.hpp"
#include "support/point_sets.hpp"

// The expected W_1 of exact draws.

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;

/// E|B / n - p| by the sum over all values of B.
double by_sum(int n, double p) {
  long double sum = 0.0L;
  for (int b = 0; b <= n; ++b) {
    const long double log_probability =
        std::lgamma(n + 1.0L) - std::lgamma(b + 1.0L) - std::lgamma(n - b + 1.0L) +
        b * std::log(static_cast<long double>(p)) + (n - b) * std::log1p(-static_cast<long double>(p));
    sum += std::exp(log_probability) * std::abs(static_cast<long double>(b) / n - p);
  }
  return static_cast<double>(sum);
}

TEST(BinomialDeviation, IsTheSumOverAllValues) {
  for (const int n : {1, 2, 3, 10, 33, 1000}) {
    for (const double p : {1e-12, 0.001, 0.01, 0.07, 0.2, 1.0 / 3.0, 0.4999, 0.5}) {
      const double expected = by_sum(n, p);
      EXPECT_NEAR(BinomialDeviation(n)(p), expected, 1e-13 * expected) << n << ", p = " << p;
    }
  }
  EXPECT_EQ(BinomialDeviation(7)(0.0), 0.0);
}

TEST(BinomialDeviation, OfManyTrialsIsThatOfANormal) {
  const BinomialDeviation deviation(1'000'000'000'000);
  for (const double p : {0.01, 0.3, 0.5})
    EXPECT_NEAR(deviation(p) / std::sqrt(2.0 * std::numbers::inv_pi * p * (1.0 - p) / 1e12), 1.0, 1e-10);
}

// From one kink to another, the smooth form has the integral of the exact one.
TEST(BinomialDeviation, TheSmoothFormHasNoKinksAndTheSameIntegral) {
  const BinomialDeviation deviation(1000);
  for (const int j : {16, 50, 300}) {
    constexpr int steps = 2000;
    double exact = 0.0;
    double smooth = 0.0;
    for (int i = 0; i < steps; ++i) {
      const double p = (j + (i + 0.5) / steps) / 1000.0;
      exact += deviation(p);
      smooth += deviation.smooth(p);
    }
    EXPECT_NEAR(smooth / exact, 1.0, 0.01 / (j * j)) << j;
    const double kink = j / 1000.0;
    const auto slope = [&](double a, double b) {
      return (deviation.smooth(b) - deviation.smooth(a)) / (b - a);
    };
    EXPECT_NEAR(slope(kink - 1e-6, kink) / slope(kink, kink + 1e-6), 1.0, 0.05) << j;
  }
}

// The trapezoidal rule on a grid that is fine beside the narrowest component.
TEST(SlicedFloor, IsTheIntegralOnAFineGrid) {
  const Mixture law({0.2, 0.5, 0.3}, column({-3.0, 0.0, 0.5}), Covariance::spherical({0.25, 1.0, 0.01}));
  constexpr Eigen::Index steps = 100000;
  const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(steps + 1, -15.0, 15.0);
  const Eigen::VectorXd mass = law.cdf(x).cwiseMin(law.survival(x));
  for (const std::int64_t n : {1, 2, 31, 79, 80, 81, 82, 100, 250, 1000, 20000, 1000000}) {
    const BinomialDeviation deviation(n);
    double sum = 0.0;
    for (const double p : mass) sum += deviation(p);
    const double expected = sum * 30.0 / static_cast<double>(steps);
    EXPECT_NEAR(slice_wasserstein_floor(law, n, Points::Ones(1, 1))(0), expected, 1e-6 * expected) << n;
  }
}

TEST(SlicedFloor, OfManyDrawsIsTheAsymptoticOne) {
  const Mixture law({0.4, 0.6}, column({-1.0, 1.5}), Covariance::spherical({0.2, 1.0}));
  const std::int64_t many = std::int64_t{1} << 40;

  const double floor = slice_wasserstein_floor(law, many, Points::Ones(1, 1))(0);

  // Half of the floor of two sets in variance.
  EXPECT_NEAR(floor / (wasserstein_floor(law, many, many) * std::numbers::sqrt2 / 2.0), 1.0, 1e-5);
}

TEST(SlicedFloor, OfTwoPointMassesIsTheirGapTimesTheDeviation) {
  const Mixture law({0.3, 0.7}, column({-1.0, 4.0}), Covariance::spherical({0.0, 0.0}));
  const Mixture point({1.0}, column({3.0}), Covariance::spherical({0.0}));

  EXPECT_NEAR(slice_wasserstein_floor(law, 10, Points::Ones(1, 1))(0), 5.0 * by_sum(10, 0.3), 1e-14);
  EXPECT_EQ(slice_wasserstein_floor(point, 10, Points::Ones(1, 1))(0), 0.0);
}

TEST(SlicedFloor, IsMultipliedAsTheLawIs) {
  const auto law = [](double scale) {
    return Mixture({0.4, 0.6}, scale * column({-1.0, 1.5}),
                   Covariance::spherical({0.2 * scale * scale, scale * scale}));
  };
  const auto floor = [&](double scale) {
    return slice_wasserstein_floor(law(scale), 100, Points::Ones(1, 1))(0);
  };

  for (const double scale : {0x1p-500, 0x1p-3, 0x1p+500})
    EXPECT_NEAR(floor(scale) / scale, floor(1.0), 1e-12 * floor(1.0)) << scale;
}

TEST(SlicedFloor, RefusesBadInput) {
  const Mixture law({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));

  expect_invalid([&] { slice_wasserstein_floor(law, 0, Points::Identity(2, 2)); },
                 "slice_wasserstein_floor: n must be >= 1, given 0");
  expect_invalid([&] { slice_wasserstein_floor(law, 5, Points::Identity(3, 3)); },
                 "slice_wasserstein_floor: directions have dimension 3 but the law has dimension 2");
}

}  // namespace
}  // namespace gmdiff
