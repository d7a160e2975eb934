#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/probability_flow.hpp>

#include "support/expect_invalid.hpp"

// Probability flows and generators beyond their golden values.

namespace gmdiff::flows {
namespace {

using test::expect_invalid;

Mixture two_components() {
  return {{0.25, 0.75}, Points{{-1.0, 0.5}, {1.0, 0.0}}, Covariance::diag(Points{{0.5, 0.25}, {0.125, 1.0}})};
}

TEST(ProbabilityFlows, AreTheSameFunctionOnBothSidesOfEqualSignalAndNoise) {
  const Mixture law = two_components();
  const ForwardProcess flow(RectifiedFlow{});
  const Points x{{0.25, -0.5}, {1.5, 2.0}};
  // v = (x - D) / t for a rectified flow, whose signal and noise are equal at t = 1/2.
  for (const double t : {0.25, 0.499, 0.5, 0.75, 1.0}) {
    const Points expected = (x - law.denoiser(x, flow.level(t))) / t;
    const ProbabilityFlow found = probability_flow(law, flow, x, t);
    EXPECT_LT((found.velocity - expected).cwiseAbs().maxCoeff(), 1e-12) << t;
    for (Eigen::Index n = 0; n < 2; ++n) {
      constexpr double step = 1e-5;
      double divergence = 0.0;
      for (Eigen::Index j = 0; j < 2; ++j) {
        Points after = x.row(n), before = x.row(n);
        after(0, j) += step;
        before(0, j) -= step;
        divergence += (probability_flow(law, flow, after, t).velocity(0, j) -
                       probability_flow(law, flow, before, t).velocity(0, j)) /
                      (2.0 * step);
      }
      EXPECT_NEAR(found.divergence(n), divergence, 1e-7) << t;
    }
  }
}

TEST(ProbabilityFlows, ExistAtTheData) {
  const Points x{{0.25, -0.5}};
  // f = -1/2 and g = 1 at every time
  const ProbabilityFlow found = probability_flow(two_components(), ForwardProcess(Ou{}), x, 0.0);
  const Points expected = -0.5 * x - 0.5 * two_components().score(x);
  EXPECT_LT((found.velocity - expected).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(ProbabilityFlows, RefuseWhatTheyCannotCompute) {
  const Mixture law = two_components();
  const Points x{{0.25, -0.5}};
  const auto one = [](double) { return 1.0; };
  expect_invalid(
      [&] {
        probability_flow(
            law, ForwardProcess(CustomProcess{.alpha = one, .sigma = [](double t) { return t; }}), x, 0.5);
      },
      "probability_flow: the process custom has no derivatives");
  EXPECT_THROW(probability_flow(law, ForwardProcess(Ou{}), x, -1.0), std::invalid_argument);
  const Mixture point({1.0}, Points::Zero(1, 2), Covariance::spherical({0.0}));
  EXPECT_THROW(probability_flow(point, ForwardProcess(Ou{}), x, 0.0), std::domain_error);
}

TEST(Generators, UseEveryKindOfNoise) {
  const Points x{{0.5, -1.25}, {2.0, 0.25}};
  const Expression F("x1^2*x2 + sin(x2)", {.dim = 2});
  const auto expected = [&](Eigen::Index n, double s1, double s2) {
    const double a = x(n, 0), b = x(n, 1);
    return b * 2.0 * a * b - a * (a * a + std::cos(b)) + 0.5 * (s1 * s1 * 2.0 * b - s2 * s2 * std::sin(b));
  };
  const auto found = [&](const DynamicsNoise& noise) {
    return generator({.drift = {"x2", "-x1"}, .noise = noise}, F, x, 0.5);
  };
  for (Eigen::Index n = 0; n < 2; ++n) {
    EXPECT_NEAR(found(0.0)(n), expected(n, 0.0, 0.0), 1e-13);
    EXPECT_NEAR(found(0.75)(n), expected(n, 0.75, 0.75), 1e-13);
    EXPECT_NEAR(found(std::vector<double>{0.5, 2.0})(n), expected(n, 0.5, 2.0), 1e-13);
    EXPECT_NEAR(found(std::vector<std::string>{"x1", "t"})(n), expected(n, x(n, 0), 0.5), 1e-13);
  }
}

TEST(Generators, RefuseOtherFunctions) {
  const Dynamics dynamics{.drift = {"x2", "-x1"}};
  const Points x = Points::Zero(1, 2);
  expect_invalid([&] { generator(dynamics, Expression("x"), x); },
                 "generator: the function has dimension 1, the dynamics 2");
  expect_invalid([&] { generator(dynamics, Expression("x1*t", {.dim = 2, .time = true}), x); },
                 "generator: the function must not depend on t");
  expect_invalid([&] { generator(dynamics, Expression("x1", {.dim = 2}), Points::Zero(1, 3)); },
                 "generator: points have dimension 3, expected 2");
}

}  // namespace
}  // namespace gmdiff::flows
