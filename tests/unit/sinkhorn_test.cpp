#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/benchmark_mixtures.hpp>

#include "support/point_sets.hpp"

// Sinkhorn divergences, entropy of mode coverage and the MMD of variational sampling (mathematics.md §9,
// §9.2).

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::normal_points;

Eigen::MatrixXd squared_distances(const Points& x, const Points& y) {
  Eigen::MatrixXd C(x.rows(), y.rows());
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    for (Eigen::Index j = 0; j < y.rows(); ++j) C(i, j) = (x.row(i) - y.row(j)).squaredNorm();
  }
  return C;
}

double log_sum_exp(const Eigen::ArrayXd& values) {
  const double largest = values.maxCoeff();
  return largest + std::log((values - largest).exp().sum());
}

/// The formulas of the iterations, in logs throughout.
struct PlainIterations {
  Eigen::ArrayXd f, g;

  PlainIterations(const Eigen::MatrixXd& C, double epsilon, int iterations)
      : f(Eigen::ArrayXd::Zero(C.rows())), g(Eigen::ArrayXd::Zero(C.cols())) {
    const double log_n = std::log(static_cast<double>(C.rows()));
    const double log_m = std::log(static_cast<double>(C.cols()));
    for (int iteration = 0; iteration < iterations; ++iteration) {
      for (Eigen::Index i = 0; i < C.rows(); ++i)
        f(i) = -epsilon * (log_sum_exp((g - C.row(i).transpose().array()) / epsilon) - log_m);
      for (Eigen::Index j = 0; j < C.cols(); ++j)
        g(j) = -epsilon * (log_sum_exp((f - C.col(j).array()) / epsilon) - log_n);
    }
  }
};

TEST(Sinkhorn, HasTheIterationsOfTheFormulasForAnyEpsilon) {
  // With a far point and small epsilons no kernel without potentials has all its numbers.
  Points x = normal_points(9, 2, 1);
  x.row(3).setConstant(20.0);
  const Points y = normal_points(7, 2, 2);
  const Eigen::MatrixXd C = squared_distances(x, y);
  for (const double relative : {0.5, 0.05, 1e-3, 1e-5}) {
    const SinkhornDivergence found =
        sinkhorn_divergence(x, y, {.relative_epsilon = relative, .tolerance = 0.0, .max_iterations = 30});
    const PlainIterations plain(C, relative * C.mean(), 30);
    EXPECT_EQ(found.iterations, 30);
    EXPECT_NEAR(found.epsilon, relative * C.mean(), 1e-12 * C.mean());
    EXPECT_LT((found.f.array() - plain.f).abs().maxCoeff(), 1e-12 * C.maxCoeff()) << relative;
    EXPECT_LT((found.g.array() - plain.g).abs().maxCoeff(), 1e-12 * C.maxCoeff()) << relative;
  }
}

TEST(Sinkhorn, OfTwoPointsIsTheirSquaredDistance) {
  const SinkhornDivergence found = sinkhorn_divergence(Points{{1.0, 2.0}}, Points{{4.0, -2.0}});
  EXPECT_NEAR(found.value, 25.0, 1e-13);
  EXPECT_NEAR(found.between, 25.0, 1e-13);
  EXPECT_EQ(found.within_x, 0.0);
}

TEST(Sinkhorn, OfASetWithItselfIsZero) {
  const Points x = normal_points(40, 3, 1);
  const SinkhornDivergence found = sinkhorn_divergence(x, x, {.relative_epsilon = 0.5, .tolerance = 1e-9});
  EXPECT_LE(found.error, 1e-9);
  EXPECT_NEAR(found.value, 0.0, 1e-12 * found.between);
  EXPECT_GT(found.between, 0.1);
}

TEST(Sinkhorn, ApproachesTransportAndDistanceOfMeansForSmallAndLargeEpsilon) {
  // On a line the optimal plan pairs sorted points.
  const Points x{{0.0}, {1.0}, {5.0}}, y{{7.0}, {0.5}, {2.0}};
  const double transport = (0.25 + 1.0 + 4.0) / 3.0;
  EXPECT_NEAR(sinkhorn_divergence(x, y, {.epsilon = 0.02}).value, transport, 1e-3);
  const double means = std::pow(x.mean() - y.mean(), 2);
  EXPECT_NEAR(sinkhorn_divergence(x, y, {.epsilon = 1e6}).value, means, 1e-3);
}

TEST(Sinkhorn, DoesNotDependOnOrderUnitsAndThreads) {
  // Enough points that several threads share the work.
  const Points x = normal_points(1100, 2, 1), y = 1.5 * normal_points(1000, 2, 2);
  const SinkhornOptions options{.relative_epsilon = 0.2};
  const SinkhornDivergence found = sinkhorn_divergence(x, y, options, Device::cpu(1));
  const SinkhornDivergence same = sinkhorn_divergence(x, y, options, Device::cpu(3));
  EXPECT_EQ(found.value, same.value);
  EXPECT_EQ(found.f, same.f);
  EXPECT_EQ(found.g, same.g);
  EXPECT_LE(found.error, 1e-6);
  EXPECT_NEAR(sinkhorn_divergence(y, x, options).value, found.value, 1e-7 * found.between);
  const Points a = x.topRows(30), b = y.topRows(20);
  const double value = sinkhorn_divergence(a, b, options).value;
  for (const double unit : {0x1p-10, 0x1p-520, 0x1p+500})
    EXPECT_EQ(sinkhorn_divergence(Points(unit * a), Points(unit * b), options).value, unit * (unit * value));
}

TEST(Sinkhorn, ReportsIterationsThatWereTooFew) {
  const Points x = normal_points(50, 1, 1), y = 3.0 * normal_points(50, 1, 2);
  const SinkhornDivergence found =
      sinkhorn_divergence(x, y, {.relative_epsilon = 1e-4, .max_iterations = 25});
  EXPECT_EQ(found.iterations, 25);
  EXPECT_GT(found.error, 1e-6);
}

TEST(Sinkhorn, OfEqualPointsIsZero) {
  const Points x = Points::Constant(4, 2, 3.0);
  const SinkhornDivergence found = sinkhorn_divergence(x, Points(x.topRows(2)));
  EXPECT_EQ(found.value, 0.0);
  EXPECT_EQ(found.epsilon, 0.0);
  EXPECT_EQ(found.f.size(), 4);
}

TEST(Sinkhorn, NamesBadOptions) {
  const Points x = normal_points(5, 2, 1), y = normal_points(4, 2, 2);
  const auto refused = [&](const SinkhornOptions& options, const char* message) {
    expect_invalid([&] { sinkhorn_divergence(x, y, options); }, message);
  };
  refused({.relative_epsilon = 0.0},
          "sinkhorn_divergence: relative_epsilon must be in [1e-06, 1e+06], given 0");
  refused({.tolerance = -1.0}, "sinkhorn_divergence: tolerance must be >= 0, given -1");
  refused({.max_iterations = 0}, "sinkhorn_divergence: max_iterations must be >= 1, given 0");
  expect_invalid([&] { sinkhorn_divergence(Points{{0.0}}, Points{{2.0}}, {.epsilon = 1e-9}); },
                 "sinkhorn_divergence: epsilon must be in [1e-06, 1e+06] times the mean cost 4, given 1e-09");
  expect_invalid([&] { sinkhorn_divergence(x, Points(y.leftCols(1))); },
                 "sinkhorn_divergence: x has dimension 2 but y has dimension 1");
  expect_invalid(
      [&] {
        sinkhorn_divergence(x, Points{{0.0, std::numeric_limits<double>::infinity()}});
      },
      "sinkhorn_divergence: y is not finite at point 0, coordinate 1 (inf)");
}

TEST(Sinkhorn, JudgesSamplesBesideExactDraws) {
  const Mixture law({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  const JudgeOptions options{.metric = Metric::sinkhorn, .repeats = 4, .sinkhorn = {.relative_epsilon = 0.5}};
  const Judgement good = judge(normal_points(100, 2, 3), law, options).front();
  const Judgement wide = judge(Points(1.6 * normal_points(100, 2, 3)), law, options).front();
  EXPECT_LT(good.value, good.floor + 4.0 * (good.floor_sd + good.value_sd));
  EXPECT_GT(wide.value, wide.floor + 4.0 * (wide.floor_sd + wide.value_sd));
  ASSERT_TRUE(good.sinkhorn.has_value());
  EXPECT_TRUE(good.sinkhorn->converged);
  EXPECT_GT(good.sinkhorn->iterations, 0);
  JudgeOptions hasty = options;
  hasty.sinkhorn.max_iterations = 3;
  EXPECT_FALSE(judge(normal_points(100, 2, 3), law, hasty).front().sinkhorn->converged);
}

// ----- mode coverage

TEST(ModeCoverage, IsOneForEqualSharesAndZeroForOneMode) {
  EXPECT_DOUBLE_EQ(mode_coverage(std::vector<std::int64_t>{7, 7, 7, 7}), 1.0);
  EXPECT_EQ(mode_coverage(std::vector<std::int64_t>{0, 12, 0}), 0.0);
  EXPECT_DOUBLE_EQ(mode_coverage(std::vector<std::int64_t>{5, 5, 0, 0}), 0.5);
}

TEST(ModeCoverage, TakesTheComponentOfTheLargestDensity) {
  // The second component has a small weight, and the third one none.
  const Mixture law({0.999, 0.001, 0.0}, Points{{0.0}, {2.0}, {1.5}}, Covariance::spherical({1.0, 1.0, 1.0}));
  EXPECT_DOUBLE_EQ(mode_coverage(Points{{-1.0}, {0.9}, {1.1}, {3.0}}, law), 1.0);
  EXPECT_EQ(mode_coverage(Points{{-1.0}, {0.9}}, law), 0.0);
}

TEST(ModeCoverage, OfTargetsCountsSignsAndLocations) {
  const Target wells = ManyWell{.wells = 2, .dim = 3};
  const Points corners{{1.4, 1.4, 9.0}, {-1.4, 1.4, 0.0}, {1.4, -1.4, 0.0}, {-1.4, -1.4, -9.0}};
  EXPECT_DOUBLE_EQ(mode_coverage(corners, wells), 1.0);
  EXPECT_DOUBLE_EQ(mode_coverage(Points(corners.topRows(2)), wells), 0.5);
  const Target student =
      StudentTMixture{.components = 2, .nu = 2.0, .dim = 2, .locations = Points{{0.0, 0.0}, {4.0, 4.0}}};
  EXPECT_DOUBLE_EQ(mode_coverage(Points{{1.0, 0.0}, {4.0, 3.0}}, student), 1.0);
}

TEST(ModeCoverage, OfExactDrawsIsAtItsExpectation) {
  const Mixture law = gmm40();
  const JudgeOptions options{.metric = Metric::mode_coverage, .repeats = 10};
  constexpr double n = 500.0, M = 40.0;
  Points half = law.means();
  const Judgement judgement = judge(Points(half.topRows(20).replicate(25, 1)), law, options).front();
  EXPECT_DOUBLE_EQ(judgement.value, std::log(20.0) / std::log(M));
  // 1 - (M - 1)/(2 n log M): minus 2 n times the log of the likelihood ratio, chi^2 with M - 1 degrees of
  // freedom, over 2 n log M. Ten sets, five deviations, and the next term of the expansion.
  const double deviation = std::sqrt(2.0 * (M - 1.0) / 10.0) / (2.0 * n * std::log(M));
  EXPECT_NEAR(judgement.floor, 1.0 - (M - 1.0) / (2.0 * n * std::log(M)), 5.0 * deviation);
  EXPECT_LT(judgement.ratio, 1.0);
}

TEST(ModeCoverage, NamesWhatItCannotCount) {
  const Points x = normal_points(3, 2, 1);
  using Counts = std::vector<std::int64_t>;
  expect_invalid([] { mode_coverage(Counts{3}); },
                 "mode_coverage: expected counts of 2 modes or more, given 1");
  expect_invalid([] { mode_coverage(Counts{3, -1}); }, "mode_coverage: count 1 must be >= 0, given -1");
  expect_invalid([] { mode_coverage(Counts{0, 0}); }, "mode_coverage: all counts are 0");
  expect_invalid([&] { mode_coverage(x, Mixture({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}))); },
                 "mode_coverage: the mixture has one component, expected 2 or more");
  expect_invalid([&] { mode_coverage(x, Target(StudentTMixture{.components = 1, .dim = 2})); },
                 "mode_coverage: the mixture has one component, expected 2 or more");
  expect_invalid([&] { mode_coverage(x, Target(ManyWell{.wells = 1, .delta = 0.0, .dim = 2})); },
                 "mode_coverage: the wells have two modes only for delta > 0, given 0");
  expect_invalid([&] { mode_coverage(x, Target(Banana{})); },
                 "mode_coverage: the modes of a target of type banana are not known; those of many-well and "
                 "student-t-mixture are");
}

// ----- MMD of variational sampling

TEST(MmdVsm, KeepsTheDiagonalTerms) {
  // Pairs with i <= j of the points 0, 0, 2, 2: six zeros and four distances 2, so the median is 0.
  expect_invalid(
      [] {
        mmd_vsm(Points{{0.0}, {0.0}}, Points{{2.0}, {2.0}});
      },
      "mmd_vsm: the median distance of the points, which is its bandwidth, is 0");
  // Of 0, 1, 3, 7: zeros, then 1, 2, 3, 4, 6, 7; the middle two are 1 and 2.
  const Points x{{0.0}, {1.0}}, y{{3.0}, {7.0}};
  const auto k = [](double r) { return std::exp(-r * r / (2.0 * 1.5 * 1.5)); };
  const double cross = (k(3.0) + k(7.0) + k(2.0) + k(6.0)) / 4.0;
  const double expected = std::sqrt((1.0 + k(1.0)) + (1.0 + k(4.0)) - 2.0 * cross);
  EXPECT_NEAR(mmd_vsm(x, y), expected, 1e-14);
  EXPECT_NEAR(mmd_vsm(Points(0x1p+600 * x), Points(0x1p+600 * y)), expected, 1e-14);
}

TEST(MmdVsm, NeedsTwoPoints) {
  expect_invalid(
      [] {
        mmd_vsm(Points{{0.0}}, Points{{2.0}, {3.0}});
      },
      "mmd_vsm: x needs at least 2 points, given 1");
}

}  // namespace
}  // namespace gmdiff
