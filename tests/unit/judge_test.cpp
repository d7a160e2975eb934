#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "device/executor.hpp"
#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::column;
using test::expect_invalid;
using test::normal_points;

Mixture plane_law(double shift = 0.0) {
  Points means(2, 2);
  means << -1.5 + shift, 0.0, 1.5 + shift, 1.0;
  Eigen::Matrix2d a;
  a << 0.5, 0.2, 0.2, 0.4;
  return {{0.4, 0.6}, means, Covariance::full({a, Eigen::Matrix2d::Identity()})};
}

/// Exact draws of one replicate of the streams of numerics.md §5.
PointSet draw_replicate(const Mixture& law, std::int64_t count, std::uint64_t seed, std::uint32_t replicate) {
  Options options;
  options.count = count;
  options.seed = seed;
  options.device = Device::reference();
  options.precision = Precision::f64;
  return run(draw_plan({&law, 1}), options, replicate);
}

/// The draws of `gmdiff draw` for the seed.
PointSet plain_draw(const Mixture& law, std::int64_t count, std::uint64_t seed) {
  return draw(law,
              {.count = count, .seed = seed, .device = Device::reference(), .precision = Precision::f64});
}

constexpr Metric all_metrics[] = {Metric::sliced_wasserstein,
                                  Metric::max_sliced_wasserstein,
                                  Metric::mmd_squared,
                                  Metric::energy_distance,
                                  Metric::moments,
                                  Metric::modes,
                                  Metric::mode_weights,
                                  Metric::sinkhorn,
                                  Metric::mode_coverage,
                                  Metric::mmd_vsm};

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  double squares = 0.0;
  for (const double value : values) squares += std::pow(value - mean(values), 2);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

TEST(Judge, NamesItsQuantities) {
  const Mixture law = plane_law();
  const PointSet x = plain_draw(law, 20, 1);
  const auto name = [&](Metric metric, int p = 1) {
    return judge(x, law, {.metric = metric, .p = p, .slices = 3, .repeats = 2})[0].quantity;
  };

  EXPECT_EQ(name(Metric::sliced_wasserstein), "sw_1");
  EXPECT_EQ(name(Metric::sliced_wasserstein, 2), "sw_2");
  EXPECT_EQ(name(Metric::max_sliced_wasserstein, 2), "max_sw_2");
  EXPECT_EQ(name(Metric::mmd_squared), "mmd_squared");
  EXPECT_EQ(name(Metric::energy_distance), "energy_distance");
  EXPECT_EQ(name(Metric::modes), "total_variation");
  EXPECT_EQ(name(Metric::mode_weights), "mode_weight_error");
  EXPECT_EQ(name(Metric::sinkhorn), "sinkhorn");
  EXPECT_EQ(name(Metric::mode_coverage), "mode_coverage");
  EXPECT_EQ(name(Metric::mmd_vsm), "mmd_vsm");
  const auto moments = judge(x, law, {.metric = Metric::moments});
  ASSERT_EQ(moments.size(), 4u);
  EXPECT_EQ(moments[0].quantity, "mean_error");
  EXPECT_EQ(moments[1].quantity, "covariance_error");
  EXPECT_EQ(moments[2].quantity, "whitened_mean_error");
  EXPECT_EQ(moments[3].quantity, "whitened_covariance_error");
}

TEST(Judge, ComparesSamplesWithTheReplicatesOfEachRepetition) {
  const Mixture law = plane_law();
  const PointSet x = normal_points(80, 2, 1);
  std::vector<double> values;
  std::vector<double> floors;
  for (std::uint32_t r = 0; r < 3; ++r) {
    values.push_back(energy_distance(x, draw_replicate(law, 80, 7, 3 * r + 1), EnergyForm::v));
    floors.push_back(energy_distance(draw_replicate(law, 80, 7, 3 * r + 2),
                                     draw_replicate(law, 80, 7, 3 * r + 3), EnergyForm::v));
  }

  const Judgement judgement = judge(x, law, {.metric = Metric::energy_distance, .repeats = 3, .seed = 7})[0];

  EXPECT_NEAR(judgement.value, mean(values), 1e-14);
  EXPECT_NEAR(judgement.value_sd, deviation(values), 1e-14);
  EXPECT_NEAR(judgement.floor, mean(floors), 1e-14);
  EXPECT_NEAR(judgement.floor_sd, deviation(floors), 1e-14);
  EXPECT_DOUBLE_EQ(judgement.ratio, judgement.value / judgement.floor);
  EXPECT_FALSE(judgement.bandwidth.has_value());
}

TEST(Judge, SlicesAreComparedWithTheLawItself) {
  const Mixture law = plane_law();
  const PointSet x = normal_points(80, 2, 1);
  const Points directions = random_directions(2, 10, 7);
  std::vector<double> floors;
  std::vector<double> largest_floors;
  for (std::uint32_t r = 0; r < 3; ++r) {
    const PointSet exact = draw_replicate(law, 80, 7, 3 * r + 2);
    floors.push_back(sliced_wasserstein(exact, law, directions, 2));
    largest_floors.push_back(max_sliced_wasserstein(exact, law, directions, 1));
  }
  JudgeOptions options{.slices = 10, .repeats = 3, .seed = 7};

  const Judgement first = judge(x, law, options)[0];
  options.p = 2;
  const Judgement second = judge(x, law, options)[0];
  options.metric = Metric::max_sliced_wasserstein;
  options.p = 1;
  const Judgement largest = judge(x, law, options)[0];

  EXPECT_EQ(first.value, sliced_wasserstein(x, law, directions, 1));
  EXPECT_EQ(first.floor, slice_wasserstein_floor(law, 80, directions).mean());
  EXPECT_EQ(second.value, sliced_wasserstein(x, law, directions, 2));
  EXPECT_NEAR(second.floor, mean(floors), 1e-12);
  EXPECT_NEAR(second.floor_sd, deviation(floors), 1e-12);
  EXPECT_EQ(largest.value, max_sliced_wasserstein(x, law, directions, 1));
  EXPECT_NEAR(largest.floor, mean(largest_floors), 1e-12);
  EXPECT_EQ(first.floor_sd, 0.0);
  for (const Judgement& judgement : {first, second, largest}) EXPECT_EQ(judgement.value_sd, 0.0);
}

TEST(Judge, GivesTheSpreadOfTheRatiosOfExactDraws) {
  const Mixture law = plane_law();
  const PointSet x = normal_points(80, 2, 1);
  const Points directions = random_directions(2, 10, 7);
  JudgeOptions options{.slices = 10, .repeats = 3, .seed = 7, .spread = true};
  std::vector<double> ratios;
  const double floor = slice_wasserstein_floor(law, 80, directions).mean();
  for (std::uint32_t r = 0; r < 3; ++r)
    ratios.push_back(sliced_wasserstein(draw_replicate(law, 80, 7, 3 * r + 2), law, directions, 1) / floor);
  std::sort(ratios.begin(), ratios.end());

  const Judgement judgement = judge(x, law, options)[0];

  // The quantiles of three values lie a tenth of the way from each end to the middle.
  ASSERT_TRUE(judgement.spread.has_value());
  EXPECT_NEAR(judgement.spread->low, ratios[0] + 0.1 * (ratios[1] - ratios[0]), 1e-12);
  EXPECT_NEAR(judgement.spread->high, ratios[2] - 0.1 * (ratios[2] - ratios[1]), 1e-12);
  EXPECT_EQ(judgement.floor, floor);
  EXPECT_NEAR(judgement.floor_sd, floor * deviation(ratios), 1e-12);
  options.spread = false;
  EXPECT_FALSE(judge(x, law, options)[0].spread.has_value());
  options.spread = true;
  options.metric = Metric::max_sliced_wasserstein;
  const Judgement largest = judge(x, law, options)[0];
  EXPECT_LE(largest.spread.value().low, 1.0);
  EXPECT_GE(largest.spread.value().high, 1.0);
}

TEST(Judge, OfTwoLawsComparesDrawsOfOneWithTheOther) {
  const Mixture p = plane_law(0.2);
  const Mixture q = plane_law();
  const Points directions = random_directions(2, 10, 5);
  std::vector<double> values;
  for (std::uint32_t r = 0; r < 4; ++r)
    values.push_back(sliced_wasserstein(draw_replicate(p, 60, 5, 3 * r + 1), q, directions, 1));

  const Judgement judgement = judge(p, q, 60, {.slices = 10, .repeats = 4, .seed = 5})[0];

  EXPECT_NEAR(judgement.value, mean(values), 1e-12);
  EXPECT_NEAR(judgement.value_sd, deviation(values), 1e-12);
  EXPECT_EQ(judgement.floor, slice_wasserstein_floor(q, 60, directions).mean());
}

TEST(Judge, DrawsOnItsDevice) {
  const Mixture law = plane_law();
  const PointSet x = normal_points(80, 2, 1);
  const auto value_on = [&](const Device& device, Metric metric) {
    return judge(x, law, {.metric = metric, .repeats = 2, .device = device})[0];
  };

  for (const Metric metric : all_metrics) {
    const Judgement cpu = value_on(Device::cpu(1), metric);
    const Judgement reference = value_on(Device::reference(), metric);
    EXPECT_NEAR(cpu.value, reference.value, 1e-10 * std::abs(reference.value)) << cpu.quantity;
    EXPECT_NEAR(cpu.floor, reference.floor, 1e-10 * std::abs(reference.floor)) << cpu.quantity;
    EXPECT_EQ(cpu.floor, value_on(Device::cpu(3), metric).floor) << cpu.quantity;
  }
}

// The last bits of the error of the mean, a sum over the draws, tell which device drew.
TEST(Judge, TheFloorOfMomentsIsThatOfTheDrawsOfTheDevice) {
  const Mixture law = plane_law();
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const JudgeOptions options{.metric = Metric::moments, .repeats = 2, .seed = 3, .device = device};
    const Plan plan = draw_plan({&law, 1});
    const Options draws{.count = 500, .seed = 3, .device = device, .precision = Precision::f64};
    const double first = moment_errors(run(plan, draws, 2), law).mean;
    const double second = moment_errors(run(plan, draws, 5), law).mean;

    EXPECT_EQ(judge(normal_points(500, 2, 1), law, options)[0].floor, first + (second - first) / 2.0);
  }
}

TEST(Judge, ComparesTwoLawsWithTheReplicatesOfEachRepetition) {
  const Mixture p = plane_law(0.2);
  const Mixture q = plane_law();
  std::vector<double> values;
  std::vector<double> floors;
  for (std::uint32_t r = 0; r < 2; ++r) {
    const std::uint32_t floor = 8388608 + 2 * r;
    values.push_back(energy_distance(draw_replicate(p, 60, 5, 3 * r + 1), draw_replicate(q, 60, 5, 3 * r + 2),
                                     EnergyForm::v));
    floors.push_back(
        energy_distance(draw_replicate(q, 60, 5, floor), draw_replicate(q, 60, 5, floor + 1), EnergyForm::v));
  }

  const Judgement judgement =
      judge(p, q, 60, {.metric = Metric::energy_distance, .repeats = 2, .seed = 5})[0];

  EXPECT_NEAR(judgement.value, mean(values), 1e-14);
  EXPECT_NEAR(judgement.floor, mean(floors), 1e-14);
}

TEST(Judge, OfExactDrawsOfTheSameSeedIsNearTheFloorAndNotZero) {
  const Mixture law = plane_law();
  const PointSet x = plain_draw(law, 1000, 0);

  for (const Metric metric :
       {Metric::sliced_wasserstein, Metric::max_sliced_wasserstein, Metric::energy_distance}) {
    const Judgement judgement = judge(x, law, {.metric = metric, .slices = 50, .repeats = 10, .seed = 0})[0];
    EXPECT_GT(judgement.ratio, 0.5) << judgement.quantity;
    EXPECT_LT(judgement.ratio, 2.0) << judgement.quantity;
  }
}

TEST(Judge, OfTwoEqualLawsIsNearTheFloor) {
  const Mixture law = plane_law();

  for (const Judgement& judgement : judge(law, law, 1000, {.slices = 50, .repeats = 20})) {
    EXPECT_GT(judgement.ratio, 0.6);
    EXPECT_LT(judgement.ratio, 1.6);
  }
}

TEST(Judge, SeesAShiftInEveryMetric) {
  const Mixture law = plane_law();
  const Mixture shifted = plane_law(1.0);
  const PointSet x = plain_draw(shifted, 1000, 3);

  for (const Metric metric : all_metrics) {
    if (metric == Metric::mode_coverage) continue;  // no distance
    const JudgeOptions options{
        .metric = metric, .slices = 20, .repeats = 5, .sinkhorn = {.relative_epsilon = 0.5}};
    for (const Judgement& judgement : judge(x, law, options)) {
      if (judgement.quantity.ends_with("covariance_error")) continue;
      EXPECT_GT(judgement.ratio, 4.0) << judgement.quantity;
    }
    EXPECT_GT(judge(shifted, law, 1000, options)[0].ratio, 4.0) << static_cast<int>(metric);
  }
}

TEST(Judge, ComparesMomentsAndModesWithTheLawItself) {
  const Mixture law = plane_law();
  const PointSet x = normal_points(300, 2, 1);

  const auto moments = judge(x, law, {.metric = Metric::moments, .repeats = 4, .seed = 9});
  const auto modes = judge(x, law, {.metric = Metric::modes, .repeats = 4, .seed = 9});
  const auto weights = judge(x, law, {.metric = Metric::mode_weights, .repeats = 4, .seed = 9});

  EXPECT_EQ(moments[0].value, moment_errors(x, law).mean);
  EXPECT_EQ(moments[1].value, moment_errors(x, law).covariance);
  EXPECT_EQ(moments[2].value, moment_errors(x, law).whitened_mean);
  EXPECT_EQ(moments[3].value, moment_errors(x, law).whitened_covariance);
  EXPECT_EQ(modes[0].value, mode_frequencies(x, law).total_variation);
  EXPECT_EQ(weights[0].value, mode_weights(x, law).total_variation);
  EXPECT_EQ(weights[0].value_sd, 0.0);
  EXPECT_EQ(moments[0].value_sd, 0.0);
  EXPECT_EQ(modes[0].value_sd, 0.0);
  std::vector<double> floors;
  for (std::uint32_t r = 0; r < 4; ++r)
    floors.push_back(moment_errors(draw_replicate(law, 300, 9, 3 * r + 2), law).mean);
  EXPECT_NEAR(moments[0].floor, mean(floors), 1e-15);
  EXPECT_GT(moments[0].floor_sd, 0.0);
}

TEST(Judge, UsesOneBandwidthThatDoesNotDependOnTheSamples) {
  const Mixture law = plane_law();
  const PointSet x = plain_draw(law, 1500, 3);
  const PointSet far = Points(x.points().array() + 100.0);
  const double median = median_distance(Points(draw_replicate(law, 1500, 2, 2).points().topRows(1000)),
                                        Points(draw_replicate(law, 1500, 2, 3).points().topRows(1000)));

  const Judgement near_judgement = judge(x, law, {.metric = Metric::mmd_squared, .repeats = 2, .seed = 2})[0];
  const Judgement far_judgement =
      judge(far, law, {.metric = Metric::mmd_squared, .repeats = 2, .seed = 2})[0];

  EXPECT_DOUBLE_EQ(near_judgement.bandwidth.value(), median);
  EXPECT_EQ(far_judgement.bandwidth, near_judgement.bandwidth);
  EXPECT_EQ(far_judgement.floor, near_judgement.floor);
}

TEST(Judge, TakesTheSizeOfTheUnbiasedMmdAsItsFloor) {
  const Mixture law = plane_law();
  const PointSet x = plain_draw(law, 100, 3);
  std::vector<double> values;
  std::vector<double> floors;
  for (std::uint32_t r = 0; r < 6; ++r) {
    values.push_back(mmd_squared(x, draw_replicate(law, 100, 2, 3 * r + 1), 0.8));
    floors.push_back(std::abs(
        mmd_squared(draw_replicate(law, 100, 2, 3 * r + 2), draw_replicate(law, 100, 2, 3 * r + 3), 0.8)));
  }

  const Judgement judgement =
      judge(x, law, {.metric = Metric::mmd_squared, .repeats = 6, .seed = 2, .bandwidth = 0.8})[0];

  EXPECT_EQ(judgement.bandwidth, 0.8);
  EXPECT_NEAR(judgement.value, mean(values), 1e-15);
  EXPECT_NEAR(judgement.floor, mean(floors), 1e-15);
  EXPECT_GT(judgement.floor, 0.0);
}

TEST(Judge, OfAPointMassHasFloorZero) {
  const Mixture point({1.0}, column({2.0}), Covariance::spherical({0.0}));

  const Judgement exact = judge(column({2.0, 2.0}), point)[0];
  const Judgement away = judge(column({2.0, 3.0}), point)[0];

  EXPECT_EQ(exact.floor, 0.0);
  EXPECT_EQ(exact.ratio, 1.0);
  EXPECT_NEAR(away.value, 0.5, 1e-15);
  EXPECT_EQ(away.ratio, std::numeric_limits<double>::infinity());
}

TEST(Judge, OfOnePointWorksWhereOnePointIsEnough) {
  const Mixture law = plane_law();

  for (const Metric metric :
       {Metric::sliced_wasserstein, Metric::max_sliced_wasserstein, Metric::energy_distance, Metric::modes}) {
    EXPECT_TRUE(std::isfinite(judge(normal_points(1, 2, 1), law, {.metric = metric, .slices = 2})[0].value));
  }
}

TEST(Judge, OfSeveralSetsIsThatOfEachAlone) {
  const Mixture law = plane_law();
  const std::vector<PointSet> sets{plain_draw(law, 60, 1), plain_draw(plane_law(0.5), 60, 2),
                                   plain_draw(law, 60, 3)};
  for (const Metric metric : {Metric::sliced_wasserstein, Metric::mmd_squared, Metric::moments}) {
    const JudgeOptions options{.metric = metric, .repeats = 3, .seed = 4};
    const std::vector<std::vector<Judgement>> together = judge_each(sets, law, options);
    ASSERT_EQ(together.size(), sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
      const std::vector<Judgement> alone = judge(sets[i], law, options);
      ASSERT_EQ(together[i].size(), alone.size());
      for (std::size_t q = 0; q < alone.size(); ++q) {
        EXPECT_EQ(together[i][q].value, alone[q].value);
        EXPECT_EQ(together[i][q].value_sd, alone[q].value_sd);
        EXPECT_EQ(together[i][q].floor, alone[q].floor);
        EXPECT_EQ(together[i][q].floor_sd, alone[q].floor_sd);
      }
    }
  }
}

TEST(Judge, RefusesSetsOfDifferentSizes) {
  const Mixture law = plane_law();
  const std::vector<PointSet> sets{plain_draw(law, 60, 1), plain_draw(law, 61, 2)};

  expect_invalid([&] { judge_each(sets, law); },
                 "judge: the sets must have equal numbers of points, given 60 and 61");
  expect_invalid([&] { judge_each({}, law); }, "judge: no set of points given");
}

TEST(Judge, RefusesBadInput) {
  const Mixture law = plane_law();
  const Mixture line({1.0}, column({0.0}), Covariance::spherical({1.0}));
  const Mixture point({1.0}, column({0.0}), Covariance::spherical({0.0}));
  const Points x = normal_points(5, 2, 1);
  const Points one = x.topRows(1);
  Points bad = x;
  bad(4, 0) = std::numeric_limits<double>::quiet_NaN();

  expect_invalid([&] { judge(Points(0, 2), law); }, "judge: x has no points");
  expect_invalid([&] { judge(bad, law); }, "judge: x is not finite at point 4, coordinate 0 (nan)");
  expect_invalid([&] { judge(x, line); }, "judge: x has dimension 2 but the law has dimension 1");
  expect_invalid([&] { judge(law, line, 10); }, "judge: p has dimension 2 but q has dimension 1");
  expect_invalid([&] { judge(x, law, {.repeats = 1}); }, "judge: repeats must be in [2, 2796202], given 1");
  expect_invalid([&] { judge(x, law, {.repeats = 2796203}); },
                 "judge: repeats must be in [2, 2796202], given 2796203");
  expect_invalid([&] { judge(x, law, {.p = 3}); }, "judge: p must be 1 or 2, given 3");
  expect_invalid([&] { judge(x, law, {.slices = 0}); }, "judge: slices must be >= 1, given 0");
  expect_invalid([&] { judge(x, law, {.metric = Metric::mmd_squared, .bandwidth = 0.0}); },
                 "judge: bandwidth must be in [1e-100, 1e+100], given 0");
  expect_invalid([&] { judge(x, law, {.metric = Metric::moments, .spread = true}); },
                 "judge: the spread is available for sw and max-sw, not for mean_error");
  expect_invalid([&] { judge(law, law, 0); }, "judge: sw_1 needs 1 point or more on each side, given 0");
  expect_invalid([&] { judge(one, law, {.metric = Metric::mmd_squared}); },
                 "judge: mmd_squared needs 2 points or more on each side, given 1");
  expect_invalid([&] { judge(law, law, 1, {.metric = Metric::moments}); },
                 "judge: mean_error needs 2 points or more on each side, given 1");
  expect_invalid(
      [&] {
        judge(column({0.0, 1.0}), point, {.metric = Metric::mmd_squared});
      },
      "judge: the median distance of exact draws is 0; give a bandwidth (JudgeOptions::bandwidth, "
      "--bandwidth)");
}

}  // namespace
}  // namespace gmdiff
