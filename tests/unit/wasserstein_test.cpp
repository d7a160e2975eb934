#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "base/random.hpp"
#include "device/executor.hpp"
#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;
using test::shuffled;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> normal_numbers(Eigen::Index n, unsigned seed) {
  const Points x = normal_points(n, 1, seed);
  return {x.data(), x.data() + x.size()};
}

/// W_p^p by the definition for equal sizes, after repeating every x m times and every y n times.
double by_replication(const std::vector<double>& x, const std::vector<double>& y, int p) {
  std::vector<double> many_x;
  std::vector<double> many_y;
  for (const double value : x) many_x.insert(many_x.end(), y.size(), value);
  for (const double value : y) many_y.insert(many_y.end(), x.size(), value);
  std::sort(many_x.begin(), many_x.end());
  std::sort(many_y.begin(), many_y.end());
  double total = 0.0;
  for (std::size_t i = 0; i < many_x.size(); ++i) total += std::pow(std::abs(many_x[i] - many_y[i]), p);
  return total / static_cast<double>(many_x.size());
}

/// W_1 as the area between the two empirical cdfs.
double by_cdf_area(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<std::pair<double, double>> steps;
  for (const double value : x) steps.emplace_back(value, 1.0 / static_cast<double>(x.size()));
  for (const double value : y) steps.emplace_back(value, -1.0 / static_cast<double>(y.size()));
  std::sort(steps.begin(), steps.end());
  double area = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    difference += steps[i].second;
    area += std::abs(difference) * (steps[i + 1].first - steps[i].first);
  }
  return area;
}

TEST(Wasserstein1d, PairsSortedPoints) {
  const std::vector<double> x{3.0, 0.0, 1.0};
  const std::vector<double> y{6.0, 8.0, 4.0};

  EXPECT_DOUBLE_EQ(wasserstein_1d(x, y, 1), (4.0 + 5.0 + 5.0) / 3.0);
  EXPECT_DOUBLE_EQ(wasserstein_1d(x, y, 2), (16.0 + 25.0 + 25.0) / 3.0);
}

TEST(Wasserstein1d, SplitsTheMassOfUnequalSizes) {
  const std::vector<double> x{0.0, 1.0, 2.0};
  const std::vector<double> y{0.0, 10.0};

  // Thirds against halves: 0-0 for 1/3, 1-0 for 1/6, 1-10 for 1/6, 2-10 for 1/3.
  EXPECT_DOUBLE_EQ(wasserstein_1d(x, y, 1), 1.0 / 6.0 + 9.0 / 6.0 + 8.0 / 3.0);
  EXPECT_DOUBLE_EQ(wasserstein_1d(x, y, 2), 1.0 / 6.0 + 81.0 / 6.0 + 64.0 / 3.0);
}

TEST(Wasserstein1d, AgreesWithReplicationForEverySmallPairOfSizes) {
  for (Eigen::Index n = 1; n <= 12; ++n) {
    for (Eigen::Index m = 1; m <= 12; ++m) {
      const auto x = normal_numbers(n, static_cast<unsigned>(n));
      const auto y = normal_numbers(m, static_cast<unsigned>(100 + m));
      for (const int p : {1, 2})
        EXPECT_NEAR(wasserstein_1d(x, y, p), by_replication(x, y, p), 1e-14)
            << n << " x " << m << ", p = " << p;
    }
  }
}

TEST(Wasserstein1d, IsTheAreaBetweenTheCdfsForLargeCoprimeSizes) {
  const auto x = normal_numbers(100003, 1);
  const auto y = normal_numbers(65537, 2);

  const double expected = by_cdf_area(x, y);

  EXPECT_NEAR(wasserstein_1d(x, y, 1), expected, 1e-10 * expected);
}

TEST(Wasserstein1d, DoesNotChangeWhenASetIsWrittenSeveralTimes) {
  const auto x = normal_numbers(9, 3);
  const auto y = normal_numbers(14, 4);
  std::vector<double> thrice = x;
  for (int i = 0; i < 2; ++i) thrice.insert(thrice.end(), x.begin(), x.end());

  EXPECT_NEAR(wasserstein_1d(thrice, y, 1), wasserstein_1d(x, y, 1), 1e-15);
  EXPECT_NEAR(wasserstein_1d(x, thrice, 2), 0.0, 1e-15);
}

TEST(Wasserstein1d, IsSymmetricAndObeysTheTriangleInequality) {
  const auto x = normal_numbers(20, 5);
  const auto y = normal_numbers(31, 6);
  const auto z = normal_numbers(17, 7);

  EXPECT_NEAR(wasserstein_1d(x, y, 1), wasserstein_1d(y, x, 1), 1e-15);
  EXPECT_LE(wasserstein_1d(x, z, 1), wasserstein_1d(x, y, 1) + wasserstein_1d(y, z, 1));
  EXPECT_LE(std::sqrt(wasserstein_1d(x, z, 2)),
            std::sqrt(wasserstein_1d(x, y, 2)) + std::sqrt(wasserstein_1d(y, z, 2)));
  EXPECT_LE(std::pow(wasserstein_1d(x, y, 1), 2), wasserstein_1d(x, y, 2));
}

TEST(Wasserstein1d, RefusesBadInput) {
  const std::vector<double> x{0.0, 1.0};
  const std::vector<double> none;
  const std::vector<double> with_nan{0.0, nan};

  expect_invalid([&] { wasserstein_1d(none, x, 1); }, "wasserstein_1d: x has no points");
  expect_invalid([&] { wasserstein_1d(x, none, 1); }, "wasserstein_1d: y has no points");
  expect_invalid([&] { wasserstein_1d(x, with_nan, 1); },
                 "wasserstein_1d: y is not finite at point 1, coordinate 0 (nan)");
  expect_invalid([&] { wasserstein_1d(x, x, 3); }, "wasserstein_1d: p must be 1 or 2, given 3");
  expect_invalid([&] { wasserstein_1d(x, x, 0); }, "wasserstein_1d: p must be 1 or 2, given 0");
}

TEST(RandomDirections, AreNormalisedNormalsOfTheirStream) {
  const Points directions = random_directions(5, 7, 42);

  ASSERT_EQ(directions.rows(), 7);
  ASSERT_EQ(directions.cols(), 5);
  for (Eigen::Index s = 0; s < 7; ++s) {
    NormalStream normal({.seed = 42, .index = static_cast<std::uint64_t>(s), .purpose = Purpose::directions},
                        Precision::f64);
    EXPECT_NEAR(directions.row(s).norm(), 1.0, 1e-15);
    EXPECT_NEAR(directions(s, 3) / directions(s, 1), normal(3) / normal(1),
                1e-14 * std::abs(normal(3) / normal(1)));
  }
}

TEST(RandomDirections, MoreOfThemBeginWithTheSame) {
  EXPECT_EQ(random_directions(3, 20, 9).topRows(5), random_directions(3, 5, 9));
  EXPECT_NE(random_directions(3, 5, 8), random_directions(3, 5, 9));
}

TEST(RandomDirections, AreUniformOnTheSphere) {
  const Eigen::Index n = 20000;

  const Points directions = random_directions(3, static_cast<int>(n), 1);

  // E u = 0, Var u_i = 1/3, Var u_i u_j (i != j) = 1/15: five standard errors.
  const double bound = 5.0 / std::sqrt(static_cast<double>(n));
  const Eigen::MatrixXd second = directions.transpose() * directions / static_cast<double>(n);
  EXPECT_LT(directions.colwise().mean().cwiseAbs().maxCoeff(), bound * std::sqrt(1.0 / 3.0));
  EXPECT_LT(std::abs(second(0, 1)), bound * std::sqrt(1.0 / 15.0));
  EXPECT_LT(std::abs(second(1, 2)), bound * std::sqrt(1.0 / 15.0));
}

TEST(RandomDirections, RefuseBadInput) {
  expect_invalid([] { random_directions(0, 5, 1); }, "random_directions: dimension must be >= 1, given 0");
  expect_invalid([] { random_directions(2, 0, 1); }, "random_directions: slices must be >= 1, given 0");
}

TEST(SlicedWasserstein, OfATranslationIsItsProjection) {
  const Points x = normal_points(50, 3, 1);
  const Eigen::RowVector3d shift(1.0, -2.0, 0.5);
  const Points y = x.rowwise() + shift;
  const Points directions = random_directions(3, 11, 5);

  const Eigen::VectorXd w1 = slice_wasserstein(x, y, directions, 1);
  const Eigen::VectorXd w2_squared = slice_wasserstein(x, y, directions, 2);

  for (Eigen::Index s = 0; s < 11; ++s) {
    const double projection = directions.row(s).dot(shift);
    EXPECT_NEAR(w1(s), std::abs(projection), 1e-14);
    EXPECT_NEAR(w2_squared(s), projection * projection, 1e-14);
  }
}

TEST(SlicedWasserstein, IsThatOfEachDirectionAlone) {
  const Points x = normal_points(30, 4, 1);
  const Points y = normal_points(45, 4, 2);
  const Points directions = random_directions(4, 19, 3);

  const Eigen::VectorXd slices = slice_wasserstein(x, y, directions, 2);

  for (Eigen::Index s = 0; s < 19; ++s) {
    const Eigen::VectorXd px = x * directions.row(s).transpose();
    const Eigen::VectorXd py = y * directions.row(s).transpose();
    const double alone = wasserstein_1d({px.data(), 30}, {py.data(), 45}, 2);
    EXPECT_NEAR(slices(s), alone, 1e-14 * alone);
  }
}

TEST(SlicedWasserstein, AveragesOverTheRandomDirectionsOfItsSeed) {
  const Points x = normal_points(30, 2, 1);
  const Points y = normal_points(20, 2, 2);
  const Points directions = random_directions(2, 25, 77);

  const Eigen::VectorXd w1 = slice_wasserstein(x, y, directions, 1);
  const Eigen::VectorXd w2_squared = slice_wasserstein(x, y, directions, 2);

  EXPECT_DOUBLE_EQ(sliced_wasserstein(x, y, {.p = 1, .slices = 25, .seed = 77}), w1.mean());
  EXPECT_DOUBLE_EQ(sliced_wasserstein(x, y, {.p = 2, .slices = 25, .seed = 77}),
                   std::sqrt(w2_squared.mean()));
  EXPECT_DOUBLE_EQ(max_sliced_wasserstein(x, y, {.p = 1, .slices = 25, .seed = 77}), w1.maxCoeff());
  EXPECT_DOUBLE_EQ(max_sliced_wasserstein(x, y, {.p = 2, .slices = 25, .seed = 77}),
                   std::sqrt(w2_squared.maxCoeff()));
  EXPECT_NE(sliced_wasserstein(x, y, {.slices = 25, .seed = 78}), w1.mean());
}

TEST(SlicedWasserstein, DoesNotDependOnTheOrderOfThePoints) {
  const Points x = normal_points(60, 3, 1);
  const Points y = normal_points(40, 3, 2);

  EXPECT_NEAR(sliced_wasserstein(shuffled(x, 1), shuffled(y, 2)), sliced_wasserstein(x, y), 1e-14);
  EXPECT_NEAR(sliced_wasserstein(shuffled(x, 1), x), 0.0, 1e-14);
}

TEST(SlicedWasserstein, InOneDimensionIsTheWassersteinDistance) {
  const Points x = normal_points(15, 1, 1);
  const Points y = normal_points(15, 1, 2);

  EXPECT_NEAR(sliced_wasserstein(x, y, {.slices = 3}), wasserstein_1d({x.data(), 15}, {y.data(), 15}, 1),
              1e-15);
}

TEST(SlicedWasserstein, IsTheSameForAnyNumberOfThreadsAndOnTheReference) {
  const Points x = normal_points(3000, 5, 1);
  const Points y = normal_points(2000, 5, 2);
  const Points directions = random_directions(5, 40, 3);
  const Eigen::VectorXd expected = slice_wasserstein(x, y, directions, 2);

  for (const Device& device : {Device::reference(), Device::cpu(1), Device::cpu(3)}) {
    EXPECT_EQ(slice_wasserstein(x, y, directions, 2, device), expected) << device.name();
    EXPECT_EQ(sliced_wasserstein(x, y, {.slices = 40, .device = device}),
              sliced_wasserstein(x, y, {.slices = 40}));
    EXPECT_EQ(max_sliced_wasserstein(x, y, {.slices = 40, .device = device}),
              max_sliced_wasserstein(x, y, {.slices = 40}));
  }
}

/// The message of the call for GPU 99; that of a run is tested in device_test.cpp.
std::string device_error(const std::function<void()>& call) {
  try {
    call();
  } catch (const DeviceUnavailable& error) {
    return error.what();
  }
  return "no error";
}

TEST(Distances, OnAGpuThatIsNotThereSayWhatARunSays) {
  const Points x = normal_points(4, 2, 1);
  const Points directions = random_directions(2, 3, 1);
  const Mixture law({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  const Device gpu = Device::cuda(99);
  const std::string expected = device_error([&] { make_executor(gpu); });

  EXPECT_TRUE(expected.starts_with("device cuda:99: ")) << expected;
  for (const std::function<void()>& call : std::initializer_list<std::function<void()>>{
           [&] { sliced_wasserstein(x, x, {.device = gpu}); },
           [&] { max_sliced_wasserstein(x, x, {.device = gpu}); },
           [&] { sliced_wasserstein(x, x, directions, 1, gpu); },
           [&] { max_sliced_wasserstein(x, x, directions, 1, gpu); },
           [&] { slice_wasserstein(x, x, directions, 1, gpu); }, [&] { mmd_squared(x, x, {}, gpu); },
           [&] { mmd_squared(x, law, 1.0, gpu); }, [&] { energy_distance(x, x, EnergyForm::u, gpu); },
           [&] { judge(x, law, {.device = gpu}); },
           [&] { judge(x, law, {.metric = Metric::modes, .device = gpu}); }}) {
    EXPECT_EQ(device_error(call), expected);
  }
}

TEST(Distances, RefuseImpossibleDevices) {
  const Points x = normal_points(4, 2, 1);

  expect_invalid([&] { sliced_wasserstein(x, x, {.device = Device::cpu(-1)}); },
                 "Device: cpu threads must not be negative, got -1");
  expect_invalid([&] { energy_distance(x, x, EnergyForm::v, Device::cpu(1025)); },
                 "Device: cpu threads must be at most 1024, got 1025");
  expect_invalid([&] { mmd_squared(x, x, 1.0, Device::cuda(-2)); },
                 "Device: cuda index must not be negative, got -2");
}

TEST(SlicedWasserstein, RefusesBadInput) {
  const Points x = normal_points(4, 2, 1);
  Points bad = x;
  bad(2, 1) = infinity;
  const Points directions = random_directions(3, 2, 1);

  expect_invalid([&] { sliced_wasserstein(Points(0, 2), x); }, "sliced_wasserstein: x has no points");
  expect_invalid([&] { sliced_wasserstein(x, Points(0, 2)); }, "sliced_wasserstein: y has no points");
  expect_invalid([&] { sliced_wasserstein(Points(3, 0), x); }, "sliced_wasserstein: x has dimension 0");
  expect_invalid([&] { sliced_wasserstein(x, bad); },
                 "sliced_wasserstein: y is not finite at point 2, coordinate 1 (inf)");
  expect_invalid([&] { sliced_wasserstein(x, normal_points(4, 3, 1)); },
                 "sliced_wasserstein: x has dimension 2 but y has dimension 3");
  expect_invalid([&] { sliced_wasserstein(x, x, {.p = 3}); },
                 "sliced_wasserstein: p must be 1 or 2, given 3");
  expect_invalid([&] { sliced_wasserstein(x, x, {.slices = 0}); },
                 "sliced_wasserstein: slices must be >= 1, given 0");
  expect_invalid([&] { max_sliced_wasserstein(x, x, {.slices = -1}); },
                 "max_sliced_wasserstein: slices must be >= 1, given -1");
  expect_invalid([&] { max_sliced_wasserstein(x, x, {.p = -2}); },
                 "max_sliced_wasserstein: p must be 1 or 2, given -2");
  expect_invalid([&] { slice_wasserstein(x, x, directions, 1); },
                 "slice_wasserstein: directions have dimension 3 but the points have dimension 2");
  expect_invalid([&] { slice_wasserstein(x, x, Points(0, 2), 1); },
                 "slice_wasserstein: directions has no points");
}

TEST(PointSetOfSamples, HoldsAllRowsOfAllProblems) {
  const Samples samples(Samples::Values<float>{1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2}, {}, {});

  const PointSet set = samples;

  ASSERT_EQ(set.points().rows(), 4);
  EXPECT_EQ(set.points().row(3), Eigen::RowVector2d(7, 8));
}

TEST(PointSetOfSamples, RefusesAHistory) {
  const Samples samples(Samples::Values<double>{1, 2, 3, 4}, {1, 2, 2}, {1.0, 0.0}, {});

  expect_invalid([&] { PointSet{samples}; },
                 "PointSet: samples have a history of 2 levels, expected the samples of one level");
}

/// The floor of W_1 without the factor of the sizes.
double spread(const Mixture& law) {
  return wasserstein_floor(law, 2, 2) / std::sqrt(2.0 * std::numbers::inv_pi);
}

TEST(WassersteinFloor, OfTwoPointMassesIsTheGap) {
  const Mixture law({0.3, 0.7}, column({-1.0, 4.0}), Covariance::spherical({0.0, 0.0}));

  EXPECT_NEAR(spread(law), 5.0 * std::sqrt(0.3 * 0.7), 1e-14);
}

TEST(WassersteinFloor, OfOnePointIsZero) {
  const Mixture law({1.0}, column({3.0}), Covariance::spherical({0.0}));

  EXPECT_EQ(wasserstein_floor(law, 10, 10), 0.0);
}

TEST(WassersteinFloor, ScalesWithTheLawAndTheSizes) {
  const Mixture law({0.4, 0.6}, column({-1.0, 1.5}), Covariance::spherical({0.2, 1.0}));
  const Mixture larger({0.4, 0.6}, column({-1.0e3 + 7.0, 1.5e3 + 7.0}),
                       Covariance::spherical({0.2e6, 1.0e6}));

  EXPECT_NEAR(spread(larger), 1e3 * spread(law), 1e-9 * spread(law));
  EXPECT_NEAR(wasserstein_floor(law, 100, 400),
              spread(law) * std::sqrt(2.0 * std::numbers::inv_pi) * std::sqrt(0.0125), 1e-15);
}

TEST(WassersteinFloor, IgnoresComponentsOfWeightZero) {
  const Mixture law({0.0, 1.0}, column({1e6, 1.5}), Covariance::spherical({0.0, 1.0}));
  const Mixture normal({1.0}, column({0.0}), Covariance::spherical({1.0}));

  EXPECT_NEAR(spread(law), spread(normal), 1e-13);
}

/// int sqrt(F (1 - F)) dx by the trapezoidal rule in z on each of many equal panels.
double by_trapezoids(const Mixture& law, double begin, double end, Eigen::Index n) {
  const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(n + 1, begin, end);
  const Eigen::ArrayXd values = (law.cdf(x).array() * law.survival(x).array()).sqrt();
  return (end - begin) / static_cast<double>(n) * (values.sum() - 0.5 * (values(0) + values(n)));
}

TEST(WassersteinFloor, ResolvesSeparatedModesOfVeryDifferentWidths) {
  const double narrow = 1e-9;
  const Mixture law({0.5, 0.2, 0.3}, column({0.0, 100.0, 1000.0}),
                    Covariance::spherical({1.0, narrow * narrow, 0.0}));

  const double actual = spread(law);

  // The first mode and its gap by a fine rule; the two other jumps are sharp but for `narrow`.
  const double expected = by_trapezoids(law, -20.0, 50.0, 70000) + 50.0 * 0.5 + 900.0 * std::sqrt(0.7 * 0.3);
  EXPECT_NEAR(actual, expected, 1e-9 * expected);
}

TEST(WassersteinFloor, ResolvesANarrowModeInsideAWideOne) {
  const Mixture law({0.9, 0.1}, column({0.0, 0.3}), Covariance::spherical({4.0, 1e-6}));

  // Panels around the narrow mode have their own fine rule.
  const double expected = by_trapezoids(law, -30.0, 0.28, 100000) + by_trapezoids(law, 0.28, 0.32, 100000) +
                          by_trapezoids(law, 0.32, 30.0, 100000);
  EXPECT_NEAR(spread(law), expected, 1e-8 * expected);
}

TEST(WassersteinFloor, IsTheMeanDistanceBetweenExactSamples) {
  const Mixture law({0.35, 0.65}, column({-1.0, 2.0}), Covariance::spherical({0.3, 0.5}));
  const int pairs = 200;

  double sum = 0.0;
  double squares = 0.0;
  for (int i = 0; i < pairs; ++i) {
    const auto seed = static_cast<std::uint64_t>(2 * i);
    const Points x =
        draw(law, {.count = 2000, .seed = seed, .device = Device::reference(), .precision = Precision::f64})
            .to_double();
    const Points y =
        draw(law,
             {.count = 500, .seed = seed + 1, .device = Device::reference(), .precision = Precision::f64})
            .to_double();
    const double distance = wasserstein_1d({x.data(), 2000}, {y.data(), 500}, 1);
    sum += distance;
    squares += distance * distance;
  }

  const double mean = sum / pairs;
  const double standard_error = std::sqrt((squares / pairs - mean * mean) / pairs);
  // The theory is asymptotic: 2 % beside five standard errors.
  EXPECT_NEAR(mean, wasserstein_floor(law, 2000, 500), 5.0 * standard_error + 0.02 * mean);
}

TEST(WassersteinFloor, RefusesBadInput) {
  const Mixture plane({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  const Mixture line({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));

  expect_invalid([&] { wasserstein_floor(plane, 1, 1); },
                 "wasserstein_floor: the law must have dimension 1 (Mixture::project), given 2");
  expect_invalid([&] { wasserstein_floor(line, 0, 1); }, "wasserstein_floor: n must be >= 1, given 0");
  expect_invalid([&] { wasserstein_floor(line, 1, -3); }, "wasserstein_floor: m must be >= 1, given -3");
}

}  // namespace
}  // namespace gmdiff
