#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;

/// Two components that overlap and differ in width.
Mixture overlapping_law() { return {{0.3, 0.7}, column({-1.0, 1.0}), Covariance::spherical({1.0, 0.25})}; }

TEST(ModeWeights, AreMeansOfResponsibilities) {
  const Mixture law({0.5, 0.5}, column({-1.0, 1.0}), Covariance::spherical({1.0, 1.0}));

  const ModeWeights modes = mode_weights(column({0.0, 1.0}), law);

  // The log-odds of the second component are 2 x.
  const double second = 0.5 * (0.5 + 1.0 / (1.0 + std::exp(-2.0)));
  EXPECT_NEAR(modes.estimates(1), second, 1e-15);
  EXPECT_NEAR(modes.estimates(0), 1.0 - second, 1e-15);
  EXPECT_EQ(modes.weights, Eigen::Vector2d(0.5, 0.5));
  EXPECT_NEAR(modes.total_variation, second - 0.5, 1e-15);
}

TEST(ModeWeights, OfSeparatedModesAreTheirFrequencies) {
  const Mixture law({0.3, 0.7}, column({-50.0, 50.0}), Covariance::spherical({1.0, 1.0}));
  Points x = Points::Constant(10000, 1, 50.0);  // more than one batch
  x.topRows(2500).setConstant(-50.0);

  EXPECT_NEAR(mode_weights(x, law).total_variation, mode_frequencies(x, law).total_variation, 1e-14);
}

TEST(ModeWeights, AreUnbiasedWhereFrequenciesAreNot) {
  const Mixture law = overlapping_law();
  const std::int64_t n = 100'000;
  const Points x = draw(law, {.count = n, .seed = 4, .precision = Precision::f64}).to_double();

  // The variance of a responsibility, and of an indicator, is at most 1/4.
  const double standard_error = 0.5 / std::sqrt(static_cast<double>(n));
  EXPECT_LT(mode_weights(x, law).total_variation, 4.0 * standard_error);
  EXPECT_GT(mode_frequencies(x, law).total_variation, 10.0 * standard_error);
}

TEST(ModeWeights, OfWeightedPointsAreThoseOfRepeatedPoints) {
  const Mixture law = overlapping_law();
  const std::vector<double> weights{3.0, 0.0, 2.0};
  const std::vector<double> equal(5000, 0.25);
  const Points x = normal_points(5000, 1, 1);

  EXPECT_NEAR(mode_weights(column({-1.5, 7.0, 0.2}), law, weights).estimates(0),
              mode_weights(column({-1.5, -1.5, -1.5, 0.2, 0.2}), law).estimates(0), 1e-15);
  EXPECT_NEAR(mode_weights(x, law, equal).estimates(0), mode_weights(x, law).estimates(0), 1e-14);
}

TEST(ModeWeights, OfSingularComponentsFollowTheirSupports) {
  const Mixture law({0.5, 0.5}, Points{{5.0, 0.0}, {0.0, 5.0}},
                    Covariance::diag(Points{{1.0, 0.0}, {0.0, 1.0}}));

  const ModeWeights modes = mode_weights(Points{{3.0, 0.0}, {6.5, 0.0}, {0.0, 7.0}, {4.0, 0.0}}, law);

  EXPECT_EQ(modes.estimates, Eigen::Vector2d(0.75, 0.25));
}

TEST(ModeWeights, RefuseBadInput) {
  const Mixture law = overlapping_law();
  const auto weigh = [&](const std::vector<double>& weights) {
    mode_weights(column({0.0, 1.0}), law, weights);
  };

  expect_invalid([&] { mode_weights(Points(0, 1), law); }, "mode_weights: x has no points");
  expect_invalid([&] { mode_weights(normal_points(3, 2, 1), law); },
                 "mode_weights: x has dimension 2 but the law has dimension 1");
  expect_invalid([&] { weigh({1.0}); }, "mode_weights: 2 points need as many point weights, given 1");
  expect_invalid(
      [&] {
        weigh({1.0, -0.5});
      },
      "mode_weights: point weights must be >= 0 and finite, given -0.5 for point 1");
  expect_invalid(
      [&] {
        weigh({std::numeric_limits<double>::quiet_NaN(), 1.0});
      },
      "mode_weights: point weights must be >= 0 and finite, given nan for point 0");
  expect_invalid(
      [&] {
        weigh({0.0, 0.0});
      },
      "mode_weights: the sum of the point weights must be > 0 and finite, given 0");
}

}  // namespace
}  // namespace gmdiff
