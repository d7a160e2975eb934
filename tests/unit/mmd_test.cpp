#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;
using test::shuffled;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Distances of all pairs i < j of the pooled sets, ascending.
std::vector<double> sorted_distances(const Points& x, const Points& y) {
  Points pool(x.rows() + y.rows(), x.cols());
  pool << x, y;
  std::vector<double> distances;
  for (Eigen::Index i = 0; i < pool.rows(); ++i) {
    for (Eigen::Index j = i + 1; j < pool.rows(); ++j)
      distances.push_back((pool.row(i) - pool.row(j)).norm());
  }
  std::sort(distances.begin(), distances.end());
  return distances;
}

double median_of_sorted(const std::vector<double>& values) {
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2.0;
}

TEST(MedianDistance, OfThreePointsIsTheMiddleOne) {
  EXPECT_DOUBLE_EQ(median_distance(column({0.0, 1.0}), column({5.0})), 4.0);
}

TEST(MedianDistance, OfFourPointsIsTheMeanOfTheMiddleTwo) {
  // Distances 1, 2, 3, 4, 6, 7.
  EXPECT_DOUBLE_EQ(median_distance(column({0.0, 1.0}), column({4.0, 7.0})), 3.5);
}

TEST(MedianDistance, OfTwoPointsIsTheirDistance) {
  EXPECT_DOUBLE_EQ(median_distance(column({2.0}), column({5.0})), 3.0);
}

TEST(MedianDistance, AgreesWithSortingForOddAndEvenCounts) {
  for (const Eigen::Index m : {20, 21, 22, 23}) {
    const Points x = normal_points(17, 3, 1);
    const Points y = normal_points(m, 3, 2);
    const double expected = median_of_sorted(sorted_distances(x, y));
    EXPECT_NEAR(median_distance(x, y), expected, 1e-14 * expected) << m;
  }
}

TEST(MedianDistance, AgreesWithSortingWhereThePairsAreNotStored) {
  // 1.1e6 to 1.6e6 pairs, more than one pass can collect.
  for (const Eigen::Index m : {500, 803}) {
    const Points x = normal_points(1000, 2, 1);
    const Points y = 5.0 * normal_points(m, 2, 2);
    const double expected = median_of_sorted(sorted_distances(x, y));
    EXPECT_NEAR(median_distance(x, y), expected, 1e-14 * expected) << m;
  }
}

TEST(MedianDistance, BetweenTwoValuesThatHoldHalfOfManyPairsEach) {
  // 1275 points at 0 and 1225 at 1: as many pairs at distance 0 as at distance 1.
  Points x = Points::Zero(1275, 1);
  Points y = Points::Ones(1225, 1);
  EXPECT_DOUBLE_EQ(median_distance(x, y), 0.5);

  // One point more on one side changes the median.
  EXPECT_DOUBLE_EQ(median_distance(Points::Zero(1276, 1).eval(), y), 0.0);
  EXPECT_DOUBLE_EQ(median_distance(x, Points::Ones(1226, 1).eval()), 1.0);
}

TEST(MedianDistance, OfManyEqualPointsIsZero) {
  EXPECT_EQ(median_distance(Points::Constant(2000, 2, 3.5).eval(), Points::Constant(50, 2, 3.5).eval()), 0.0);
}

TEST(MedianDistance, RefusesBadInput) {
  const Points x = normal_points(3, 2, 1);

  expect_invalid([&] { median_distance(Points(0, 2), x); }, "median_distance: x has no points");
  expect_invalid([&] { median_distance(x, normal_points(3, 1, 1)); },
                 "median_distance: x has dimension 2 but y has dimension 1");
}

TEST(MmdSquared, OfTwoPointsAgainstTwo) {
  const Points x = column({0.0, 1.0});
  const Points y = column({0.0, 3.0});
  const auto k = [](double distance) { return std::exp(-distance * distance / (2.0 * 4.0)); };

  const double expected = k(1.0) + k(3.0) - 2.0 * (k(0.0) + k(3.0) + k(1.0) + k(2.0)) / 4.0;

  EXPECT_NEAR(mmd_squared(x, y, 2.0), expected, 1e-15);
}

TEST(MmdSquared, AgreesWithPairByPairForOddSizesAndManyBlocks) {
  const Points x = normal_points(555, 3, 1);
  const Points y = normal_points(1034, 3, 2).array() * 1.2;
  const double bandwidth = 0.9;
  const auto mean = [&](const Points& a, const Points& b, bool itself) {
    double total = 0.0;
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
      for (Eigen::Index j = 0; j < b.rows(); ++j) {
        if (!itself || i != j)
          total += std::exp(-(a.row(i) - b.row(j)).squaredNorm() / (2.0 * bandwidth * bandwidth));
      }
    }
    return total / (static_cast<double>(a.rows()) * static_cast<double>(itself ? a.rows() - 1 : b.rows()));
  };

  const double expected = mean(x, x, true) + mean(y, y, true) - 2.0 * mean(x, y, false);

  EXPECT_NEAR(mmd_squared(x, y, bandwidth), expected, 1e-14);
}

TEST(MmdSquared, UsesTheMedianDistanceUnlessABandwidthIsGiven) {
  const Points x = normal_points(20, 2, 1);
  const Points y = normal_points(30, 2, 2);

  EXPECT_EQ(mmd_squared(x, y), mmd_squared(x, y, median_distance(x, y)));
  EXPECT_NE(mmd_squared(x, y), mmd_squared(x, y, 1.0));
}

TEST(MmdSquared, DoesNotDependOnOrderOrSide) {
  const Points x = normal_points(40, 3, 1);
  const Points y = normal_points(25, 3, 2);

  EXPECT_NEAR(mmd_squared(shuffled(x, 3), shuffled(y, 4), 1.5), mmd_squared(x, y, 1.5), 1e-15);
  EXPECT_NEAR(mmd_squared(y, x, 1.5), mmd_squared(x, y, 1.5), 1e-15);
}

TEST(MmdSquared, AtExtremeBandwidthsSeesEqualityAndNothing) {
  const Points x = column({0.0, 1.0, 1.0});
  const Points y = column({1.0, 2.0});

  // With a tiny bandwidth only equal points count: one of three pairs in x, none in y, two of six across.
  EXPECT_NEAR(mmd_squared(x, y, 1e-100), 1.0 / 3.0 - 2.0 / 3.0, 1e-15);
  EXPECT_NEAR(mmd_squared(x, y, 1e100), 0.0, 1e-15);
}

Mixture two_modes() {
  Eigen::Matrix2d a;
  a << 1.0, 0.3, 0.3, 0.5;
  Points means(2, 2);
  means << -1.0, 0.0, 1.0, 0.5;
  return {{0.3, 0.7}, means, Covariance::full({a, 0.5 * Eigen::Matrix2d::Identity()})};
}

TEST(MmdSquaredAgainstALaw, OfPointMassesIsThatOfTheirPoints) {
  const Points x = normal_points(6, 2, 1);
  const Points y = normal_points(4, 2, 2);
  const Mixture law({1.0, 1.0, 1.0, 1.0}, y, Covariance::spherical({0.0, 0.0, 0.0, 0.0}));
  const double bandwidth = 1.3;

  // The law's own term is over all pairs: (m - 1) / m of the unbiased term plus 1 / m from the diagonal.
  const Points far = y.array() + 1e3;
  const double x_alone = mmd_squared(x, Points(x.array() + 1e3), bandwidth) / 2.0;
  const double y_alone = mmd_squared(y, far, bandwidth) / 2.0;
  const double expected = mmd_squared(x, y, bandwidth) - y_alone + (0.75 * y_alone + 0.25);

  EXPECT_NEAR(mmd_squared(x, law, bandwidth), expected, 1e-14);
  EXPECT_GT(x_alone, 0.0);
}

TEST(MmdSquaredAgainstALaw, IsTheMeanOverExactDraws) {
  const Mixture law = two_modes();
  const Points x = normal_points(50, 2, 1);
  const double expected = mmd_squared(x, law, 1.1);
  const int repeats = 1000;

  double sum = 0.0;
  double squares = 0.0;
  for (int r = 0; r < repeats; ++r) {
    const Samples y = draw(law, {.count = 100,
                                 .seed = static_cast<std::uint64_t>(r),
                                 .device = Device::reference(),
                                 .precision = Precision::f64});
    const double value = mmd_squared(x, y, 1.1);
    sum += value;
    squares += value * value;
  }

  const double mean = sum / repeats;
  const double standard_error = std::sqrt((squares / repeats - mean * mean) / repeats);
  EXPECT_NEAR(mean, expected, 5.0 * standard_error);
  EXPECT_LT(5.0 * standard_error, 0.1 * expected) << "the test would not see a wrong value";
}

TEST(MmdSquaredBetweenLaws, OfOneLawIsZero) {
  EXPECT_NEAR(mmd_squared(two_modes(), two_modes(), 0.7), 0.0, 1e-15);
}

TEST(MmdSquaredBetweenLaws, OfTwoNormalsInOneDimension) {
  const Mixture p({1.0}, column({0.0}), Covariance::spherical({1.0}));
  const Mixture q({1.0}, column({2.0}), Covariance::spherical({3.0}));
  const double l2 = 0.25;
  const auto k = [l2](double variance, double shift) {
    return std::sqrt(l2 / (variance + l2)) * std::exp(-0.5 * shift * shift / (variance + l2));
  };

  EXPECT_NEAR(mmd_squared(p, q, 0.5), k(2.0, 0.0) + k(6.0, 0.0) - 2.0 * k(4.0, 2.0), 1e-15);
}

/// A law with diagonal covariances (the same one for all components when `one`) in every structure that can
/// hold it.
std::vector<Mixture> structures(bool one) {
  Points means(2, 3);
  means << -1.0, 0.0, 0.5, 1.0, 0.5, -0.25;
  Points variances(2, 3);
  variances << 0.5, 1.0, 2.0, 0.25, 0.75, 1.5;
  if (one) variances.row(1) = variances.row(0);
  const std::vector<double> weights{0.4, 0.6};
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(3, 3);
  std::vector<Mixture> result{
      {weights, means, Covariance::diag(variances)},
      {weights, means, Covariance::common_basis(identity, variances)},
      {weights, means, Covariance::full({variances.row(0).asDiagonal(), variances.row(1).asDiagonal()})},
  };
  if (one) result.emplace_back(weights, means, Covariance::tied(variances.row(0).asDiagonal()));
  return result;
}

TEST(MmdSquaredBetweenLaws, IsTheSameForEveryStructureOfTheCovariances) {
  const Mixture spherical({0.5, 0.5}, normal_points(2, 3, 4), Covariance::spherical({0.3, 1.0}));
  for (const bool one : {false, true}) {
    const std::vector<Mixture> laws = structures(one);
    const double to_spherical = mmd_squared(laws.front(), spherical, 0.8);
    const double to_tied = mmd_squared(laws.front(), structures(true).back(), 0.8);
    for (const Mixture& p : laws) {
      EXPECT_NEAR(mmd_squared(p, spherical, 0.8), to_spherical, 1e-14) << to_string(p.covariance_type());
      EXPECT_NEAR(mmd_squared(p, structures(true).back(), 0.8), to_tied, 1e-14)
          << to_string(p.covariance_type());
      for (const Mixture& q : laws) EXPECT_NEAR(mmd_squared(p, q, 0.8), 0.0, 1e-14);
    }
  }
}

TEST(MmdSquaredBetweenLaws, OfTiedLawsWithDifferentAxes) {
  Eigen::Matrix2d a;
  a << 1.0, 0.4, 0.4, 0.6;
  Eigen::Matrix2d b;
  b << 0.3, -0.1, -0.1, 0.9;
  const Points means_p = normal_points(3, 2, 1);
  const Points means_q = normal_points(2, 2, 2);

  const double tied = mmd_squared(Mixture({0.2, 0.3, 0.5}, means_p, Covariance::tied(a)),
                                  Mixture({0.9, 0.1}, means_q, Covariance::tied(b)), 0.6);
  const double full = mmd_squared(Mixture({0.2, 0.3, 0.5}, means_p, Covariance::full({a, a, a})),
                                  Mixture({0.9, 0.1}, means_q, Covariance::full({b, b})), 0.6);

  EXPECT_NEAR(tied, full, 1e-14);
}

TEST(MmdSquaredBetweenLaws, OfSingularCovariancesFarWiderThanTheBandwidth) {
  // Both lie on the line x_1 = x_2; on it, in units of length, they are N(0, 2 v) and N(sqrt2 c, 2 v).
  const double v = 1e6;
  const double c = 500.0;
  const double l = 1e-7;
  const Eigen::Matrix2d line = v * Eigen::Matrix2d::Ones();
  const Mixture p({1.0}, Points::Zero(1, 2), Covariance::full({line}));
  const Mixture q({1.0}, Points::Constant(1, 2, c), Covariance::full({line}));

  const double height = l / std::sqrt(4.0 * v + l * l);
  const double expected = 2.0 * height * (1.0 - std::exp(-0.5 * 2.0 * c * c / (4.0 * v)));

  EXPECT_NEAR(mmd_squared(p, q, l), expected, 1e-10 * expected);
}

TEST(MmdSquared, IsTheSameForAnyNumberOfThreadsAndOnTheReference) {
  const Points x = normal_points(900, 3, 1);
  const Points y = normal_points(700, 3, 2);
  const Mixture law({1.0}, Points::Zero(1, 3), Covariance::spherical({1.0}));

  for (const Device& device : {Device::reference(), Device::cpu(1), Device::cpu(3)}) {
    EXPECT_EQ(mmd_squared(x, y, 1.3, device), mmd_squared(x, y, 1.3)) << device.name();
    EXPECT_EQ(mmd_squared(x, law, 1.3, device), mmd_squared(x, law, 1.3)) << device.name();
  }
}

TEST(MmdSquared, RefusesBadInput) {
  const Points x = normal_points(4, 2, 1);
  const Points one = x.topRows(1);
  const Points equal = Points::Ones(4, 2);
  const Mixture law = two_modes();
  const Mixture line({1.0}, column({0.0}), Covariance::spherical({1.0}));

  expect_invalid([&] { mmd_squared(Points(0, 2), x); }, "mmd_squared: x has no points");
  expect_invalid([&] { mmd_squared(one, x); }, "mmd_squared: x needs at least 2 points, given 1");
  expect_invalid([&] { mmd_squared(x, one); }, "mmd_squared: y needs at least 2 points, given 1");
  expect_invalid([&] { mmd_squared(x, normal_points(4, 3, 1)); },
                 "mmd_squared: x has dimension 2 but y has dimension 3");
  expect_invalid([&] { mmd_squared(x, x, 0.0); },
                 "mmd_squared: bandwidth must be in [1e-100, 1e+100], given 0");
  expect_invalid([&] { mmd_squared(x, x, -1.0); },
                 "mmd_squared: bandwidth must be in [1e-100, 1e+100], given -1");
  expect_invalid([&] { mmd_squared(x, x, nan); },
                 "mmd_squared: bandwidth must be in [1e-100, 1e+100], given nan");
  expect_invalid([&] { mmd_squared(x, law, infinity); },
                 "mmd_squared: bandwidth must be in [1e-100, 1e+100], given inf");
  expect_invalid([&] { mmd_squared(law, law, 0.0); },
                 "mmd_squared: bandwidth must be in [1e-100, 1e+100], given 0");
  expect_invalid([&] { mmd_squared(equal, equal); },
                 "mmd_squared: the median distance of the points is 0; give a bandwidth (the argument of "
                 "mmd_squared, --bandwidth)");
  expect_invalid([&] { mmd_squared(one, law, 1.0); }, "mmd_squared: x needs at least 2 points, given 1");
  expect_invalid([&] { mmd_squared(x, line, 1.0); },
                 "mmd_squared: x has dimension 2 but the law has dimension 1");
  expect_invalid([&] { mmd_squared(law, line, 1.0); },
                 "mmd_squared: p has dimension 2 but q has dimension 1");
}

}  // namespace
}  // namespace gmdiff
