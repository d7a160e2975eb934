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

Mixture plane_law() {
  Points means(2, 2);
  means << -2.0, 0.0, 2.0, 1.0;
  Eigen::Matrix2d a;
  a << 0.5, 0.2, 0.2, 0.4;
  return {{0.25, 0.75}, means, Covariance::full({a, Eigen::Matrix2d::Identity()})};
}

TEST(MomentErrors, OfFourPointsAgainstTheStandardNormal) {
  Points x(4, 2);
  x << 1.0, 0.0, 3.0, 0.0, 2.0, 1.0, 2.0, -1.0;
  const Mixture normal({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));

  const MomentErrors errors = moment_errors(x, normal);

  // Mean (2, 0), covariance 2/3 I against I.
  EXPECT_DOUBLE_EQ(errors.mean, 2.0);
  EXPECT_NEAR(errors.covariance, 1.0 / 3.0, 1e-15);
}

TEST(MomentErrors, TakeWeights) {
  const Points x{{1.0, 0.0}, {3.0, 0.0}, {2.0, 1.0}, {2.0, -1.0}, {50.0, 7.0}};
  const Mixture normal({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
  const JudgeOptions options{.metric = Metric::moments, .repeats = 2};
  const auto judged = [&](const Points& points, std::vector<double> weights) {
    return judge(PointSet(points).with_weights(std::move(weights)), normal, options);
  };
  const std::vector<Judgement> four = judge(Points(x.topRows(4)), normal, options),
                               with_zero = judged(x, {2.0, 2.0, 2.0, 2.0, 0.0});
  for (std::size_t q = 0; q < four.size(); ++q) EXPECT_NEAR(with_zero[q].value, four[q].value, 1e-14);
  // Mean (1.5, 0); v = (3/4, 1/4), so the variance is 3/4 over 1 - 10/16: 2, against 1.
  const std::vector<Judgement> two = judged(x.topRows(2), {3.0, 1.0});
  EXPECT_NEAR(two[0].value, 1.5, 1e-15);
  EXPECT_NEAR(two[1].value, std::sqrt((1.0 + 1.0) / 2.0), 1e-14);
  const std::vector<Judgement> one = judged(x.topRows(2), {3.0, 0.0});
  EXPECT_NEAR(one[0].value, 1.0, 1e-15);
  EXPECT_NEAR(one[1].value, 1.0, 1e-15);  // no covariance at all
  expect_invalid([&] { judged(x, {1.0}); }, "moments: 5 points need as many weights, given 1");
  expect_invalid(
      [&] {
        judged(x.topRows(2), {0.0, 0.0});
      },
      "moments: weights must be finite and >= 0, and not all 0");
}

TEST(MomentErrors, OfExactDrawsAreOfTheSizeOfTheirStandardErrors) {
  const Mixture law = plane_law();
  const std::int64_t n = 20000;

  const MomentErrors errors =
      moment_errors(draw(law, {.count = n, .device = Device::reference(), .precision = Precision::f64}), law);

  EXPECT_LT(errors.mean, 5.0 * std::sqrt(law.covariance().trace() / static_cast<double>(n)));
  EXPECT_LT(errors.covariance, 0.05);
  EXPECT_GT(errors.mean, 0.0);
}

TEST(MomentErrors, OfAPointMassAreAbsolute) {
  const Mixture point({1.0}, column({1.0}), Covariance::spherical({0.0}));

  const MomentErrors errors = moment_errors(column({1.0, 3.0}), point);

  EXPECT_DOUBLE_EQ(errors.mean, 1.0);
  EXPECT_DOUBLE_EQ(errors.covariance, 2.0);
  EXPECT_EQ(errors.whitened_mean, 0.0);  // there is no direction in which the law varies
  EXPECT_EQ(errors.whitened_covariance, 0.0);
}

TEST(MomentErrors, AreWhitenedInStandardDeviationsOfTheLaw) {
  // Deviations 1 and 0.01, as of a free and an observed direction. The points have the mean (0, 0.001), a
  // tenth of a deviation off, and variances 1 and 1.1e-4.
  const Mixture law({1.0}, Points::Zero(1, 2), Covariance::diag(Points{{1.0, 1e-4}}));
  const double a = std::sqrt(0.75);
  const double b = std::sqrt(0.75 * 1.1e-4);
  const Points x{{a, 0.001 + b}, {a, 0.001 - b}, {-a, 0.001 + b}, {-a, 0.001 - b}};

  const MomentErrors errors = moment_errors(x, law);

  EXPECT_NEAR(errors.mean, 0.001, 1e-15);
  EXPECT_LT(errors.covariance, 1e-4);
  EXPECT_NEAR(errors.whitened_mean, 0.1, 1e-12);
  EXPECT_NEAR(errors.whitened_covariance, 0.1 / std::sqrt(2.0), 1e-12);
}

TEST(MomentErrors, WhitenedDoNotChangeUnderLinearMaps) {
  const Mixture law = plane_law();
  const Points x = normal_points(50, 2, 3);
  const Eigen::MatrixXd A{{1.0, 2.0}, {-0.5, 0.001}};
  const Eigen::Vector2d b(3.0, -1.0);
  const Points mapped = (x * A.transpose()).rowwise() + b.transpose();

  const MomentErrors before = moment_errors(x, law);
  const MomentErrors after = moment_errors(mapped, law.push_forward(A, b));

  EXPECT_NEAR(after.whitened_mean, before.whitened_mean, 1e-10);
  EXPECT_NEAR(after.whitened_covariance, before.whitened_covariance, 1e-10);
  EXPECT_GT(std::abs(after.mean - before.mean), 0.1);
}

TEST(MomentErrors, WhitenedLeaveOutDirectionsInWhichTheLawDoesNotVary) {
  const Mixture line({1.0}, Points::Zero(1, 2), Covariance::diag(Points{{4.0, 0.0}}));
  const Points x{{1.0, 0.3}, {3.0, -0.4}};  // variance 2 against 4, mean a deviation off

  const MomentErrors errors = moment_errors(x, line);

  EXPECT_NEAR(errors.whitened_mean, 1.0, 1e-15);
  EXPECT_NEAR(errors.whitened_covariance, 0.5, 1e-15);
}

TEST(MomentErrors, RefuseBadInput) {
  const Mixture law = plane_law();

  expect_invalid([&] { moment_errors(Points(0, 2), law); }, "moment_errors: x has no points");
  expect_invalid([&] { moment_errors(normal_points(1, 2, 1), law); },
                 "moment_errors: x needs at least 2 points, given 1");
  expect_invalid([&] { moment_errors(normal_points(3, 4, 1), law); },
                 "moment_errors: x has dimension 4 but the law has dimension 2");
}

TEST(ModeFrequencies, CountThePointsOfEachMode) {
  const Mixture law({0.5, 0.25, 0.25}, column({0.0, 10.0, 20.0}), Covariance::spherical({1.0, 1.0, 1.0}));

  const ModeFrequencies modes = mode_frequencies(column({-1.0, 0.5, 9.0, 1.0, 21.0}), law);

  EXPECT_EQ(modes.frequencies, Eigen::Vector3d(0.6, 0.2, 0.2));
  EXPECT_EQ(modes.weights, Eigen::Vector3d(0.5, 0.25, 0.25));
  EXPECT_NEAR(modes.total_variation, 0.1, 1e-15);
}

TEST(ModeFrequencies, WeighTheComponentsByTheirDensities) {
  // At 1.5 the narrow component at 0 has less density than the wide one at 10 has.
  const Mixture law({0.5, 0.5}, column({0.0, 10.0}), Covariance::spherical({0.01, 25.0}));

  EXPECT_EQ(mode_frequencies(column({1.5}), law).frequencies, Eigen::Vector2d(0.0, 1.0));
  EXPECT_EQ(mode_frequencies(column({0.1}), law).frequencies, Eigen::Vector2d(1.0, 0.0));
}

TEST(ModeFrequencies, OfMoreThanOneBlockOfPoints) {
  const Mixture law({0.3, 0.7}, column({-50.0, 50.0}), Covariance::spherical({1.0, 1.0}));
  Points x = Points::Constant(10000, 1, 50.0);
  x.topRows(2500).setConstant(-50.0);

  const ModeFrequencies modes = mode_frequencies(x, law);

  EXPECT_DOUBLE_EQ(modes.frequencies(0), 0.25);
  EXPECT_NEAR(modes.total_variation, 0.05, 1e-15);
}

TEST(ModeFrequencies, NeverChooseAComponentOfWeightZero) {
  const Mixture law({0.0, 1.0}, column({0.0, 10.0}), Covariance::spherical({1.0, 1.0}));

  EXPECT_EQ(mode_frequencies(column({0.0, 0.1}), law).total_variation, 0.0);
}

TEST(ModeFrequencies, OfSingularComponentsFollowTheirSupports) {
  // A segment along each axis, and a point.
  Points means(3, 2);
  means << 5.0, 0.0, 0.0, 5.0, -5.0, -5.0;
  Points variances(3, 2);
  variances << 1.0, 0.0, 0.0, 1.0, 0.0, 0.0;
  const Mixture law({0.4, 0.4, 0.2}, means, Covariance::diag(variances));
  Points x(4, 2);
  x << 3.0, 0.0, 6.5, 0.0, 0.0, 7.0, -5.0, -5.0;

  EXPECT_EQ(mode_frequencies(x, law).frequencies, Eigen::Vector3d(0.5, 0.25, 0.25));
}

TEST(ModeFrequencies, OfASinglePointAreOne) {
  const Mixture law({1.0}, column({2.0}), Covariance::spherical({0.0}));

  EXPECT_EQ(mode_frequencies(column({2.0, 5.0}), law).total_variation, 0.0);
}

TEST(ModeFrequencies, RefuseBadInput) {
  const Mixture law = plane_law();

  expect_invalid([&] { mode_frequencies(Points(0, 2), law); }, "mode_frequencies: x has no points");
  expect_invalid([&] { mode_frequencies(normal_points(3, 1, 1), law); },
                 "mode_frequencies: x has dimension 1 but the law has dimension 2");
}

TEST(KlDivergence, OnSamplesIsTheMeanLogRatio) {
  const Mixture p({1.0}, column({0.0}), Covariance::spherical({1.0}));
  const Mixture q({1.0}, column({1.0}), Covariance::spherical({1.0}));

  const KlEstimate kl = kl_divergence(column({0.0, 1.0, -0.5}), p, q);

  // log p - log q = 1/2 - x: 0.5, -0.5, 1.
  EXPECT_NEAR(kl.value, 1.0 / 3.0, 1e-15);
  EXPECT_NEAR(kl.standard_error, std::sqrt(7.0 / 12.0 / 3.0), 1e-15);
}

TEST(KlDivergence, EstimatesTheClosedForm) {
  Eigen::Matrix2d a;
  a << 1.0, 0.4, 0.4, 0.6;
  const Mixture p({1.0}, Points::Zero(1, 2), Covariance::full({a}));
  const Mixture q({1.0}, Points::Constant(1, 2, 0.3), Covariance::spherical({0.9}));

  const KlEstimate estimate = kl_divergence(
      draw(p, {.count = 40000, .device = Device::reference(), .precision = Precision::f64}), p, q);

  EXPECT_NEAR(estimate.value, kl_gaussian(p, q), 5.0 * estimate.standard_error);
  EXPECT_LT(estimate.standard_error, 0.02 * estimate.value);
}

TEST(KlDivergence, RefusesBadInput) {
  const Mixture law = plane_law();
  const Mixture line({1.0}, column({0.0}), Covariance::spherical({1.0}));

  expect_invalid([&] { kl_divergence(Points(0, 2), law, law); }, "kl_divergence: x has no points");
  expect_invalid([&] { kl_divergence(normal_points(1, 2, 1), law, law); },
                 "kl_divergence: x needs at least 2 points, given 1");
  expect_invalid([&] { kl_divergence(normal_points(3, 2, 1), law, line); },
                 "kl_divergence: p has dimension 2 but q has dimension 1");
  expect_invalid([&] { kl_divergence(normal_points(3, 2, 1), line, law); },
                 "kl_divergence: x has dimension 2 but the law has dimension 1");
}

TEST(KlGaussian, OfTwoNormalsInOneDimension) {
  const Mixture p({1.0}, column({1.0}), Covariance::spherical({2.0}));
  const Mixture q({1.0}, column({-1.0}), Covariance::spherical({3.0}));

  EXPECT_NEAR(kl_gaussian(p, q), 0.5 * (2.0 / 3.0 + 4.0 / 3.0 - 1.0 + std::log(1.5)), 1e-15);
  EXPECT_EQ(kl_gaussian(p, p), 0.0);
}

TEST(KlGaussian, OfDenseCovariancesMatchesTheFormula) {
  Eigen::Matrix2d a;
  a << 1.0, 0.4, 0.4, 0.6;
  Eigen::Matrix2d b;
  b << 0.8, -0.3, -0.3, 1.1;
  const Eigen::RowVector2d shift(0.5, -1.0);
  const Mixture p({1.0}, Points::Zero(1, 2), Covariance::full({a}));
  const Mixture q({1.0}, Points(shift), Covariance::tied(b));

  const double determinant_a = 1.0 * 0.6 - 0.4 * 0.4;
  const double determinant_b = 0.8 * 1.1 - 0.3 * 0.3;
  Eigen::Matrix2d inverse_b;
  inverse_b << 1.1, 0.3, 0.3, 0.8;
  inverse_b /= determinant_b;
  const double quadratic = shift * inverse_b * shift.transpose();
  const double expected =
      0.5 * ((inverse_b * a).trace() + quadratic - 2.0 + std::log(determinant_b / determinant_a));

  EXPECT_NEAR(kl_gaussian(p, q), expected, 1e-14);
}

TEST(KlGaussian, IsTheSameForEveryStructureOfTheCovariances) {
  const Points zero = Points::Zero(1, 2);
  const Points one = Points::Ones(1, 2);
  Points variances(1, 2);
  variances << 0.5, 2.0;
  const Eigen::MatrixXd dense = variances.row(0).asDiagonal();
  const std::vector<Mixture> p{{{1.0}, zero, Covariance::diag(variances)},
                               {{1.0}, zero, Covariance::full({dense})}};
  const std::vector<Mixture> q{{{1.0}, one, Covariance::spherical({1.5})},
                               {{1.0}, one, Covariance::diag(Points::Constant(1, 2, 1.5))},
                               {{1.0}, one, Covariance::tied(1.5 * Eigen::MatrixXd::Identity(2, 2))}};

  const double expected = 0.5 * (2.5 / 1.5 + 2.0 / 1.5 - 2.0 + std::log(2.25));

  for (const Mixture& from : p) {
    for (const Mixture& to : q) EXPECT_NEAR(kl_gaussian(from, to), expected, 1e-15);
  }
  EXPECT_NEAR(kl_gaussian(q[0], p[1]), 0.5 * (1.5 / 0.5 + 1.5 / 2.0 + 2.5 - 2.0 - std::log(2.25)), 1e-15);
}

TEST(KlGaussian, FromASingularNormalIsInfinite) {
  const Mixture point({1.0}, column({1.0}), Covariance::spherical({0.0}));
  const Mixture normal({1.0}, column({1.0}), Covariance::spherical({1.0}));

  EXPECT_EQ(kl_gaussian(point, normal), std::numeric_limits<double>::infinity());
}

TEST(KlGaussian, RefusesBadInput) {
  const Mixture point({1.0}, column({1.0}), Covariance::spherical({0.0}));
  const Mixture normal({1.0}, column({1.0}), Covariance::spherical({1.0}));
  const Mixture plane({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));

  expect_invalid([&] { kl_gaussian(plane_law(), plane); }, "kl_gaussian: p must have one component, given 2");
  expect_invalid([&] { kl_gaussian(plane, plane_law()); }, "kl_gaussian: q must have one component, given 2");
  expect_invalid([&] { kl_gaussian(normal, plane); }, "kl_gaussian: p has dimension 1 but q has dimension 2");
  expect_invalid([&] { kl_gaussian(normal, point); },
                 "kl_gaussian: the covariance of q is singular (eigenvalue 0 is 0)");
}

}  // namespace
}  // namespace gmdiff
