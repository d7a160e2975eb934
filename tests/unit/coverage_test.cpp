#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/coverage.hpp>
#include <gmdiff/model/posterior.hpp>

#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::normal_points;

std::vector<double> shuffled_range(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  std::shuffle(values.begin(), values.end(), std::mt19937_64(3));
  return values;
}

/// A posterior in R^3 of two observed coordinates.
struct Case {
  Mixture prior{{0.4, 0.6}, Points{{-1.0, 0.0, 0.5}, {1.0, 1.0, 0.0}}, Covariance::spherical({1.0, 0.5})};
  LinearObservation observation{Eigen::MatrixXd{{1.0, 0.0, 0.0}, {0.0, 2.0, 0.0}}, Eigen::Vector2d(0.3, 1.0),
                                0.2};
  Mixture law = posterior(prior, observation).mixture;
};

TEST(CredibleInterval, IsCutByOrderStatistics) {
  const CredibleInterval interval = credible_interval(shuffled_range(19), 0.9);

  EXPECT_EQ(interval.low, 1.0);
  EXPECT_EQ(interval.high, 19.0);
  EXPECT_DOUBLE_EQ(interval.level, 0.9);
  EXPECT_TRUE(interval.contains(1.0));
  EXPECT_FALSE(interval.contains(0.999));
  EXPECT_FALSE(interval.contains(19.001));
}

TEST(CredibleInterval, HasALeastNumberOfValues) {
  for (const double level : {0.3, 0.5, 0.8, 0.9, 0.95, 0.99}) {
    const std::vector<double> values(static_cast<std::size_t>(least_interval_count(level)), 1.0);
    EXPECT_NO_THROW(credible_interval(values, level)) << level;
    EXPECT_THROW(credible_interval(std::span(values).first(values.size() - 1), level), std::invalid_argument);
  }
}

TEST(CredibleInterval, HasTheNearestLevelThatTheValuesPermit) {
  const CredibleInterval interval = credible_interval(shuffled_range(1000), 0.9);
  EXPECT_EQ(interval.low, 50.0);
  EXPECT_EQ(interval.high, 951.0);
  EXPECT_DOUBLE_EQ(interval.level, 901.0 / 1001.0);

  EXPECT_DOUBLE_EQ(credible_interval(shuffled_range(12), 0.9).level, 11.0 / 13.0);
  EXPECT_EQ(credible_interval(shuffled_range(3), 0.01).low, 2.0);
}

TEST(CredibleInterval, RefusesBadInput) {
  const std::vector<double> values(19, 1.0);
  expect_invalid([&] { credible_interval(values, 1.0); },
                 "credible_interval: level must be in (0, 1), given 1");
  expect_invalid(
      [&] { credible_interval(std::span(values).first(5), 0.9); },
      "credible_interval: 5 values are too few for an interval of level 0.9, which needs 10 or more");
  expect_invalid(
      [&] { credible_interval({}, 0.5); },
      "credible_interval: 0 values are too few for an interval of level 0.5, which needs 1 or more");
  std::vector<double> broken = values;
  broken[4] = std::numeric_limits<double>::infinity();
  expect_invalid([&] { credible_interval(broken, 0.9); }, "credible_interval: value 4 is not finite (inf)");
}

TEST(CoverageHits, TellTheTruthFromPointsFarAway) {
  const Case problem;
  const Points wide = 100.0 * normal_points(99, 3, 1);
  const Points away = wide.array() + 1e6;

  const CoverageHits inside = coverage_hits(wide, problem.law, problem.observation);
  const CoverageHits outside = coverage_hits(away, problem.law, problem.observation);

  EXPECT_DOUBLE_EQ(inside.level, 0.9);
  EXPECT_EQ(inside.observed, true);
  EXPECT_EQ(inside.null_space, true);
  EXPECT_EQ(outside.observed, false);
  EXPECT_EQ(outside.null_space, false);
}

TEST(CoverageHits, LookAtObservedAndNullDirectionsSeparately) {
  const Case problem;
  Points x = 100.0 * normal_points(99, 3, 1);
  x.col(2).array() += 1e6;  // the only null direction
  EXPECT_EQ(coverage_hits(x, problem.law, problem.observation).observed, true);
  EXPECT_EQ(coverage_hits(x, problem.law, problem.observation).null_space, false);

  // Over many seeds both observed directions are chosen.
  Points second = 100.0 * normal_points(99, 3, 1);
  second.col(1).array() += 1e6;
  int hits = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    hits += coverage_hits(second, problem.law, problem.observation, {.seed = seed}).observed.value() ? 1 : 0;
  EXPECT_GT(hits, 20);  // Binomial(100, 1/2) is outside 21 ... 79 with a probability below 1e-8
  EXPECT_LT(hits, 80);
}

TEST(CoverageHits, DependOnTheSeedOnly) {
  const Case problem;
  const Points x = normal_points(99, 3, 1);
  std::vector<bool> hits;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto once = coverage_hits(x, problem.law, problem.observation, {.level = 0.5, .seed = seed});
    const auto again = coverage_hits(x, problem.law, problem.observation, {.level = 0.5, .seed = seed});
    EXPECT_EQ(once.null_space, again.null_space);
    hits.push_back(once.null_space.value());
  }
  EXPECT_NE(std::ranges::count(hits, true), 0);
  EXPECT_NE(std::ranges::count(hits, false), 0);
}

TEST(CoverageHits, LeaveOutDirectionsInWhichTheLawDoesNotVary) {
  const Case problem;
  const LinearObservation noiseless(problem.observation.A(), problem.observation.y(), 0.0);
  const Mixture law = posterior(problem.prior, noiseless).mixture;

  const CoverageHits hits = coverage_hits(normal_points(99, 3, 1), law, noiseless);

  EXPECT_FALSE(hits.observed.has_value());
  EXPECT_TRUE(hits.null_space.has_value());
}

TEST(CoverageHits, HaveNoNullSpaceWhereAllIsObserved) {
  const Case problem;
  const LinearObservation all(Eigen::MatrixXd::Identity(3, 3), Eigen::Vector3d(0.0, 1.0, 0.5), 0.3);
  const Mixture law = posterior(problem.prior, all).mixture;

  const CoverageHits hits = coverage_hits(normal_points(99, 3, 1), law, all);

  EXPECT_TRUE(hits.observed.has_value());
  EXPECT_FALSE(hits.null_space.has_value());
}

TEST(CoverageHits, RefuseBadInput) {
  const Case problem;
  const auto hits = [&](Eigen::Index n, Eigen::Index d, double level) {
    coverage_hits(normal_points(n, d, 1), problem.law, problem.observation, {.level = level});
  };
  const LinearObservation plane(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd::Ones(1), 0.1);

  expect_invalid([&] { hits(0, 3, 0.9); }, "coverage_hits: x has no points");
  expect_invalid([&] { hits(20, 2, 0.9); }, "coverage_hits: x has dimension 2 but the law has dimension 3");
  expect_invalid([&] { hits(20, 3, 0.0); }, "credible_interval: level must be in (0, 1), given 0");
  expect_invalid(
      [&] { hits(20, 3, 0.99); },
      "credible_interval: 20 values are too few for an interval of level 0.99, which needs 99 or more");
  expect_invalid([&] { coverage_hits(normal_points(20, 3, 1), problem.law, plane); },
                 "coverage_hits: A has 2 columns but the law has dimension 3");
}

TEST(CoverageOverProblems, HasTheBandOfTheBinomialLaw) {
  // B ~ Binomial(100, 0.9): P(B < 82) = 0.0046 and P(B < 83) = 0.0100; P(B > 97) = 0.0019 and
  // P(B > 96) = 0.0078.
  const Coverage coverage = coverage_over_problems(0.9, 90, 100);

  EXPECT_EQ(coverage.low, 0.82);
  EXPECT_EQ(coverage.high, 0.97);
  EXPECT_EQ(coverage.share(), 0.9);
  EXPECT_TRUE(coverage.is_calibrated());
  EXPECT_FALSE(coverage_over_problems(0.9, 81, 100).is_calibrated());
  EXPECT_TRUE(coverage_over_problems(0.9, 82, 100).is_calibrated());
  EXPECT_TRUE(coverage_over_problems(0.9, 97, 100).is_calibrated());
  EXPECT_FALSE(coverage_over_problems(0.9, 98, 100).is_calibrated());
}

TEST(CoverageOverProblems, OfFewProblemsExcludesLittle) {
  // No hit has the probabilities 0.1^2 and 0.1^3.
  EXPECT_EQ(coverage_over_problems(0.9, 1, 2).low, 0.0);
  EXPECT_EQ(coverage_over_problems(0.9, 1, 2).high, 1.0);
  EXPECT_DOUBLE_EQ(coverage_over_problems(0.9, 1, 3).low, 1.0 / 3.0);
  EXPECT_EQ(coverage_over_problems(0.9, 1, 3).high, 1.0);
}

TEST(CoverageOverProblems, RefusesBadInput) {
  expect_invalid([] { coverage_over_problems(1.0, 0, 1); },
                 "coverage_over_problems: level must be in (0, 1), given 1");
  expect_invalid([] { coverage_over_problems(0.9, 0, 0); },
                 "coverage_over_problems: problems must be >= 1, given 0");
  expect_invalid([] { coverage_over_problems(0.9, 3, 2); },
                 "coverage_over_problems: hits must be in [0, 2], given 3");
}

}  // namespace
}  // namespace gmdiff
