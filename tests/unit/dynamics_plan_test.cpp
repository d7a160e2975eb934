#include <algorithm>
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>
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
  add([](Dynamics& d) { d.start = PointStart{{1.0, 2.5}}; });
  add([](Dynamics& d) { d.start = GaussianStart{}; });
  add([](Dynamics& d) { d.start = GaussianStart{.std = 2.0}; });
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
                 "dynamics: the scheme exact needs drifts that are linear in their own coordinate");
  expect_refused(
      [](Dynamics& d) {
        d.scheme = Scheme::exact;
        d.drift = {"1 - x1", "-x2"};
        d.noise = Texts{"x1", "x2"};
      },
      "dynamics: the scheme exact needs constant noise, or drift and noise that are multiples of x");
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
  EXPECT_EQ(VectorField(std::vector<double>{2.0, 3.0}).affine()->offset, (std::vector<double>{2.0, 3.0}));
}

}  // namespace
}  // namespace gmdiff::dynamics_plans
