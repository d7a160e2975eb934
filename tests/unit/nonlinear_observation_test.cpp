#include <gmdiff/model/nonlinear_observation.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <set>
#include <string>

#include <Eigen/LU>

#include <gtest/gtest.h>

#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/target.hpp>
#include <gmdiff/plan/plan.hpp>

#include "device/pilot_target.hpp"
#include "model/expression/tape.hpp"
#include "support/expect_invalid.hpp"

// Nonlinear observations and the targets that they make of a mixture (mathematics.md §13.2).

namespace gmdiff::nonlinear_observation_tests {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;

/// Numbers in [-1, 1] without a pattern.
MatrixXd waves(Index rows, Index columns, double shift) {
  MatrixXd values(rows, columns);
  for (Index i = 0; i < values.size(); ++i)
    values(i) = std::sin(shift + 1.7 * static_cast<double>(i) + 0.3 * static_cast<double>(i * i % 17));
  return values;
}

/// A positive definite matrix.
MatrixXd definite(Index n) {
  const MatrixXd F = waves(n, n, 0.4);
  return F * F.transpose() / static_cast<double>(n) + MatrixXd::Identity(n, n);
}

NonlinearObservation ranges() {
  return {RangeMap{.anchors = Points{{-1.0, 0.0}, {1.0, 0.0}}}, VectorXd{{1.5, 1.25}}, 0.25};
}

Mixture standard_normal(Index d) { return {{1.0}, Points::Zero(1, d), Covariance::spherical({1.0})}; }

TEST(NonlinearObservations, OfManyNumbersHaveTheLikelihoodOfTheFormula) {
  constexpr Index d = 50, dy = 20;
  const MatrixXd A = waves(dy, d, 0.1), R = definite(dy);
  const VectorXd b = waves(dy, 1, 0.2), y = waves(dy, 1, 0.3), x = 0.2 * waves(d, 1, 0.5),
                 v = waves(d, 1, 0.6);
  const NonlinearObservation observation({ElementwiseMap{.function = MapFunction::tanh, .A = A, .b = b}}, y,
                                         R);
  EXPECT_GT(observation.likelihood().value_and_gradient.operations.size(), 4096U);

  const VectorXd f = (A * x + b).array().tanh(), slope = 1.0 - f.array().square();
  const VectorXd u = R.inverse() * (y - f);
  const MatrixXd J = slope.asDiagonal() * A;
  const double l = -0.5 * (y - f).dot(u) - 0.5 * std::log(R.determinant()) -
                   0.5 * static_cast<double>(dy) * std::log(2.0 * std::numbers::pi);
  const VectorXd curved = (-2.0 * f.array() * slope.array() * u.array()).matrix().asDiagonal() * (A * v);
  const VectorXd Hv = -J.transpose() * (R.inverse() * (J * v)) + A.transpose() * curved;
  const Points point = x.transpose(), vector = v.transpose();
  EXPECT_NEAR(observation.log_likelihood(point)(0), l, 1e-12 * std::abs(l));
  EXPECT_LT((observation.gradient(point) - (J.transpose() * u).transpose()).norm(), 1e-12 * (1.0 + u.norm()));
  EXPECT_LT((observation.hessian_vp(point, vector) - Hv.transpose()).norm(), 1e-11 * (1.0 + Hv.norm()));
  EXPECT_LT((observation.jacobian(x) - J).norm(), 1e-13 * J.norm());
  EXPECT_LT((observation.value(point) - f.transpose()).norm(), 1e-13);
}

TEST(NonlinearObservations, OfTextsAreThoseOfTheBuiltInMaps) {
  const ExpressionMap texts{
      .texts = {"sqrt((x1 + a)^2 + x2^2)", "sqrt((x1 - a)^2 + x2^2)"}, .dim = 2, .parameters = {{"a", 1.0}}};
  const NonlinearObservation as_text(texts, VectorXd{{1.5, 1.25}}, 0.25);
  const Points x{{0.3, -0.7}, {2.0, 1.0}}, v{{1.0, 2.0}, {-0.5, 0.25}};
  EXPECT_LT((as_text.log_likelihood(x) - ranges().log_likelihood(x)).norm(), 1e-12);
  EXPECT_LT((as_text.gradient(x) - ranges().gradient(x)).norm(), 1e-11);
  EXPECT_LT((as_text.hessian_vp(x, v) - ranges().hessian_vp(x, v)).norm(), 1e-10);
}

TEST(NonlinearObservations, OfDistancesHaveDerivativeZeroAtAnAnchor) {
  const NonlinearObservation observation = ranges();
  const Points anchor{{-1.0, 0.0}};
  EXPECT_EQ(observation.value(anchor), (Points{{0.0, 2.0}}));
  EXPECT_EQ(observation.jacobian(anchor.row(0).transpose()), (MatrixXd{{0.0, 0.0}, {-1.0, 0.0}}));
  // Only the other anchor moves the point: J^T R^-1 (y - Phi).
  EXPECT_EQ(observation.gradient(anchor), (Points{{12.0, 0.0}}));
  EXPECT_TRUE(observation.hessian_vp(anchor, Points{{1.0, 1.0}}).allFinite());
  EXPECT_TRUE(observation.is_near_anchor(VectorXd{{1.0, 1e-8}}));
  EXPECT_FALSE(observation.is_near_anchor(VectorXd{{1.0, 2e-8}}));
}

TEST(NonlinearObservations, NearAnAnchorGiveNoMaximum) {
  // The derivative of the distance counts as 0 here, so the gradient is 0 at the maximum of the prior.
  const Target target =
      ObservedMixture{standard_normal(2), {RangeMap{.anchors = Points{{0.0, 0.0}}}, VectorXd{{2.0}}, 0.5}};
  EXPECT_EQ(target.gradient(Points{{0.0, 0.0}}), (Points{{0.0, 0.0}}));
  const Modes found = modes(target, {.starts = Points{{0.0, 0.0}}, .draws = 0});
  EXPECT_TRUE(found.maxima.empty());
  EXPECT_EQ(found.unfinished, 1);
  // l = -x^2/2 - (1 + |x|)^2/2 + const has a kink at its anchor. Half of the first Newton step leads there.
  const Target kink =
      ObservedMixture{standard_normal(1), {RangeMap{.anchors = Points{{0.0}}}, VectorXd{{-1.0}}, 1.0}};
  EXPECT_EQ(kink.gradient(Points{{0.5}}), (Points{{-2.0}}));
  const Modes at_kink = modes(kink, {.starts = Points{{0.5}}, .draws = 0});
  EXPECT_TRUE(at_kink.maxima.empty());
  EXPECT_EQ(at_kink.unfinished, 1);
}

TEST(NonlinearObservations, RefuseWhatHasNoLikelihood) {
  const VectorXd one{{1.0}}, two{{1.0, 2.0}};
  const ElementwiseMap map{.function = MapFunction::exp, .A = MatrixXd{{1.0, 2.0}}};
  const auto refused = [](const MapDescription& of, const VectorXd& y, double std) {
    return [=] { NonlinearObservation(of, y, std); };
  };
  expect_invalid(refused(map, one, 0.0), "NonlinearObservation: noise_std must be positive, got 0");
  expect_invalid(refused(map, two, 1.0),
                 "NonlinearObservation: the map exp has 1 values, but y has 2 entries");
  expect_invalid(refused(map, VectorXd{{std::nan("")}}, 1.0),
                 "NonlinearObservation: entry 0 of y must be finite, got nan");
  expect_invalid(refused(ElementwiseMap{}, one, 1.0), "identity: A has no entries");
  expect_invalid(refused(RangeMap{}, one, 1.0), "range: anchors has no entries");
  expect_invalid(refused(ElementwiseMap{.A = map.A, .b = two}, one, 1.0),
                 "identity: b has 2 entries, expected one for each of the 1 rows of A");
  expect_invalid(
      refused(RangeMap{.anchors = Points{{1.0, std::numeric_limits<double>::infinity()}}}, one, 1.0),
      "range: anchors (0, 1) must be finite, got inf");
  expect_invalid(refused(ExpressionMap{}, one, 1.0),
                 "expression: expected one text for each observed number, got none");
  expect_invalid(
      refused(ExpressionMap{.texts = {"x", "x +"}}, two, 1.0),
      "text 2: expression \"x +\": column 4: expected a number, a name or '(', got the end of the text");
  expect_invalid([&] { NonlinearObservation(map, one, MatrixXd(MatrixXd::Identity(2, 2))); },
                 "NonlinearObservation: the noise covariance is 2x2 but y has 1 entries");
  expect_invalid([&] { NonlinearObservation(map, one, MatrixXd::Zero(1, 1).eval()); },
                 "NonlinearObservation: the noise covariance must be positive definite");
  expect_invalid([&] { NonlinearObservation(map, one, MatrixXd{{std::nan("")}}); },
                 "NonlinearObservation: the noise covariance must be finite");
  expect_invalid([] { ranges().value(Points{{1.0}}); },
                 "NonlinearObservation: points have dimension 1, expected 2");
  expect_invalid(
      [] {
        ranges().hessian_vp(Points{{1.0, 2.0}}, Points{{1.0}});
      },
      "NonlinearObservation: vectors have dimension 1, expected 2");
  expect_invalid([] { ranges().hessian_vp(Points::Zero(2, 2), Points::Zero(1, 2)); },
                 "NonlinearObservation: 2 points but 1 vectors");
}

TEST(ObservedMixtures, AreTargetsWithoutClosedForms) {
  const Target target = ObservedMixture{standard_normal(2), ranges()};
  EXPECT_STREQ(name_of(target.description()), "observed");
  EXPECT_EQ(target.dim(), 2);
  EXPECT_FALSE(target.has_draws());
  EXPECT_FALSE(target.log_normalizer().has_value());
  EXPECT_FALSE(target.moments().has_value());
  expect_invalid(
      [] {
        Target(ObservedMixture{standard_normal(3), ranges()});
      },
      "observed: the prior has dimension 3, but the map range takes points of dimension 2");
  const Mixture singular({1.0}, Points::Zero(1, 2), Covariance::diag(Points{{1.0, 0.0}}));
  expect_invalid(
      [&] {
        Target(ObservedMixture{singular, ranges()});
      },
      "observed: component 0 of the prior has a singular covariance, so the prior has no density");
}

TEST(ObservedMixtures, HavePlansThatDependOnPriorAndObservation) {
  const auto hash = [](const Mixture& prior, const NonlinearObservation& observation) {
    return mcmc_plan(Target(ObservedMixture{prior, observation}), Mala{.step = 0.1}).hash();
  };
  const RangeMap map{.anchors = Points{{-1.0, 0.0}, {1.0, 0.0}}};
  const Mixture wider({1.0}, Points::Zero(1, 2), Covariance::spherical({2.0}));
  const std::set<std::uint64_t> hashes{hash(standard_normal(2), ranges()), hash(wider, ranges()),
                                       hash(standard_normal(2), {map, VectorXd{{1.5, 1.0}}, 0.25}),
                                       hash(standard_normal(2), {map, VectorXd{{1.5, 1.25}}, 0.5})};
  EXPECT_EQ(hashes.size(), 4U);
  EXPECT_EQ(hash(standard_normal(2), {map, VectorXd{{1.5, 1.25}}, 0.25}), hash(standard_normal(2), ranges()));
  expect_invalid(
      [] {
        mcmc_plan(Target(ObservedMixture{standard_normal(2), ranges()}),
                  Mala{.step = 0.1, .run = {.start = Start::exact}});
      },
      "mcmc_plan: observed has no exact draws; its chains need the start gaussian");
}

TEST(ObservedMixtures, HaveTheDensityOfTheirPilot) {
  const Mixture prior(
      {0.25, 0.75}, Points{{0.5, 1.0}, {0.0, -1.0}},
      Covariance::full({MatrixXd{{0.5, 0.0}, {0.0, 0.75}}, MatrixXd{{0.75, 0.25}, {0.25, 0.5}}}));
  const Target target = ObservedMixture{prior, ranges()};
  const Points x{{0.2, 0.9}, {-0.5, -1.0}, {2.0, 0.1}};
  VectorXd l;
  Points gradient;
  pilot_target(target)->evaluate(x, l, gradient);
  EXPECT_LT((l - target.log_density(x)).norm(), 1e-12 * l.norm());
  EXPECT_LT((gradient - target.gradient(x)).norm(), 1e-12 * gradient.norm());
}

}  // namespace
}  // namespace gmdiff::nonlinear_observation_tests
