#include <cmath>
#include <functional>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

// Orders of convergence of the deterministic samplers on a mixture, against the probability-flow ODE solved by the classical Runge-Kutta
// method from the same starts: mean error over the particles, 40 to 320 steps (mathematics.md §5), 80 to 640 for
// methods of order 3 and more.
//
// The first step of dpmpp-3m has an error of second order in the step, that of unipc-3 of third order, both
// in proportion to (alpha_T / sigma_T)^2. Their full orders appear in runs from almost pure noise, the lower
// ones in runs from a start that still shows the data.

namespace gmdiff {
namespace {

constexpr double tolerance = 0.1;
constexpr double tolerance_of_high_orders = 0.15;
constexpr int more_steps = 80;
constexpr std::int64_t num_particles = 64;

Mixture mixture() {
  return {
      {0.3, 0.7},
      Points{{-1.0, 0.5}, {1.0, -0.5}},
      Covariance::full({Eigen::MatrixXd{{0.5, 0.2}, {0.2, 0.8}}, Eigen::MatrixXd{{1.0, -0.3}, {-0.3, 0.6}}})};
}

/// dx/dt = p x + q D(x, t) (§2.3).
Points velocity(const Mixture& law, const ForwardProcess& process, const Points& x, double t) {
  return process.p(t) * x + process.q(t) * law.denoiser(x, process.level(t));
}

/// The ODE from t_start to t_end, in equal steps of log t, which suits its 1 / t near the data.
Points solve(const Mixture& law, const ForwardProcess& process, Points x, double t_start, double t_end) {
  constexpr int steps = 2000;
  const double h = std::log(t_end / t_start) / steps;
  const auto slope = [&](const Points& state, double log_t) -> Points {
    return std::exp(log_t) * velocity(law, process, state, std::exp(log_t));
  };
  for (int i = 0; i < steps; ++i) {
    const double log_t = std::log(t_start) + i * h;
    const Points k1 = slope(x, log_t);
    const Points k2 = slope(x + 0.5 * h * k1, log_t + 0.5 * h);
    const Points k3 = slope(x + 0.5 * h * k2, log_t + 0.5 * h);
    const Points k4 = slope(x + h * k3, log_t + h);
    x += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
  }
  return x;
}

/// Slope of log error against log steps between `fewest` steps and eight times as many.
double order(const Sampler& sampler, const ForwardProcess& process,
             const std::function<GridDescription(int)>& grid, double t_end, int fewest = 40) {
  const Mixture law = mixture();
  const Points start =
      draw(law, {.count = num_particles, .seed = 11, .precision = Precision::f64}, process.level(process.T()))
          .to_double();
  const Points exact = solve(law, process, start, process.T(), t_end);
  const auto error = [&](int steps) {
    const Options options{.count = num_particles, .precision = Precision::f64, .start = start};
    const Points end = sample(law, process, TimeGrid(process, grid(steps)), sampler, options).to_double();
    return (end - exact).rowwise().norm().mean();
  };
  return std::log2(error(fewest) / error(8 * fewest)) / 3.0;
}

double order_in_t(const Sampler& sampler, const ForwardProcess& process, double t_end) {
  return order(
      sampler, process, [t_end](int steps) { return UniformGrid{.steps = steps, .t_end = t_end}; }, t_end);
}

double order_in_log_snr(const Sampler& sampler, const ForwardProcess& process, double t_end,
                        int fewest = 40) {
  const auto grid = [t_end](int steps) {
    return LogSnrGrid{.steps = steps, .t_end = t_end, .end_at_data = false};
  };
  return order(sampler, process, grid, t_end, fewest);
}

const ForwardProcess variance_preserving = vp(LinearBeta{.min = 0.5, .max = 4.0});
const ForwardProcess variance_exploding{Edm{.T = 8.0}};
const ForwardProcess preserving_from_noise = vp(LinearBeta{.min = 0.1, .max = 20.0});
const ForwardProcess exploding_from_noise{Edm{.T = 80.0}};

TEST(Convergence, EulerInTIsOfOrderOne) {
  EXPECT_NEAR(order_in_t(Euler{}, variance_preserving, 0.2), 1.0, tolerance);
  EXPECT_NEAR(order_in_t(Euler{}, variance_exploding, 1.0), 1.0, tolerance);
}

TEST(Convergence, HeunInTIsOfOrderTwo) {
  EXPECT_NEAR(order_in_t(Heun{}, variance_preserving, 0.2), 2.0, tolerance);
  EXPECT_NEAR(order_in_t(Heun{}, variance_exploding, 1.0), 2.0, tolerance);
}

TEST(Convergence, DdimIsOfOrderOne) {
  EXPECT_NEAR(order_in_log_snr(Ddim{}, variance_preserving, 0.05), 1.0, tolerance);
  EXPECT_NEAR(order_in_log_snr(Ddim{}, variance_exploding, 0.1), 1.0, tolerance);
}

TEST(Convergence, HeunInNIsOfOrderTwo) {
  EXPECT_NEAR(order_in_log_snr(Heun{.variable = Heun::Variable::n}, variance_preserving, 0.05), 2.0,
              tolerance);
  EXPECT_NEAR(order_in_log_snr(Heun{.variable = Heun::Variable::n}, variance_exploding, 0.1), 2.0, tolerance);
}

TEST(Convergence, DpmSolver2sIsOfOrderTwo) {
  for (const double r : {0.5, 0.75, 1.0}) {
    EXPECT_NEAR(order_in_log_snr(Dpmpp2s{.r = r}, variance_preserving, 0.05), 2.0, tolerance) << "r " << r;
    EXPECT_NEAR(order_in_log_snr(Dpmpp2s{.r = r}, variance_exploding, 0.1), 2.0, tolerance) << "r " << r;
  }
}

TEST(Convergence, DpmSolver2mIsOfOrderTwo) {
  EXPECT_NEAR(order_in_log_snr(Dpmpp2m{}, variance_preserving, 0.05), 2.0, tolerance);
  EXPECT_NEAR(order_in_log_snr(Dpmpp2m{}, variance_exploding, 0.1), 2.0, tolerance);
}

TEST(Convergence, DpmSolver3mIsOfOrderThreeFromNoise) {
  EXPECT_NEAR(order_in_log_snr(Dpmpp3m{}, preserving_from_noise, 0.05, more_steps), 3.0,
              tolerance_of_high_orders);
  EXPECT_NEAR(order_in_log_snr(Dpmpp3m{}, exploding_from_noise, 0.1, more_steps), 3.0,
              tolerance_of_high_orders);
}

TEST(Convergence, DpmSolver3mIsOfOrderTwoFromAStartThatShowsTheData) {
  EXPECT_NEAR(order_in_log_snr(Dpmpp3m{}, variance_preserving, 0.2, more_steps), 2.0, tolerance);
}

TEST(Convergence, UniPc3IsOfOrderFourFromNoise) {
  EXPECT_NEAR(order_in_log_snr(Unipc3{}, preserving_from_noise, 0.05, more_steps), 4.0,
              tolerance_of_high_orders);
  EXPECT_NEAR(order_in_log_snr(Unipc3{}, exploding_from_noise, 0.1, more_steps), 4.0,
              tolerance_of_high_orders);
}

TEST(Convergence, UniPc3IsOfOrderThreeFromAStartThatShowsTheData) {
  EXPECT_NEAR(order_in_log_snr(Unipc3{}, variance_preserving, 0.2, more_steps), 3.0,
              tolerance_of_high_orders);
}

}  // namespace
}  // namespace gmdiff
