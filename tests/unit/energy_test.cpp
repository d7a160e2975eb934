#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/metrics/distances.hpp>

#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;
using test::shuffled;

/// 2 E|X-Y| - E|X-X'| - E|Y-Y'|, computed pair by pair.
double by_pairs(const Points& x, const Points& y, bool all_pairs) {
  const auto sum = [](const Points& a, const Points& b) {
    double total = 0.0;
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
      for (Eigen::Index j = 0; j < b.rows(); ++j) total += (a.row(i) - b.row(j)).norm();
    }
    return total;
  };
  const auto n = static_cast<double>(x.rows());
  const auto m = static_cast<double>(y.rows());
  return 2.0 * sum(x, y) / (n * m) - sum(x, x) / (n * (all_pairs ? n : n - 1.0)) -
         sum(y, y) / (m * (all_pairs ? m : m - 1.0));
}

TEST(EnergyDistance, OfTwoPointsAgainstTwo) {
  const Points x = column({0.0, 1.0});
  const Points y = column({0.0, 3.0});

  // Cross distances 0, 3, 1, 2.
  EXPECT_DOUBLE_EQ(energy_distance(x, y, EnergyForm::u), 2.0 * 1.5 - 1.0 - 3.0);
  EXPECT_DOUBLE_EQ(energy_distance(x, y, EnergyForm::v), 2.0 * 1.5 - 0.5 - 1.5);
}

TEST(EnergyDistance, AgreesWithPairByPairForOddSizesAndManyBlocks) {
  for (const auto& [n, m, d] :
       {std::array<Eigen::Index, 3>{2, 3, 1}, {7, 9, 2}, {8, 16, 3}, {600, 533, 2}, {37, 90, 700}}) {
    const Points x = normal_points(n, d, 1);
    const Points y = normal_points(m, d, 2).array() + 0.25;
    const double tolerance = 1e-13 * std::sqrt(static_cast<double>(d));
    EXPECT_NEAR(energy_distance(x, y, EnergyForm::u), by_pairs(x, y, false), tolerance)
        << n << " " << m << " " << d;
    EXPECT_NEAR(energy_distance(x, y, EnergyForm::v), by_pairs(x, y, true), tolerance)
        << n << " " << m << " " << d;
  }
}

TEST(EnergyDistance, InOneDimensionIsTwiceTheSquaredDistanceBetweenTheCdfs) {
  const Points x = normal_points(31, 1, 1);
  const Points y = normal_points(44, 1, 2);
  std::vector<std::pair<double, double>> steps;
  for (Eigen::Index i = 0; i < 31; ++i) steps.emplace_back(x(i, 0), 1.0 / 31.0);
  for (Eigen::Index j = 0; j < 44; ++j) steps.emplace_back(y(j, 0), -1.0 / 44.0);
  std::sort(steps.begin(), steps.end());

  double integral = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    difference += steps[i].second;
    integral += difference * difference * (steps[i + 1].first - steps[i].first);
  }

  EXPECT_NEAR(energy_distance(x, y, EnergyForm::v), 2.0 * integral, 1e-14);
}

TEST(EnergyDistance, DoesNotDependOnOrderSideOrOrigin) {
  const Points x = normal_points(40, 3, 1);
  const Points y = normal_points(25, 3, 2);
  const double expected = energy_distance(x, y);

  EXPECT_NEAR(energy_distance(shuffled(x, 3), shuffled(y, 4)), expected, 1e-14);
  EXPECT_NEAR(energy_distance(y, x), expected, 1e-14);
  // A shift by 2^20 rounds the points to 2^-33, which keeps small distances.
  EXPECT_NEAR(energy_distance(Points(x.array() + 1048576.0), Points(y.array() + 1048576.0)), expected, 1e-9);
}

TEST(EnergyDistance, VFormIsZeroForEqualSetsAndNeverNegative) {
  const Points x = normal_points(33, 2, 1);

  EXPECT_GE(energy_distance(x, shuffled(x, 1), EnergyForm::v), 0.0);
  EXPECT_NEAR(energy_distance(x, x, EnergyForm::v), 0.0, 1e-14);
  EXPECT_LT(energy_distance(x, x, EnergyForm::u), 0.0);
}

TEST(EnergyDistance, VFormAcceptsSinglePoints) {
  EXPECT_DOUBLE_EQ(energy_distance(column({1.0}), column({4.0}), EnergyForm::v), 6.0);
}

TEST(EnergyDistance, IsTheSameForAnyNumberOfThreadsAndOnTheReference) {
  const Points x = normal_points(900, 3, 1);
  const Points y = normal_points(700, 3, 2);

  for (const Device& device : {Device::reference(), Device::cpu(1), Device::cpu(3)}) {
    EXPECT_EQ(energy_distance(x, y, EnergyForm::u, device), energy_distance(x, y)) << device.name();
  }
}

TEST(EnergyDistance, RefusesBadInput) {
  const Points x = normal_points(4, 2, 1);
  Points bad = x;
  bad(0, 0) = -std::numeric_limits<double>::infinity();

  expect_invalid([&] { energy_distance(Points(0, 2), x); }, "energy_distance: x has no points");
  expect_invalid([&] { energy_distance(x, bad); },
                 "energy_distance: y is not finite at point 0, coordinate 0 (-inf)");
  expect_invalid([&] { energy_distance(x.topRows(1).eval(), x); },
                 "energy_distance: x needs at least 2 points, given 1");
  expect_invalid([&] { energy_distance(x, x.topRows(1).eval(), EnergyForm::u); },
                 "energy_distance: y needs at least 2 points, given 1");
  expect_invalid([&] { energy_distance(x, normal_points(4, 5, 1)); },
                 "energy_distance: x has dimension 2 but y has dimension 5");
}

}  // namespace
}  // namespace gmdiff
