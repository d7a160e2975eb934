#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include <gtest/gtest.h>
#include <Eigen/LU>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/random.hpp"
#include "device/devices_under_test.hpp"
#include "support/golden.hpp"

// golden/mcgdiff.json: one step of MCGdiff for given particles, the tilted start, and the evidence of
// linear-Gaussian chains.

namespace gmdiff {
namespace {

using test::json;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::uint64_t seed = 11;

/// The levels of all one-step cases, from noisy to clean, in n = sigma / alpha, including those of the pins.
const std::vector<double> levels{3.0, 1.5, 0.75, 0.5, 0.25, 0.125, 0.0};

TimeGrid grid_of(const ForwardProcess& process, const std::vector<double>& n) {
  std::vector<double> t;
  for (const double value : n) t.push_back(static_cast<double>(process.time_of_noise_to_signal(value)));
  return TimeGrid::list(process, t);
}

/// Observes the first coordinates, each with noise n_i.
LinearObservation observation_of(const json& one, Eigen::Index dim) {
  const Eigen::VectorXd y = test::vector(one["y"]), n = test::vector(one["noise_to_signal"]);
  return {Eigen::MatrixXd::Identity(y.size(), dim), y,
          Eigen::MatrixXd(n.array().square().matrix().asDiagonal())};
}

Mcgdiff sampler_of(const json& one) {
  Mcgdiff sampler;
  sampler.variant = one["variant"] == "A" ? Mcgdiff::Variant::A : Mcgdiff::Variant::C;
  sampler.kappa = test::number(one["kappa"]);
  if (one.contains("eta")) sampler.eta = test::number(one["eta"]);
  return sampler;
}

double log_normaliser(double variance) { return -0.5 * std::log(2.0 * std::numbers::pi * variance); }

/// Sum of the logs of the normalisers of a potential with added variance.
double log_normaliser(const Potential& g, double added) {
  double sum = 0.0;
  for (Eigen::Index i = 0; i < g.variance.size(); ++i)
    sum += g.variance(i) < inf ? log_normaliser(g.variance(i) + added) : 0.0;
  return sum;
}

bool is_one_step(const json& one) { return one.contains("kernel_mean"); }

/// The step of a one-step case within the plan of its chain.
struct OneStep {
  SmcPlan plan;
  std::size_t number;

  explicit OneStep(const json& one) : number(0) {
    const ForwardProcess process = vp(LinearBeta{});
    const Mixture prior = test::mixture(one);
    plan =
        smc_plan(prior, observation_of(one, prior.dim()), process, grid_of(process, levels), sampler_of(one));
    const double n_t = test::number(one["sigma_t"]) / test::number(one["alpha_t"]);
    while (std::abs(levels[number] - n_t) > 1e-9) ++number;
  }
  const SmcStep& step() const { return plan.steps[number]; }
  const AffineStep& affine() const { return std::get<AffineStep>(step().move); }

  /// The same chain cut down to this step and one particle that starts at x.
  SmcPlan from(const Eigen::VectorXd& x) const {
    SmcPlan cut = plan;
    cut.steps = {step()};
    cut.times = {1.0, 0.0};
    cut.start = {.mean = x, .variance = Eigen::VectorXd::Zero(x.size()), .mixture = {}};
    cut.particles = 1;
    cut.log_constant =
        log_normaliser(step().at_s, affine().e * affine().e) - log_normaliser(step().divided, 0.0);
    return cut;
  }
};

void expect_variances(const Eigen::VectorXd& actual, const json& expected) {
  for (Eigen::Index i = 0; i < actual.size(); ++i) {
    const json& value = expected[static_cast<std::size_t>(i)];
    if (value.is_null()) {
      EXPECT_EQ(actual(i), inf) << i;
    } else {
      EXPECT_NEAR(actual(i), test::number(value), 1e-12) << i;
    }
  }
}

TEST(GoldenMcgdiff, PotentialsAndKernelOfAStep) {
  for (const json& one : test::load_golden("mcgdiff")["cases"]) {
    if (!is_one_step(one)) continue;
    SCOPED_TRACE(one["name"].get<std::string>());
    const OneStep step(one);
    EXPECT_NEAR(step.affine().e * step.affine().e, test::number(one["kernel_variance"]), 1e-12);
    expect_variances(step.step().at_s.variance, one["potential_variance_s"]);
    // The factors of t that are also active at s are divided out.
    json divided = one["potential_variance_t"];
    bool any_active = false;
    for (std::size_t i = 0; i < divided.size(); ++i) {
      if (!one["active_s"][i].get<bool>()) divided[i] = nullptr;
      any_active = any_active || one["active_s"][i].get<bool>();
    }
    expect_variances(step.step().divided.variance, divided);
    EXPECT_EQ(step.step().is_weighted, any_active);
  }
}

class GoldenMcgdiffOnDevices : public test::EveryDevice {};

TEST_P(GoldenMcgdiffOnDevices, WeightsAndMovesOfAStep) {
  for (const json& one : test::load_golden("mcgdiff")["cases"]) {
    if (!is_one_step(one)) continue;
    SCOPED_TRACE(one["name"].get<std::string>());
    const OneStep step(one);
    const Points x = test::matrix(one["x"]), z = test::matrix(one["z"]),
                 expected = test::matrix(one["x_next_no_resampling"]);
    const Eigen::VectorXd gain = test::vector(one["gain"]),
                          weights = test::vector(one["log_incremental_weights"]);
    for (Eigen::Index n = 0; n < x.rows(); ++n) {
      const SmcSamples result =
          run(step.from(x.row(n).transpose()),
              {.count = 1, .seed = seed, .device = GetParam(), .precision = Precision::f64});
      // Noise of the run in place of the file's: the move is linear in it, with deviation sqrt(K v), or nu
      // where nothing is observed.
      NormalStream noise({.seed = seed, .index = 0, .purpose = Purpose::step_noise}, Precision::f64);
      for (Eigen::Index i = 0; i < x.cols(); ++i) {
        const bool is_tilted = i < gain.size() && step.step().at_s.variance(i) < inf;
        const double deviation =
            is_tilted ? std::sqrt(gain(i) * step.step().at_s.variance(i)) : step.affine().e;
        const double moved = expected(n, i) + deviation * (noise(static_cast<std::uint64_t>(i)) - z(n, i));
        EXPECT_NEAR(result.to_double()(0, i), moved, 1e-12 * std::max(1.0, std::abs(moved))) << n << ' ' << i;
      }
      // An unweighted step adds nothing to the evidence.
      const double weight = step.step().is_weighted ? result.log_evidence()[0] : 0.0;
      EXPECT_NEAR(weight, weights(n), 1e-12 * std::max(1.0, std::abs(weights(n)))) << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, GoldenMcgdiffOnDevices, testing::ValuesIn(test::devices_under_test()),
                         test::device_name);

TEST(GoldenMcgdiff, TiltedStart) {
  for (const json& one : test::load_golden("mcgdiff")["cases"]) {
    if (!one.contains("log_Z0")) continue;
    const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 20.0});
    const double n_T = test::number(one["sigma_t"]) / test::number(one["alpha_t"]);
    const TimeGrid grid = grid_of(process, {n_T, 0.75, 0.25, 0.0});
    Mcgdiff sampler = sampler_of(one);
    sampler.start = Start::gaussian;
    const Mixture prior({1.0}, Points::Zero(1, 2), Covariance::spherical({1.0}));
    const SmcPlan plan = smc_plan(prior, observation_of(one, 2), process, grid, sampler);
    expect_variances(plan.at_start.variance, one["potential_variance_t"]);
    expect_variances(plan.start.mean, one["initial_mean_observed"]);
    expect_variances(plan.start.variance, one["initial_variance_observed"]);
    // The plan's constant without those of its steps and pins is log Z_0.
    double log_Z0 = plan.log_constant;
    for (const SmcStep& step : plan.steps) {
      const double e = std::get<AffineStep>(step.move).e;
      log_Z0 -= log_normaliser(step.at_s, e * e) - log_normaliser(step.divided, 0.0);
    }
    for (const double alpha : test::vector(one["tau_alpha"])) log_Z0 -= std::log(alpha);
    EXPECT_NEAR(log_Z0, test::number(one["log_Z0"]), 1e-12);
  }
}

/// The evidence of a chain with one Gaussian component: its law is propagated from level to level and
/// conditioned where a potential stays in the target, at a pin or at the end.
double evidence_of_chain(const SmcPlan& plan, const Mixture& prior, const Level& first) {
  const Eigen::Index d = plan.dim();
  Eigen::VectorXd m = Eigen::VectorXd::Zero(d);
  Eigen::MatrixXd P = first.sigma * first.sigma * Eigen::MatrixXd::Identity(d, d);
  double log_Z = 0.0;
  const Eigen::VectorXd mu = prior.means().row(0).transpose();
  const Eigen::MatrixXd Sigma = prior.component_covariance(0);
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const auto& step = std::get<AffineStep>(plan.steps[s].move);
    const Level& t = step.level1;
    // D(x) = mu + G (x - alpha mu)
    const Eigen::MatrixXd C = t.alpha * t.alpha * Sigma + t.sigma * t.sigma * Eigen::MatrixXd::Identity(d, d);
    const Eigen::MatrixXd G = t.alpha * Sigma * C.inverse();
    const Eigen::MatrixXd F = step.a * Eigen::MatrixXd::Identity(d, d) + step.b_1 * G;
    m = F * m + step.b_1 * (mu - t.alpha * (G * mu));
    P = F * P * F.transpose() + step.e * step.e * Eigen::MatrixXd::Identity(d, d);
    const Potential& g = plan.steps[s].at_s;
    for (Eigen::Index i = 0; i < g.variance.size(); ++i) {
      const bool goes_on = s + 1 < plan.steps.size() && plan.steps[s + 1].at_s.variance(i) < inf;
      if (goes_on || !(g.variance(i) < inf)) continue;
      const double S = P(i, i) + g.variance(i), residual = g.centre(i) - m(i);
      log_Z += log_normaliser(S) - 0.5 * residual * residual / S;
      const Eigen::VectorXd K = P.col(i) / S;
      m += K * residual;
      P -= K * P.row(i);
    }
  }
  return log_Z;
}

TEST(GoldenMcgdiff, LinearGaussianChainsHaveTheirEvidence) {
  int chains = 0;
  for (const json& one : test::load_golden("mcgdiff")["cases"]) {
    if (!one.contains("log_Z_chain")) continue;
    SCOPED_TRACE(one["name"].get<std::string>() + " " + one["variant"].get<std::string>());
    const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 20.0});
    const Eigen::VectorXd mean = test::vector(one["prior_mean"]);
    const Mixture prior({1.0}, Points(mean.transpose()),
                        Covariance::full({test::matrix(one["prior_covariance"])}));
    const Eigen::VectorXd n = test::vector(one["levels_n"]);
    const TimeGrid grid = grid_of(process, {n.begin(), n.end()});
    Mcgdiff sampler = sampler_of(one);
    sampler.start = Start::gaussian;
    const SmcPlan plan = smc_plan(prior, observation_of(one, prior.dim()), process, grid, sampler);
    EXPECT_EQ(plan.steps.size() + 1, static_cast<std::size_t>(n.size()))
        << "the levels of the pins are on the grid";
    const Level first{.alpha = test::vector(one["levels_alpha"])(0),
                      .sigma = test::vector(one["levels_sigma"])(0)};
    EXPECT_NEAR(evidence_of_chain(plan, prior, first), test::number(one["log_Z_chain"]), 1e-12 * 10.0);
    ++chains;
  }
  EXPECT_EQ(chains, 9);
}

}  // namespace
}  // namespace gmdiff
