#include <gmdiff/model/target_law.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/quadrature.hpp>

#include "model/target/formulas.hpp"
#include "support/expect_invalid.hpp"
#include "support/statistics.hpp"

// Laws of targets and judgements against them (mathematics.md §15.4).

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::least_p;

TargetLaw law_of_text(const char* density, int dim = 1) {
  return TargetLaw(ExpressionTarget{.density = density, .dim = dim});
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Probability that draws with the cdf F deviate as much, by Kolmogorov's law.
template <class Cdf>
double fit_p(const Eigen::VectorXd& x, Cdf cdf) {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(x.size()));
  for (const double value : x) values.push_back(cdf(value));
  return test::kolmogorov_smirnov_p(values);
}

TEST(TargetLaws, TakeMomentsOfClosedForm) {
  const TargetLaw banana(Banana{.scale = 2.0, .curvature = 0.5, .dim = 3});
  EXPECT_TRUE(banana.has_exact_draws());
  EXPECT_EQ(banana.log_normalizer(), 0.0);
  EXPECT_EQ(banana.mean(), Eigen::VectorXd::Zero(3));
  EXPECT_TRUE(banana.covariance().isApprox(Eigen::Vector3d(4.0, 9.0, 1.0).asDiagonal().toDenseMatrix()));
  EXPECT_EQ(banana.draws(5, 7, 2, 1), banana.target().draws(5, 7, 2, 1));
}

TEST(TargetLaws, TakeOtherMomentsFromQuadrature) {
  const TargetLaw law = law_of_text("-(x1^2 + x1*x2 + x2^2)/2", 2);
  const Quadrature integrals = quadrature(law.target());
  EXPECT_FALSE(law.has_exact_draws());
  EXPECT_EQ(law.log_normalizer(), integrals.log_normalizer);
  EXPECT_EQ(law.mean(), integrals.mean);
  EXPECT_EQ(law.covariance(), integrals.covariance);
}

TEST(TargetLaws, DrawFromATableOnALine) {
  const Points x = law_of_text("-(x - 3)^2/(2*4)").draws(40'000, 5);
  EXPECT_GT(fit_p(x.col(0), [](double value) { return normal_cdf((value - 3.0) / 2.0); }), least_p);
  // Planted: a deviation that is 8 % smaller.
  EXPECT_LT(fit_p(x.col(0), [](double value) { return normal_cdf((value - 3.0) / 1.85); }), least_p);
}

TEST(TargetLaws, DrawFromATableInThePlane) {
  // x_1 ~ N(0, 1) and x_2 - x_1 ~ N(0, 1/4) are independent.
  const Points x = law_of_text("-x1^2/2 - 2*(x2 - x1)^2", 2).draws(40'000, 5);
  EXPECT_GT(fit_p(x.col(0), normal_cdf), least_p);
  const auto of_difference = [](double value) { return normal_cdf(2.0 * value); };
  EXPECT_GT(fit_p(x.col(1) - x.col(0), of_difference), least_p);
  // Planted: the coordinates of different draws.
  EXPECT_LT(fit_p(x.col(1) - x.col(0).reverse(), of_difference), least_p);
}

TEST(TargetLaws, HaveExactDrawsOfWells) {
  // Both proposals: with two sides from delta = 1 on, around 0 below.
  for (const double delta : {2.0, 1.0, 0.25, -1.0}) {
    const Target wells = ManyWell{.wells = 1, .delta = delta, .dim = 2};
    const Points x = wells.draws(20'000, 5);
    const Eigen::Index intervals = 4000;
    const Eigen::VectorXd grid = Eigen::VectorXd::LinSpaced(intervals + 1, -4.0, 4.0);
    const Eigen::ArrayXd density = (-(grid.array().square() - delta).square()).exp();
    Eigen::VectorXd cdf = Eigen::VectorXd::Zero(intervals + 1);
    for (Eigen::Index i = 0; i < intervals; ++i) cdf(i + 1) = cdf(i) + density(i) + density(i + 1);
    cdf /= cdf(intervals);
    const auto exact = [&](double value) {
      const double place = (std::clamp(value, -4.0, 4.0) + 4.0) / 8.0 * static_cast<double>(intervals);
      const auto i = std::min(static_cast<Eigen::Index>(place), intervals - 1);
      return std::lerp(cdf(i), cdf(i + 1), place - static_cast<double>(i));
    };
    EXPECT_GT(fit_p(x.col(0), exact), least_p) << delta;
    EXPECT_GT(fit_p(x.col(1), normal_cdf), least_p) << delta;
    // Planted: draws that are 8 % too wide.
    EXPECT_LT(fit_p(1.08 * x.col(0), exact), least_p) << delta;
  }
}

// Two modes of variance 1 / (8 delta) at +-sqrt(delta), which are far apart: normal up to delta^(-1).
TEST(TargetLaws, HaveExactDrawsOfDeepWells) {
  for (const double delta : {1e6, 1e10}) {
    const Points x = Target(ManyWell{.wells = 1, .delta = delta, .dim = 1}).draws(20'000, 5);
    const Eigen::VectorXd u = (x.col(0).cwiseAbs().array() - std::sqrt(delta)) * std::sqrt(8.0 * delta);
    EXPECT_GT(fit_p(u, normal_cdf), least_p) << delta;
    EXPECT_LT(fit_p(1.08 * u, normal_cdf), least_p) << delta;
  }
  // The modes are narrower than the distance of two doubles.
  for (const double delta : {1e18, 1e300}) {
    const Points x = Target(ManyWell{.wells = 1, .delta = delta, .dim = 1}).draws(100, 5);
    EXPECT_LT((x.col(0).cwiseAbs().array() / std::sqrt(delta) - 1.0).abs().maxCoeff(), 1e-15) << delta;
  }
}

TEST(TargetLaws, HaveExactDrawsOfStudentsMixtures) {
  // Locations so far apart that the sign of a coordinate tells the component.
  const StudentTMixture mixture{
      .components = 2, .nu = 2.0, .dim = 2, .locations = Points{{-1e6, 3.0}, {1e6, 3.0}}};
  const Points x = Target(mixture).draws(20'000, 5);
  const auto of_two = [](double t) { return 0.5 + 0.5 * t / std::sqrt(2.0 + t * t); };
  EXPECT_GT(fit_p(x.col(0).cwiseAbs().array() - 1e6, of_two), least_p);
  EXPECT_GT(fit_p(x.col(1).array() - 3.0, of_two), least_p);
  // Planted: nu = 2 judged as Cauchy's law, nu = 1.
  const auto of_one = [](double t) { return 0.5 + std::atan(t) / std::numbers::pi; };
  EXPECT_LT(fit_p(x.col(1).array() - 3.0, of_one), least_p);
  // Both components have weight 1/2: 5 deviations of the binomial number.
  EXPECT_NEAR(static_cast<double>((x.col(0).array() > 0.0).count()), 10'000.0, 5.0 * std::sqrt(5000.0));
}

TEST(TargetLaws, OfStudentsMixturesHaveACovarianceForMoreThanTwoDegreesOfFreedom) {
  StudentTMixture mixture{
      .components = 2, .nu = 4.0, .dim = 3, .locations = Points{{1.0, 1.0, 0.0}, {-1.0, -1.0, 0.0}}};
  EXPECT_TRUE(TargetLaw(mixture).has_moments());
  EXPECT_TRUE(TargetLaw(mixture).covariance().isApprox(
      Eigen::MatrixXd{{3.0, 1.0, 0.0}, {1.0, 3.0, 0.0}, {0.0, 0.0, 2.0}}, 1e-15));
  mixture.nu = 2.0;
  const TargetLaw heavy(mixture);
  EXPECT_FALSE(heavy.has_moments());
  EXPECT_EQ(heavy.log_normalizer(), 0.0);
  expect_invalid([&] { judge(heavy.draws(10, 1), heavy, {.metric = Metric::moments}); },
                 "judge: moments compare with a covariance, and the law of this target has none");
}

TEST(TargetLaws, HaveDrawsThatDependOnTheirNumberOnly) {
  const TargetLaw law = law_of_text("-x^4");
  const Points all = law.draws(7, 3);
  EXPECT_EQ(all.middleRows(2, 3), law.draws(3, 3, 2));
  EXPECT_NE(all, law.draws(7, 3, 0, 1));
}

TEST(TargetLaws, RefuseWhatTheyCannotKnow) {
  expect_invalid([] { TargetLaw(Brownian{}); },
                 "brownian: samples of this target cannot be judged in dimension 32, because it has no exact "
                 "draws; a table of its density serves dimensions 1 and 2");
  expect_invalid(
      [] { TargetLaw(ManyWell{.delta = -1.0, .dim = 3}); },
      "many-well: samples of this target cannot be judged in dimension 3, because it has no moments "
      "in closed form; a table of its density serves dimensions 1 and 2");
  const CoordinateMoments moments{Eigen::VectorXd::Zero(1), Eigen::VectorXd::Ones(1)};
  expect_invalid([&] { targets::covariance(ExpressionTarget{.density = "-x^2"}, moments); },
                 "covariance: the target expression has no moments in closed form");
  expect_invalid([] { law_of_text("-x^4").draws(0, 1); },
                 "TargetLaw: draws 0 to 0 + 0 are no range of draws");
}

// ----- judgements

/// N(0, 1) as a target.
const TargetLaw& normal_law() {
  static const TargetLaw law = law_of_text("-x^2/2");
  return law;
}

Points normal_draws(double scale) {
  const Mixture normal({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  return scale * draw(normal, {.count = 1000, .seed = 11, .precision = Precision::f64}).to_double();
}

class JudgedByATarget : public testing::TestWithParam<Metric> {};

TEST_P(JudgedByATarget, SamplesOfTheLawAreAtTheFloorAndOthersAbove) {
  const JudgeOptions options{.metric = GetParam(), .slices = 5, .repeats = 20, .bandwidth = {}};
  const Judgement good = judge(normal_draws(1.0), normal_law(), options).front();
  const Judgement wide = judge(normal_draws(1.6), normal_law(), options).front();
  // `good` is one set, whose distance varies as those of the floor do; 4 of their deviations.
  EXPECT_LT(good.value, good.floor + 4.0 * (good.floor_sd + good.value_sd));
  EXPECT_GT(wide.value, wide.floor + 4.0 * (wide.floor_sd + wide.value_sd));
  EXPECT_EQ(good.floor, wide.floor);
}

INSTANTIATE_TEST_SUITE_P(Metrics, JudgedByATarget,
                         testing::Values(Metric::sliced_wasserstein, Metric::max_sliced_wasserstein,
                                         Metric::mmd_squared, Metric::energy_distance));

TEST(JudgementsByATarget, CompareMomentsWithTheLawItself) {
  const Points x = normal_draws(1.0);
  const std::vector<Judgement> judgements = judge(x, normal_law(), {.metric = Metric::moments});
  ASSERT_EQ(judgements.size(), 4U);
  const double variance = (x.array() - x.mean()).square().sum() / static_cast<double>(x.rows() - 1);
  EXPECT_NEAR(judgements[0].value, std::abs(x.mean()), 1e-12);
  EXPECT_NEAR(judgements[1].value, std::abs(variance - 1.0), 1e-10);
  EXPECT_EQ(judgements[0].value_sd, 0.0);
}

TEST(JudgementsByATarget, TakeLawsOnBothSides) {
  const Mixture normal({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  const Mixture wide({1.0}, Points::Zero(1, 1), Covariance::spherical({2.0}));
  const JudgeOptions options{.slices = 1};
  EXPECT_LT(judge(normal_law(), normal, 2000, options).front().ratio, 2.0);
  EXPECT_LT(judge(normal, normal_law(), 2000, options).front().ratio, 2.0);
  EXPECT_GT(judge(wide, normal_law(), 2000, options).front().ratio, 3.0);
}

TEST(JudgementsByATarget, RefuseComponentsAndOtherDimensions) {
  const Points x = normal_draws(1.0);
  expect_invalid([&] { judge(x, normal_law(), {.metric = Metric::modes}); },
                 "judge: total_variation compares weights of components, and a target has none");
  expect_invalid([&] { judge(x, normal_law(), {.metric = Metric::mode_weights}); },
                 "judge: mode_weight_error compares weights of components, and a target has none");
  expect_invalid([&] { judge(x, normal_law(), {.metric = Metric::mode_coverage}); },
                 "mode_coverage: the modes of a target of type expression are not known; those of many-well "
                 "and student-t-mixture are");
  expect_invalid([&] { judge(Points(Points::Zero(3, 2)), normal_law()); },
                 "judge: x has dimension 2 but the law has dimension 1");
}

}  // namespace
}  // namespace gmdiff
