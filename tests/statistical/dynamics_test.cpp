#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/device/path_moments.hpp>
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
  // x' = x - 5 h (x - sin 5 t) + sqrt(h) z from 0; without a step, the diffusion at t = 5 (§16.3).
  const auto moments_of = [](int steps) {
    Eigen::Vector2d moments(0.0, 0.0);
    const double h = 5.0 / steps;
    for (int s = 0; s < steps; ++s) {
      moments(0) += 5.0 * h * (std::sin(5.0 * s * h) - moments(0));
      moments(1) = (1.0 - 5.0 * h) * (1.0 - 5.0 * h) * moments(1) + h;
    }
    return moments;
  };
  const Eigen::Vector2d of_diffusion(-0.561777, 0.1);
  EXPECT_LT((moments_of(5000) - Eigen::Vector2d(-0.563018, 0.100251)).cwiseAbs().maxCoeff(), 1e-6);
  EXPECT_LT((moments_of(1'000'000) - of_diffusion).cwiseAbs().maxCoeff(), 1e-5);
  const auto p = [](int steps, const Eigen::Vector2d& moments) {
    return moments_p(end_states(sine_dynamics(), Scheme::euler_maruyama, steps), moments(0), moments(1));
  };
  EXPECT_GT(p(500, moments_of(500)), test::least_p);
  EXPECT_GT(p(50, moments_of(50)), test::least_p);
  EXPECT_LT(p(50, of_diffusion), test::least_p);  // planted
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

TEST(DynamicsLaws, OfAReverseProcessHaveTheMomentsOfTheirRecursion) {
  // From p_T of N(0.5, 0.25) in the process dX = -X/2 dt + dW.
  constexpr double T = 2.0;
  constexpr int steps = 20;
  const auto mean = [](double t) { return 0.5 * std::exp(-0.5 * t); };
  const auto variance = [](double t) { return 0.25 * std::exp(-t) - std::expm1(-t); };
  const auto moments_of = [&](double zeta) {
    Eigen::Vector2d moments(mean(T), variance(T));
    const double h = T / steps, c = 0.5 * (1.0 + zeta * zeta);
    for (int s = 0; s < steps; ++s) {
      const double t = T - s * h, factor = 1.0 + h * (0.5 - c / variance(t));
      moments(0) = factor * moments(0) + h * c * mean(t) / variance(t);
      moments(1) = factor * factor * moments(1) + h * zeta * zeta;
    }
    return moments;
  };
  const Mixture prior({1.0}, Points::Constant(1, 1, 0.5), Covariance::spherical({0.25}));
  const Points ends = end_states(reverse_dynamics(prior, Ou{.T = T}, 0.5), Scheme::euler_maruyama, steps);
  EXPECT_GT(moments_p(ends, moments_of(0.5)(0), moments_of(0.5)(1)), test::least_p);
  EXPECT_LT(moments_p(ends, moments_of(1.0)(0), moments_of(1.0)(1)), test::least_p);  // planted
}

/// Root mean square of the difference from the exact states, which have the same increments of W.
double strong_error(Scheme scheme, int steps) {
  const Dynamics dynamics = geometric_brownian(0.5, 0.75);
  const Points difference =
      end_states(dynamics, scheme, steps, 4000) - end_states(dynamics, Scheme::exact, steps, 4000);
  return std::sqrt(difference.squaredNorm() / static_cast<double>(difference.size()));
}

/// End states on the Brownian motion of a run with `path_steps` steps.
Points shared_ends(Dynamics dynamics, Scheme scheme, int steps, int path_steps, std::int64_t paths) {
  dynamics.path_steps = path_steps;
  return end_states(dynamics, scheme, steps, paths);
}

TEST(SharedPaths, OfABrownianMotionEndAtOnePoint) {
  const Dynamics dynamics{.drift = {"0", "0"},
                          .noise = std::vector<double>{0.5, 2.0},
                          .t_end = 3.0,
                          .start = PointStart{{1.0, -1.0}}};
  constexpr int N = 48;
  const Points fine = end_states(dynamics, Scheme::euler_maruyama, N, 50);
  for (const Scheme scheme :
       {Scheme::euler_maruyama, Scheme::heun, Scheme::sra1, Scheme::milstein, Scheme::exact}) {
    // The normals of a step of sra1 have other numbers.
    const Points expected = scheme == Scheme::sra1 ? end_states(dynamics, scheme, N, 50) : fine;
    for (const int steps : {1, 3, 16, N}) {
      const Points ends = shared_ends(dynamics, scheme, steps, N, 50);
      EXPECT_LT((ends - expected).cwiseAbs().maxCoeff(), 1e-13) << to_string(scheme) << steps;
    }
    // Planted: steps with normals of their own.
    EXPECT_GT((end_states(dynamics, scheme, 16, 50) - expected).cwiseAbs().maxCoeff(), 0.1);
  }
}

TEST(SharedPaths, OfExactStepsAreTheFinePathsAtFewerLevels) {
  const Dynamics coupled{.drift = {"x2", "-x1 - x2 + 1"},
                         .noise = std::vector<double>{0.0, 1.0},
                         .start = PointStart{{1.0, 0.0}}};
  for (const Dynamics& dynamics : {coupled, ornstein_uhlenbeck(0.5)})
    EXPECT_EQ(shared_ends(dynamics, Scheme::exact, 4, 32, 9), end_states(dynamics, Scheme::exact, 32, 9));
}

/// p-value of moments over n normal paths: each mean is normal, and each variance chi^2 / (n - 1) times its
/// expectation, which is normal for this many paths.
double path_moments_p(const Dynamics& dynamics, const std::function<double(double t)>& variance) {
  const PathMoments found = path_moments(
      dynamics_plan(dynamics), {.count = count, .seed = 31, .precision = Precision::f64, .history = 5});
  const auto n = static_cast<double>(count);
  std::vector<double> p;
  for (Eigen::Index level = 1; level < found.mean.rows(); ++level) {  // all paths start at one point
    const double v = variance(found.times[static_cast<std::size_t>(level)]);
    for (Eigen::Index j = 0; j < found.mean.cols(); ++j) {
      p.push_back(test::normal_two_sided_p(found.mean(level, j) * std::sqrt(n / v)));
      const double ratio = found.variance(level, j) / v;
      p.push_back(test::normal_two_sided_p((ratio - 1.0) * std::sqrt((n - 1.0) / 2.0)));
    }
    if (found.mean.cols() < 2) continue;
    // The covariance of independent coordinates has the variance v^2 / n.
    p.push_back(test::normal_two_sided_p(found.covariance(level, 1) * std::sqrt(n) / v));
  }
  return test::family_wise_p(p);
}

TEST(PathMomentsLaws, AreThoseOfBrownianMotionsAndOfOrnsteinUhlenbeckProcesses) {
  Dynamics dynamics = brownian(2, 0.5);
  dynamics.steps = 8;
  EXPECT_GT(path_moments_p(dynamics, [](double t) { return 0.25 * t; }), test::least_p);
  EXPECT_LT(path_moments_p(dynamics, [](double t) { return 0.28 * t; }), test::least_p);  // planted
  dynamics = ornstein_uhlenbeck(2.0);
  dynamics.t_end = 4.0;
  dynamics.steps = 8;
  const auto variance = [](double t) { return -4.0 * std::expm1(-t / 4.0); };
  EXPECT_GT(path_moments_p(dynamics, variance), test::least_p);
  // Planted: the moments of one step earlier.
  EXPECT_LT(path_moments_p(dynamics, [&](double t) { return variance(t - 0.5); }), test::least_p);
}

// With the factors c_S = 1 - a / S of one step, the difference between the end points of S and of N steps of
// Euler and Maruyama, from one point, is a sum of the normals z_i of the N steps with known factors.
TEST(SharedPaths, OfEulerMaruyamaHaveTheStrongErrorOfTheirRecursion) {
  constexpr double a = 0.8;
  constexpr int N = 1024, paths = 4000;
  const Dynamics dynamics{.drift = {"-0.8*x"}, .noise = 1.0, .start = PointStart{{0.0}}};
  const Points fine = end_states(dynamics, Scheme::euler_maruyama, N, paths);
  const auto variance = [](int S) {
    double sum = 0.0;
    for (int i = 0; i < N; ++i) {
      const double of_S = std::pow(1.0 - a / S, S - 1 - i / (N / S));
      const double of_N = std::pow(1.0 - a / N, N - 1 - i);
      sum += (of_S - of_N) * (of_S - of_N) / N;
    }
    return sum;
  };
  for (const int S : {8, 32, 128}) {
    const Points error = shared_ends(dynamics, Scheme::euler_maruyama, S, N, paths) - fine;
    EXPECT_GT(moments_p(error, 0.0, variance(S)), test::least_p) << S;
    // Planted: the error of a step that is a tenth longer.
    EXPECT_LT(moments_p(error, 0.0, 1.21 * variance(S)), test::least_p) << S;
  }
  EXPECT_NEAR(std::log2(variance(8) / variance(32)) / 4.0, 1.0, 0.1);  // the order of this error
}

TEST(SharedPaths, OfSra1KeepItsStrongOrder) {
  const Dynamics dynamics{.drift = {"sin(x) - x"}, .noise = std::vector<std::string>{"1 + t"}};
  constexpr int N = 512, paths = 2000;
  const auto order = [&](Scheme scheme) {
    const Points fine = end_states(dynamics, scheme, N, paths);
    const auto error = [&](int steps) {
      return (shared_ends(dynamics, scheme, steps, N, paths) - fine).norm();
    };
    return std::log2(error(8) / error(32)) / 2.0;
  };
  // The order is at least 3/2. Each logarithm has a deviation of about 1 / sqrt(2 paths) = 0.016.
  EXPECT_GT(order(Scheme::sra1), 1.45);
  // Planted: without the integral of the Brownian motion over a step, the order is 1.
  EXPECT_LT(order(Scheme::euler_maruyama), 1.2);
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
