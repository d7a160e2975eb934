#include <algorithm>
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>
#include <gmdiff/model/linear_transition.hpp>
#include <gmdiff/plan/plan.hpp>

#include "support/expect_invalid.hpp"

namespace gmdiff::dynamics_plans {
namespace {

using Texts = std::vector<std::string>;
using test::expect_invalid;

Dynamics valid() {
  return {.drift = {"x2", "-x1 + t"},
          .noise = Texts{"x1", "1 + t"},
          .t_start = 0.25,
          .t_end = 1.0,
          .steps = 3,
          .start = PointStart{{1.0, 2.0}}};
}

TEST(DynamicsPlan, HasOneProgramAndTheTimesOfItsSteps) {
  Dynamics dynamics = valid();
  dynamics.noise = 0.0;
  dynamics.scheme = Scheme::rk4;
  const Plan plan = dynamics_plan(dynamics);
  EXPECT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.num_steps(), 3);
  EXPECT_EQ(plan.times, (std::vector<double>{0.25, 0.5, 0.75, 1.0}));
  EXPECT_EQ(plan.field_times,
            (std::vector<std::vector<double>>{{0.25, 0.5, 0.75}, {0.375, 0.625, 0.875}, {0.5, 0.75, 1.0}}));
  EXPECT_EQ(plan.fields.size(), 1U);
}

TEST(DynamicsPlan, TimesDoNotAccumulateErrors) {
  Dynamics dynamics = valid();
  dynamics.t_start = -0.1;
  dynamics.t_end = 0.2;
  dynamics.steps = 100'000;
  const Plan plan = dynamics_plan(dynamics);
  EXPECT_EQ(plan.times.front(), -0.1);
  EXPECT_EQ(plan.times.back(), 0.2);
  EXPECT_NEAR(plan.times[50'000], 0.05, 1e-17);
}

TEST(DynamicsPlan, HashCoversEveryParameter) {
  std::vector<std::uint64_t> hashes;
  const auto add = [&hashes](auto change) {
    Dynamics dynamics = valid();
    change(dynamics);
    const std::uint64_t hash = dynamics_plan(dynamics).hash();
    EXPECT_EQ(std::ranges::count(hashes, hash), 0) << hashes.size();
    hashes.push_back(hash);
  };
  add([](Dynamics&) {});
  add([](Dynamics& d) { d.drift[0] = "x2 + 1"; });
  add([](Dynamics& d) { d.noise = Texts{"x1", "1 - t"}; });
  add([](Dynamics& d) { d.noise = 0.5; });
  add([](Dynamics& d) { d.noise = 0.25; });
  add([](Dynamics& d) { d.noise = std::vector<double>{0.5, 0.25}; });
  add([](Dynamics& d) { d.t_start = 0.0; });
  add([](Dynamics& d) { d.t_end = 2.0; });
  add([](Dynamics& d) { d.steps = 4; });
  add([](Dynamics& d) { d.scheme = Scheme::milstein; });
  add([](Dynamics& d) { d.path_steps = 6; });
  add([](Dynamics& d) { d.start = PointStart{{1.0, 2.5}}; });
  add([](Dynamics& d) { d.start = GaussianStart{}; });
  add([](Dynamics& d) { d.start = GaussianStart{.std = 2.0}; });
}

TEST(DynamicsPlan, OnItsOwnBrownianMotionHasTheHashOfOneWithoutPathSteps) {
  Dynamics dynamics = valid();
  const std::uint64_t hash = dynamics_plan(dynamics).hash();
  dynamics.path_steps = dynamics.steps;
  EXPECT_EQ(dynamics_plan(dynamics).hash(), hash);
}

TEST(DynamicsPlan, OfEqualTextsHasOneHash) {
  Dynamics dynamics = valid();
  const std::uint64_t hash = dynamics_plan(dynamics).hash();
  dynamics.drift = {" x2", "t-x1"};
  EXPECT_EQ(dynamics_plan(dynamics).hash(), hash);
}

TEST(DynamicsPlan, MilsteinWithAdditiveNoiseIsEulerMaruyama) {
  for (const DynamicsNoise& noise : {DynamicsNoise(0.5), DynamicsNoise(Texts{"1 + t", "2"})}) {
    Dynamics dynamics = valid();
    dynamics.noise = noise;
    const std::uint64_t hash = dynamics_plan(dynamics).hash();
    dynamics.scheme = Scheme::milstein;
    EXPECT_EQ(dynamics_plan(dynamics).hash(), hash);
  }
}

TEST(DynamicsPlan, IsPrinted) {
  Dynamics dynamics = valid();
  std::ostringstream out;
  out << dynamics_plan(dynamics);
  EXPECT_NE(
      out.str().find("v1 <- field 0 at v0, times 0\n        v3 <- field 1 at v0, times 0\n        v5 <- 1 "
                     "step noise\n        v5 <- v3 v5"),
      std::string::npos)
      << out.str();
}

void expect_refused(void (*change)(Dynamics&), const std::string& text) {
  Dynamics dynamics = valid();
  change(dynamics);
  expect_invalid([&] { dynamics_plan(dynamics); }, text);
}

TEST(DynamicsPlan, RefusesBadTexts) {
  expect_refused([](Dynamics& d) { d.drift = {}; }, "dynamics: drift: expected one text for each coordinate");
  expect_refused([](Dynamics& d) { d.drift[1] = "x1 + y"; },
                 "dynamics: drift 2: expression \"x1 + y\": column 6: unknown name \"y\"");
  expect_refused([](Dynamics& d) { d.drift[0] = "x1 +"; },
                 "dynamics: drift 1: expression \"x1 +\": column 5");
  expect_refused(
      [](Dynamics& d) {
        d.noise = Texts{"1", "x3"};
      },
      "dynamics: noise 2: expression \"x3\": column 1");
  expect_refused([](Dynamics& d) { d.noise = Texts{"1"}; },
                 "dynamics: expected 2 texts of noise, one for each drift, got 1");
  expect_refused([](Dynamics& d) { d.parameters = {{"t", 1.0}}; }, "the parameter name \"t\"");
}

TEST(DynamicsPlan, RefusesNumbersOutOfRange) {
  const std::string noise = "dynamics: noise must be >= 0 and finite, got -1";
  expect_refused([](Dynamics& d) { d.noise = -1.0; }, noise);
  expect_refused([](Dynamics& d) { d.noise = std::vector<double>{0.0, -1.0}; }, noise);
  expect_refused([](Dynamics& d) { d.noise = std::nan(""); }, "dynamics: noise must be >= 0");
  expect_refused([](Dynamics& d) { d.noise = std::vector<double>{1.0}; },
                 "dynamics: expected 2 numbers of noise, one for each drift, got 1");
  expect_refused([](Dynamics& d) { d.steps = 0; }, "dynamics: steps must be 1 to 100000000, got 0");
  for (const int path_steps : {1, 4, 3 * 4097}) {
    Dynamics dynamics = valid();
    dynamics.path_steps = path_steps;
    expect_invalid([&] { dynamics_plan(dynamics); },
                   "dynamics: path_steps must be a multiple of steps = 3, at most 4096 times as much, got " +
                       std::to_string(path_steps));
  }
  expect_refused([](Dynamics& d) { d.t_start = INFINITY; }, "dynamics: t_start must be finite, got inf");
  expect_refused([](Dynamics& d) { d.t_end = 0.25; },
                 "dynamics: t_end must be finite and greater than t_start = 0.25, got 0.25");
  expect_refused([](Dynamics& d) { d.start = PointStart{{1.0}}; },
                 "dynamics: expected 2 coordinates of the start, one for each drift, got 1");
  expect_refused(
      [](Dynamics& d) {
        d.start = PointStart{{1.0, INFINITY}};
      },
      "dynamics: coordinate 2 of the start is inf");
  expect_refused(
      [](Dynamics& d) { d.start = Mixture({1.0}, Points::Zero(1, 3), Covariance::spherical({1.0})); },
      "dynamics: the mixture of the start has dimension 3, expected 2, the number of drifts");
  expect_refused([](Dynamics& d) { d.start = GaussianStart{.std = -1.0}; },
                 "dynamics: std of the start must be >= 0, got -1");
}

TEST(DynamicsPlan, RefusesSchemesThatDoNotSupportTheNoise) {
  expect_refused([](Dynamics& d) { d.scheme = Scheme::heun; },
                 "dynamics: the scheme heun needs additive noise, but a noise text depends on x");
  expect_refused([](Dynamics& d) { d.scheme = Scheme::sra1; },
                 "dynamics: the scheme sra1 needs additive noise, but a noise text depends on x");
  expect_refused([](Dynamics& d) { d.scheme = Scheme::rk4; },
                 "dynamics: the scheme rk4 integrates ODEs; expected noise 0");
  expect_refused([](Dynamics& d) { d.scheme = Scheme::euler; },
                 "dynamics: the scheme euler integrates ODEs; expected noise 0");
  expect_refused(
      [](Dynamics& d) {
        d.scheme = Scheme::milstein;
        d.noise = Texts{"x2", "1"};
      },
      "dynamics: the scheme milstein needs a noise j that depends on no coordinate but x_j");
  expect_refused([](Dynamics& d) { d.scheme = Scheme::exact; },
                 "dynamics: the scheme exact needs drifts that are linear in x and do not depend on t");
  expect_refused(
      [](Dynamics& d) {
        d.scheme = Scheme::exact;
        d.drift = {"1 - x1", "-x2"};
        d.noise = Texts{"x1", "x2"};
      },
      "dynamics: the scheme exact needs constant noise, or drifts and noise that are multiples of their own");
  expect_refused(
      [](Dynamics& d) {
        d.scheme = Scheme::exact;
        d.drift = {"x2", "-x1"};
        d.noise = Texts{"x1", "x2"};
      },
      "dynamics: the scheme exact needs constant noise, or drifts and noise that are multiples of their own");
}

TEST(LinearTransitions, OfAHarmonicOscillatorRotate) {
  const Eigen::Matrix2d A{{0.0, 1.0}, {-1.0, 0.0}};
  for (const double h : {0.0, 0.125, 2.0, 50.0}) {
    const LinearTransition found =
        linear_transition(A, Eigen::Vector2d(1.0, 0.0), Eigen::Matrix2d::Zero(), h);
    const Eigen::Matrix2d rotation{{std::cos(h), std::sin(h)}, {-std::sin(h), std::cos(h)}};
    EXPECT_LT((found.F - rotation).cwiseAbs().maxCoeff(), 1e-15) << h;
    EXPECT_LT((found.shift - Eigen::Vector2d(std::sin(h), std::cos(h) - 1.0)).cwiseAbs().maxCoeff(), 1e-15)
        << h;
    EXPECT_EQ(found.factor, Eigen::MatrixXd::Zero(2, 2)) << h;
  }
}

// dX_1 = X_2 dt, dX_2 = X_3 dt, dX_3 = dW: only one coordinate has noise, and the covariance of a short step
// is almost singular.
TEST(LinearTransitions, OfIntegratedBrownianMotionHaveItsCovariance) {
  const Eigen::Matrix3d A{{0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}, {0.0, 0.0, 0.0}};
  Eigen::Matrix3d S = Eigen::Matrix3d::Zero();
  S(2, 2) = 1.0;
  for (const double h : {1e-3, 1.0, 100.0}) {
    const LinearTransition found = linear_transition(A, Eigen::Vector3d::Zero(), S, h);
    const Eigen::Matrix3d expected{{std::pow(h, 5) / 20.0, std::pow(h, 4) / 8.0, std::pow(h, 3) / 6.0},
                                   {std::pow(h, 4) / 8.0, std::pow(h, 3) / 3.0, h * h / 2.0},
                                   {std::pow(h, 3) / 6.0, h * h / 2.0, h}};
    EXPECT_LT(((found.covariance() - expected).array() / expected.array()).abs().maxCoeff(), 1e-13) << h;
    EXPECT_GT(found.factor(2, 2), 0.0) << h;
  }
}

TEST(LinearTransitions, TheLawOfAStationaryMixtureStays) {
  // dX = -X/2 dt + dW keeps N(0, 1), and a stiff coordinate reaches its stationary law in one step.
  const Eigen::Matrix2d A{{-0.5, 0.0}, {0.0, -5e5}};
  const Eigen::Matrix2d S{{1.0, 0.0}, {0.0, 1e6}};
  const LinearTransition found = linear_transition(A, Eigen::Vector2d::Zero(), S, 3.0);
  const Mixture law = found.law(Mixture({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0})));
  EXPECT_LT((law.covariance() - Eigen::Matrix2d::Identity()).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(LinearTransitions, RefuseBadArguments) {
  const Eigen::MatrixXd A = Eigen::MatrixXd::Identity(2, 2);
  const Eigen::VectorXd b = Eigen::VectorXd::Zero(2);
  const auto refused = [&](auto&& call, const std::string& text) { expect_invalid(call, text); };
  refused([&] { linear_transition(A.leftCols(1), b, A, 1.0); },
          "linear_transition: A has shape (2, 1), expected (d, d)");
  refused([&] { linear_transition(A, b.head(1), A, 1.0); }, "linear_transition: b has 1 numbers, expected 2");
  refused([&] { linear_transition(A, b, A.leftCols(1), 1.0); },
          "linear_transition: S has shape (2, 1), expected (2, 2)");
  refused([&] { linear_transition(A, b, A, -1.0); },
          "linear_transition: h must be a finite number >= 0, got -1");
  refused([&] { linear_transition(NAN * A, b, A, 1.0); }, "linear_transition: expected finite numbers");
  Eigen::MatrixXd S = A;
  S(0, 1) = 0.5;
  refused([&] { linear_transition(A, b, S, 1.0); }, "linear_transition: S must be symmetric");
  refused([&] { linear_transition(A, b, A, 1e4); }, "exceeds the range of a double; use smaller steps");
  refused(
      [&] {
        linear_transition(A, b, A, 1.0).law(Mixture({1.0}, Points::Zero(1, 3), Covariance::spherical({1.0})));
      },
      "LinearTransition: the start has dimension 3, expected 2");
}

TEST(VectorFields, HaveTheValuesOfTheirTextsAndTheirDiagonalDerivatives) {
  const VectorField field({"a*x1^2 + t", "sin(x2)*x1"}, "drift", {{"a", 3.0}});
  const Points x{{2.0, 0.5}, {-1.0, 1.5}};
  const Points f = field.value(x, 0.25), slope = field.diagonal_derivative().value(x, 0.25);
  for (Eigen::Index n = 0; n < 2; ++n) {
    EXPECT_DOUBLE_EQ(f(n, 0), 3.0 * x(n, 0) * x(n, 0) + 0.25);
    EXPECT_DOUBLE_EQ(f(n, 1), std::sin(x(n, 1)) * x(n, 0));
    EXPECT_DOUBLE_EQ(slope(n, 0), 6.0 * x(n, 0));
    EXPECT_DOUBLE_EQ(slope(n, 1), std::cos(x(n, 1)) * x(n, 0));
  }
  EXPECT_TRUE(field.depends_on_time() && field.depends_on_position());
  EXPECT_FALSE(field.is_diagonal());
  EXPECT_FALSE(field.affine().has_value());
  expect_invalid([&] { field.value(Points::Zero(1, 3)); }, "points have dimension 3, expected 2");
}

TEST(VectorFields, KnowWhetherTheyAreAffine) {
  const VectorField field({"1 - x1/2", "exp(1)*(x2 + 2)"}, "drift");
  ASSERT_TRUE(field.affine().has_value());
  EXPECT_EQ(field.affine()->slope, (std::vector<double>{-0.5, std::exp(1.0)}));
  EXPECT_DOUBLE_EQ(field.affine()->offset[0], 1.0);
  EXPECT_DOUBLE_EQ(field.affine()->offset[1], 2.0 * std::exp(1.0));
  EXPECT_FALSE(VectorField({"x1*t", "x2"}, "drift").affine().has_value());
  EXPECT_FALSE(VectorField({"x2", "x1"}, "drift").affine().has_value());
  EXPECT_FALSE(VectorField({"abs(x)"}, "drift").affine().has_value());
  EXPECT_EQ(VectorField({"x2 - 1", "3*(x1 + x2/2)"}, "drift").constant_jacobian(),
            (Eigen::MatrixXd{{0.0, 1.0}, {3.0, 1.5}}));
  EXPECT_FALSE(VectorField({"x2", "x1*x2"}, "drift").constant_jacobian().has_value());
  EXPECT_FALSE(VectorField({"x2", "x1*t"}, "drift").constant_jacobian().has_value());
  EXPECT_EQ(VectorField(std::vector<double>{2.0}).constant_jacobian(), Eigen::MatrixXd::Zero(1, 1));
  EXPECT_EQ(VectorField(std::vector<double>{2.0, 3.0}).affine()->offset, (std::vector<double>{2.0, 3.0}));
}

}  // namespace
}  // namespace gmdiff::dynamics_plans
