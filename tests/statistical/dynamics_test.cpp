#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "support/statistics.hpp"

// Orders and laws of the schemes of dynamics (mathematics.md §16.3).

namespace gmdiff::dynamics_laws {
namespace {

constexpr std::int64_t count = 40'000;

Points end_states(Dynamics dynamics, Scheme scheme, int steps, std::int64_t paths = count) {
  dynamics.scheme = scheme;
  dynamics.steps = steps;
  return simulate(dynamics, {.count = paths, .seed = 23, .precision = Precision::f64}).to_double();
}

/// p-value of mean and variance of independent normal values.
double moments_p(const Points& x, double mean, double variance) {
  const auto n = static_cast<double>(x.size());
  const double found = (x.array() - x.mean()).square().sum() / (n - 1.0);
  const double p_mean = test::normal_two_sided_p((x.mean() - mean) * std::sqrt(n / variance));
  const double p_variance = test::normal_two_sided_p((found / variance - 1.0) * std::sqrt((n - 1.0) / 2.0));
  return test::family_wise_p({p_mean, p_variance});
}

TEST(DynamicsLaws, OfTheSineHaveTheMomentsOfTheirRecursions) {
  const auto p = [](int steps, double mean, double variance) {
    return moments_p(end_states(sine_dynamics(), Scheme::euler_maruyama, steps), mean, variance);
  };
  EXPECT_GT(p(500, -0.574332, 0.102564), test::least_p);
  EXPECT_GT(p(50, -0.705098, 0.133333), test::least_p);
  // Planted: the moments of the diffusion itself.
  EXPECT_LT(p(50, -0.561777, 0.1), test::least_p);
}

TEST(DynamicsLaws, OfLinearDriftsHaveTheVariancesOfTheirRecursions) {
  constexpr double a = 0.8, h = 1.0;
  constexpr int steps = 40;
  const Dynamics dynamics{
      .drift = {"-0.8*x"}, .noise = 1.0, .t_end = steps * h, .start = GaussianStart{.std = 1.0}};
  const double factor = 1.0 - a * h + 0.5 * a * a * h * h;
  const double square = (1.0 - 0.5 * a * h) * (1.0 - 0.5 * a * h);
  const double heun = h * square / (1.0 - factor * factor);
  const double sra1 = h * (square + a * a * h * h / 12.0) / (1.0 - factor * factor);
  EXPECT_GT(moments_p(end_states(dynamics, Scheme::heun, steps), 0.0, heun), test::least_p);
  EXPECT_GT(moments_p(end_states(dynamics, Scheme::sra1, steps), 0.0, sra1), test::least_p);
  EXPECT_GT(moments_p(end_states(dynamics, Scheme::exact, steps), 0.0, 0.5 / a), test::least_p);
  // Planted: each scheme against the variance of another.
  EXPECT_LT(moments_p(end_states(dynamics, Scheme::heun, steps), 0.0, sra1), test::least_p);
  EXPECT_LT(moments_p(end_states(dynamics, Scheme::sra1, steps), 0.0, 0.5 / a), test::least_p);
}

/// Root mean square of the difference from the exact states, which have the same increments of W.
double strong_error(Scheme scheme, int steps) {
  const Dynamics dynamics = geometric_brownian(0.5, 0.75);
  const Points difference =
      end_states(dynamics, scheme, steps, 4000) - end_states(dynamics, Scheme::exact, steps, 4000);
  return std::sqrt(difference.squaredNorm() / static_cast<double>(difference.size()));
}

TEST(DynamicsOrders, OfMultiplicativeNoiseAreOneHalfAndOne) {
  const auto order = [](Scheme scheme) {
    return std::log2(strong_error(scheme, 32) / strong_error(scheme, 512)) / 4.0;
  };
  EXPECT_NEAR(order(Scheme::euler_maruyama), 0.5, 0.1);
  // The planted fault of a missing correction would be an order of 1/2.
  EXPECT_NEAR(order(Scheme::milstein), 1.0, 0.1);
}

TEST(DynamicsOrders, OfOdesAreOneTwoAndFour) {
  const Dynamics dynamics{.drift = {"x2", "-x1"}, .t_end = 2.0, .start = PointStart{{1.0, 0.5}}};
  const Eigen::RowVector2d exact(std::cos(2.0) + 0.5 * std::sin(2.0), 0.5 * std::cos(2.0) - std::sin(2.0));
  const auto order = [&](Scheme scheme) {
    const auto error = [&](int steps) { return (end_states(dynamics, scheme, steps, 1) - exact).norm(); };
    return std::log2(error(64) / error(128));
  };
  EXPECT_NEAR(order(Scheme::euler), 1.0, 0.1);
  EXPECT_NEAR(order(Scheme::heun), 2.0, 0.1);
  EXPECT_NEAR(order(Scheme::rk4), 4.0, 0.1);
}

TEST(DynamicsOrders, OfDriftsInTimeAreOneTwoAndFour) {
  // A time that is off by half a step would lower the order to 1.
  const Dynamics dynamics{.drift = {"x*cos(3*t)"}, .t_end = 1.5, .start = PointStart{{1.0}}};
  const double exact = std::exp(std::sin(4.5) / 3.0);
  const auto order = [&](Scheme scheme) {
    const auto error = [&](int steps) {
      return std::abs(end_states(dynamics, scheme, steps, 1)(0, 0) - exact);
    };
    return std::log2(error(128) / error(256));
  };
  EXPECT_NEAR(order(Scheme::euler), 1.0, 0.1);
  EXPECT_NEAR(order(Scheme::heun), 2.0, 0.1);
  EXPECT_NEAR(order(Scheme::rk4), 4.0, 0.1);
}

}  // namespace
}  // namespace gmdiff::dynamics_laws
