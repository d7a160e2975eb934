#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/plan/plan.hpp>

#include "plan/dual_averaging.hpp"
#include "support/golden.hpp"
#include "support/statistics.hpp"

// The laws of Markov chains (mathematics.md §12): variances on a Gaussian in closed form, the exact law of
// methods that accept and reject, and their acceptance. Chains are independent, so their last states are a
// sample.

namespace gmdiff {
namespace {

using test::least_p;
using test::mean_p;
using test::variance_p;

constexpr std::int64_t chains = 40'000;

Samples last_states(const Mixture& target, const McmcSampler& sampler) {
  return run(mcmc_plan(target, sampler), {.count = chains, .seed = 17, .precision = Precision::f64});
}

Mixture centred_gaussian(double s) { return {{1.0}, Points::Zero(1, 1), Covariance::spherical({s * s})}; }

// Long enough to forget the start.
ChainRun long_run(int steps) { return {.steps = steps, .start = Start::exact}; }

// The leapfrogs of a normal law turn by the angle a with cos a = 1 - h^2 / 2, so ten of them with
// a = 2 pi / 10 lead back to the start.
TEST(ChainLaws, JitterLeavesClosedOrbits) {
  Hmc hmc{.step = 2.0 * std::sin(std::acos(-1.0) / 10.0), .run = {.steps = 20, .start_std = 2.0}};
  const Mixture target = centred_gaussian(1.0);
  EXPECT_GT(variance_p(last_states(target, hmc).to_double().col(0), 4.0), least_p) << "that of the start";
  hmc.jitter = true;
  EXPECT_GT(variance_p(last_states(target, hmc).to_double().col(0), 1.0), least_p);
}

TEST(ChainLaws, OfAGaussianHaveTheVariancesOfTheirDiscretisation) {
  constexpr double s = 1.5, s2 = s * s;
  const Mixture target = centred_gaussian(s);
  const auto p = [&](const McmcSampler& sampler, double expected) {
    return variance_p(last_states(target, sampler).to_double().col(0), expected);
  };
  const double h = 1.2;
  EXPECT_GT(p(Ula{.step = h, .run = long_run(100)}, s2 / (1.0 - h / (4.0 * s2))), least_p);
  EXPECT_GT(p(Ula{.step = h / 2.0, .speed = 2.0, .run = long_run(100)}, s2 / (1.0 - h / (4.0 * s2))),
            least_p);
  EXPECT_GT(p(Baoab{.step = h, .run = long_run(150)}, s2), least_p);
  EXPECT_GT(p(Obabo{.step = h, .run = long_run(150)}, s2 / (1.0 - h * h / (4.0 * s2))), least_p);
  EXPECT_GT(p(Mala{.step = h, .run = long_run(20)}, s2), least_p);
  EXPECT_GT(p(Hmc{.step = h, .leapfrogs = 3, .run = long_run(20)}, s2), least_p);
  EXPECT_GT(p(OrnsteinUhlenbeck{.step = h, .run = long_run(3)}, s2), least_p);
  // Exact transitions from N(0, 1) have the variance of the diffusion at every time, here 3 h.
  const OrnsteinUhlenbeck young{.step = h, .run = {.steps = 3}};
  EXPECT_GT(p(young, s2 + std::exp(-3.0 * h / s2) * (1.0 - s2)), least_p);
  EXPECT_LT(p(young, s2), least_p);  // planted: the variance of the target
  // Planted: the variance of the target for a chain that is biased, by 15 %.
  EXPECT_LT(p(Ula{.step = h, .run = long_run(100)}, s2), least_p);
}

TEST(ChainMoments, HaveTheSpreadOfAnAutoregression) {
  // ULA on N(0, 1) is x' = phi x + sqrt(h) z, and the variance of the mean of S stationary states is known.
  constexpr double h = 0.4, phi = 1.0 - h / 2.0;
  constexpr int S = 200, num_chains = 4000;
  const Ula ula{.step = h, .run = {.warmup = 100, .steps = S, .output = ChainOutput::moments}};
  const Samples samples = run(mcmc_plan(centred_gaussian(1.0), ula),
                              {.count = num_chains, .seed = 17, .precision = Precision::f64});
  const double stationary = h / (1.0 - phi * phi);
  const double time =
      (1.0 + phi) / (1.0 - phi) - 2.0 * phi * (1.0 - std::pow(phi, S)) / (S * (1.0 - phi) * (1.0 - phi));
  const double error2 = stationary * time / S;
  const Eigen::VectorXd means = samples.moments()->mean.col(0);
  EXPECT_GT(variance_p(means, error2), least_p);
  EXPECT_LT(variance_p(means, stationary / S), least_p);  // planted: states as if they were independent
  const PooledMoments found = pooled(*samples.moments());
  EXPECT_GT(test::normal_two_sided_p(found.mean(0) / found.standard_error(0)), least_p);
  EXPECT_NEAR(found.standard_error(0) / std::sqrt(error2 / num_chains), 1.0,
              5.0 / std::sqrt(2.0 * num_chains));
  // Squares of the states forget faster than the states.
  const double time_of_squares = (1.0 + phi * phi) / (1.0 - phi * phi);
  const double of_variance =
      stationary * std::sqrt(2.0 * time_of_squares / (static_cast<double>(S) * num_chains));
  EXPECT_GT(test::normal_two_sided_p((found.variance(0) - stationary) / of_variance), least_p);
  EXPECT_LT(test::normal_two_sided_p((found.variance(0) - 1.0) / of_variance), least_p);  // planted: unbiased
}

TEST(ChainLaws, OfAMetropolisedVelocityNeedItsReversal) {
  // At this step 40 % of the proposals are rejected, and without the reversal the variance is 1.30.
  const Obabo obabo{.step = 1.8, .friction = 0.02, .metropolis = true, .run = long_run(300)};
  const Samples found = last_states(centred_gaussian(1.0), obabo);
  EXPECT_GT(variance_p(found.to_double().col(0), 1.0), least_p);
}

TEST(ChainLaws, OfMethodsThatAcceptAndRejectAreThoseOfTheTarget) {
  const Mixture target(
      {0.3, 0.7}, Points{{-1.0, 0.5}, {1.0, -0.5}},
      Covariance::full({Eigen::Matrix2d{{0.5, 0.2}, {0.2, 0.4}}, Eigen::Matrix2d{{0.3, -0.1}, {-0.1, 0.6}}}));
  ChainRun run{.steps = 30, .start = Start::exact};
  run.preconditioner = Eigen::Matrix2d{{0.8, 0.0}, {0.3, 0.7}};
  const auto p = [&](const McmcSampler& sampler) {
    const Points x = last_states(target, sampler).to_double();
    std::vector<double> values;
    for (const Eigen::Vector2d& u : {Eigen::Vector2d(1.0, 0.0), Eigen::Vector2d(0.6, 0.8)}) {
      const Mixture line = target.push_forward(u.transpose(), Eigen::VectorXd::Zero(1));
      const Eigen::VectorXd cdf = line.cdf(x * u);
      values.push_back(test::kolmogorov_smirnov_p({cdf.begin(), cdf.end()}));
    }
    return test::family_wise_p(values);
  };
  EXPECT_GT(p(Mala{.step = 0.8, .run = run}), least_p);
  EXPECT_GT(p(Hmc{.step = 0.7, .leapfrogs = 4, .run = run}), least_p);
  EXPECT_GT(p(Obabo{.step = 0.8, .friction = 0.3, .metropolis = true, .run = run}), least_p);
  // Planted: the same proposals without the decision.
  EXPECT_LT(p(Ula{.step = 0.8, .run = run}), least_p);
}

/// Mean acceptance of MALA on N(0, I_d), P(|x'| < |x|) = F_{d,d} of a ratio of the axes (golden file).
TEST(ChainLaws, MalaAcceptsOnAGaussianAsItsClosedFormSays) {
  const test::json file = test::load_golden("langevin_closed");
  const auto is_acceptance = [](const test::json& of) { return of["name"] == "mala_acceptance_gaussian"; };
  const auto rows = std::ranges::find_if(file["cases"], is_acceptance)->at("rows");
  for (const test::json& row : rows) {
    const Eigen::Index d = row["dim"];
    const Mixture target({1.0}, Points::Zero(1, d), Covariance::spherical({1.0}));
    const Samples found = last_states(target, Mala{.step = row["step"], .run = long_run(20)});
    const Eigen::Map<const Eigen::VectorXd> p(found.acceptance()->probability.data(), chains);
    EXPECT_GT(mean_p(p, row["mean_acceptance"]), least_p) << row;
    EXPECT_LT(mean_p(p, row["mean_acceptance"].get<double>() + 0.01), least_p) << row;  // planted
  }
}

/// Chains in one of the two components of a mixture: their steps, acceptance, and the mean and the square of
/// (x - mu) / s over the states of each.
struct ChainsOfMode {
  std::vector<double> steps, acceptance, means, squares;
};

ChainsOfMode chains_at(const Samples& samples, double mean, double s) {
  const ChainMoments& moments = *samples.moments();
  const double n = static_cast<double>(moments.steps);
  ChainsOfMode found;
  for (Eigen::Index c = 0; c < moments.mean.rows(); ++c) {
    const double u = (moments.mean(c, 0) - mean) / s;
    if (std::abs(u) > 100.0) continue;
    const Acceptance& acceptance = *samples.acceptance();
    if (!acceptance.step.empty()) found.steps.push_back(acceptance.step[static_cast<std::size_t>(c)]);
    found.acceptance.push_back(acceptance.probability[static_cast<std::size_t>(c)]);
    found.means.push_back(u);
    found.squares.push_back((n - 1.0) / n * moments.variance(c, 0) / (s * s) + u * u);
  }
  return found;
}

Eigen::Map<const Eigen::VectorXd> as_vector(const std::vector<double>& values) {
  return {values.data(), std::ssize(values)};
}

/// z of the difference of two means of independent values, with their own standard errors.
double difference_z(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const auto squared_error = [](const Eigen::VectorXd& values) {
    const auto n = static_cast<double>(values.size());
    return (values.array() - values.mean()).square().sum() / (n - 1.0) / n;
  };
  return (a.mean() - b.mean()) / std::sqrt(squared_error(a) + squared_error(b));
}

/// MALA on N(0, 1) from exact starts, straight from the formulas of §12.2 and §12.3 and with other random
/// numbers: the step h of each chain after its warm-up, and its mean acceptance probability later.
struct AdaptedChains {
  Eigen::VectorXd steps, acceptance;

  AdaptedChains(Eigen::Index num_chains, int warmup, int steps_after)
      : steps(num_chains), acceptance(Eigen::VectorXd::Zero(num_chains)) {
    std::mt19937_64 generator(5);
    std::normal_distribution<double> normal;
    for (Eigen::Index c = 0; c < num_chains; ++c) {
      double x = normal(generator);
      const double z = normal(generator);
      const auto at = [&](const Eigen::VectorXd& eps) {
        return Eigen::VectorXd::Constant(1, probability(x, proposed(x, eps(0), z), eps(0), z)).eval();
      };
      DualAveraging averaging(crossing_steps(1, at)(0), target_acceptance(Mala{}));
      for (int s = 0; s < warmup + steps_after; ++s) {
        const bool adapts = s < warmup;
        const double eps = std::exp(adapts ? averaging.log_step() : averaging.log_average());
        const double noise = normal(generator), to = proposed(x, eps, noise);
        const double p = probability(x, to, eps, noise);
        if (adapts) averaging.add(p);
        if (!adapts) acceptance(c) += p / steps_after;
        if (std::uniform_real_distribution<double>()(generator) < p) x = to;
      }
      steps(c) = std::exp(2.0 * averaging.log_average());
    }
  }

 private:
  static double proposed(double x, double eps, double z) { return x - 0.5 * eps * eps * x + eps * z; }
  static double probability(double x, double to, double eps, double z) {
    const double q = -0.5 * eps * (x + to);
    return std::min(1.0, std::exp(0.5 * (x * x - to * to) - q * z - 0.5 * q * q));
  }
};

TEST(ChainLaws, ChainsWithTheirOwnStepsFitTheModesThatTheyAreIn) {
  constexpr double narrow = 0.125, wide = 8.0, at = 5000.0;
  const Mixture target({0.5, 0.5}, Points{{-at}, {at}},
                       Covariance::spherical({narrow * narrow, wide * wide}));
  const auto states = [&](Mala mala) {
    mala.run.steps = 500;
    mala.run.output = ChainOutput::moments;
    mala.run.start = Start::exact;
    return run(mcmc_plan(target, mala), {.count = 400, .seed = 11, .precision = Precision::f64});
  };
  const Samples own = states({.adapt = StepAdaptation::chain, .run = {.warmup = 500}});
  const ChainsOfMode left = chains_at(own, -at, narrow), right = chains_at(own, at, wide);
  ASSERT_EQ(left.steps.size() + right.steps.size(), 400U);
  const AdaptedChains expected(600, 500, 500);
  std::vector<double> p;
  for (const auto& [mode, s] : {std::pair(&left, narrow), std::pair(&right, wide)}) {
    const Eigen::VectorXd steps = as_vector(mode->steps) / (s * s);
    p.push_back(test::normal_two_sided_p(difference_z(steps, expected.steps)));
    p.push_back(test::normal_two_sided_p(difference_z(as_vector(mode->acceptance), expected.acceptance)));
    p.push_back(mean_p(as_vector(mode->means), 0.0));
    p.push_back(mean_p(as_vector(mode->squares), 1.0));
    // Planted: steps that are a tenth longer.
    EXPECT_LT(test::normal_two_sided_p(difference_z(1.1 * steps, expected.steps)), least_p);
  }
  EXPECT_GT(test::family_wise_p(p), least_p);
  // Planted: the step of the wide mode for all chains.
  const Samples same = states({.step = as_vector(right.steps).mean()});
  EXPECT_LT(as_vector(chains_at(same, -at, narrow).acceptance).mean(), 0.1);
}

TEST(ChainLaws, OfTargetsThatAreNoMixturesHaveTheirMoments) {
  const auto second_moment_p = [](const Target& target, const McmcSampler& sampler) {
    const Points x = sample(target, sampler, {.count = chains, .seed = 17}).to_double();
    std::vector<double> values;
    const CoordinateMoments exact = *target.moments();
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      values.push_back(mean_p(x.col(j), exact.mean(j)));
      values.push_back(mean_p((x.col(j).array() - exact.mean(j)).square().matrix(), exact.variance(j)));
    }
    return test::family_wise_p(values);
  };
  EXPECT_GT(second_moment_p(SinGaussian{.dim = 2}, Mala{.step = 0.5, .run = {.steps = 200}}), least_p);
  EXPECT_GT(second_moment_p(Banana{.scale = 1.0, .curvature = 0.3}, Hmc{.step = 0.2, .run = {.steps = 100}}),
            least_p);
  EXPECT_GT(second_moment_p(ManyWell{.wells = 1, .delta = 1.0, .dim = 2},
                            Mala{.step = 0.3, .run = {.steps = 200, .start_std = 0.5}}),
            least_p);
  // Planted: the biased chain.
  EXPECT_LT(second_moment_p(SinGaussian{.dim = 2}, Ula{.step = 0.1, .run = {.steps = 200}}), least_p);
}

/// p-value of Kolmogorov and Smirnov for draws against the density exp(l), integrated by the trapezoid rule.
double law_p(const Target& target, Eigen::VectorXd x) {
  constexpr Eigen::Index points = 20'000;
  const Points grid = Eigen::VectorXd::LinSpaced(points, -10.0, 10.0);
  const Eigen::VectorXd density = target.log_density(grid).array().exp();
  Eigen::VectorXd integral = Eigen::VectorXd::Zero(points);
  for (Eigen::Index i = 1; i < points; ++i)
    integral(i) = integral(i - 1) + 0.5 * (density(i - 1) + density(i));
  std::vector<double> cdf;
  for (const double value : x) {
    const double place = (value + 10.0) / 20.0 * static_cast<double>(points - 1);
    const auto i = static_cast<Eigen::Index>(place);
    const double rest = place - static_cast<double>(i);
    cdf.push_back(((1.0 - rest) * integral(i) + rest * integral(i + 1)) / integral(points - 1));
  }
  return test::kolmogorov_smirnov_p(cdf);
}

/// exp(-3/2 |x| - (x - 1)^2 / (2 0.75^2)): laplace_gauss_1d of golden/regularised.json.
Regularised laplace_prior() {
  return {
      .prior = {.weight = 1.5},
      .observation = {ElementwiseMap{.A = Eigen::MatrixXd::Identity(1, 1)}, Eigen::VectorXd::Ones(1), 0.75}};
}

/// Mean and variance of the stationary law of `myula` on `laplace_prior`, by the trapezoid rule: p <- K p
/// with the kernel K(x' | x) = N(x'; x + (h/2) b(x), h).
Eigen::Vector2d stationary_moments(double theta, double h) {
  constexpr Eigen::Index n = 351;
  const Eigen::VectorXd x = Eigen::VectorXd::LinSpaced(n, -3.0, 4.0);
  const double dx = x(1) - x(0);
  Eigen::MatrixXd K(n, n);
  for (Eigen::Index j = 0; j < n; ++j) {
    const double prox = std::copysign(std::max(std::abs(x(j)) - 1.5 * theta, 0.0), x(j));
    const double b = (1.0 - x(j)) / (0.75 * 0.75) - (x(j) - prox) / theta;
    K.col(j) = (-(x.array() - x(j) - 0.5 * h * b).square() / (2.0 * h)).exp() * dx /
               std::sqrt(2.0 * std::numbers::pi * h);
  }
  Eigen::VectorXd p = (-(x.array() - 0.5).square() / 0.7).exp();
  for (int step = 0; step < 4.0 / h; ++step) {
    p = K * p;
    p /= p.sum();
  }
  const double mean = p.dot(x);
  return {mean, p.dot((x.array() - mean).square().matrix())};
}

TEST(ChainLaws, OfProximalChainsAreThoseOfTheirKernel) {
  const auto p = [](const Myula& myula, const Eigen::Vector2d& expected) {
    const Samples samples =
        run(mcmc_plan(laplace_prior(), myula), {.count = 10'000, .seed = 17, .precision = Precision::f64});
    const PooledMoments found = pooled(*samples.moments());
    const Eigen::VectorXd x = samples.to_double().col(0);
    return test::family_wise_p(
        {test::normal_two_sided_p((found.mean(0) - expected(0)) / found.standard_error(0)),
         mean_p((x.array() - expected(0)).square().matrix(), expected(1))});
  };
  // The smoothing and the step together change the mean by 19 %, 2 % and 0.2 %.
  const Eigen::Vector2d expected[] = {{0.5745, 0.4372}, {0.4929, 0.3393}, {0.4843, 0.3255}};
  const Eigen::Vector2d exact(0.4835723897844833, 0.32406541477393674);
  const double thetas[] = {0.5625, 0.1, 0.01};
  for (std::size_t n = 0; n < 3; ++n) {
    const double theta = thetas[n], h = 0.5 * theta;
    const Eigen::Vector2d moments = stationary_moments(theta, h);
    EXPECT_LT((moments - expected[n]).cwiseAbs().maxCoeff(), 2e-3) << moments.transpose();
    const ChainRun run{.warmup = static_cast<int>(4.0 / h), .steps = 400, .output = ChainOutput::moments};
    EXPECT_GT(p({.theta = theta, .step = h, .run = run}, moments), least_p) << theta;
    if (n == 2) continue;                                                   // hardly biased
    EXPECT_LT(p({.theta = theta, .step = h, .run = run}, exact), least_p);  // planted: the target
  }
}

TEST(ChainLaws, OfProximalChainsThatAcceptAndRejectAreThoseOfTheTarget) {
  const auto p = [](bool metropolis) {
    const Myula myula{.theta = 0.4, .step = 0.4, .metropolis = metropolis, .run = {.steps = 60}};
    return law_p(laplace_prior(),
                 sample(laplace_prior(), myula, {.count = chains, .seed = 17}).to_double().col(0));
  };
  EXPECT_GT(p(true), least_p);
  EXPECT_LT(p(false), least_p);  // planted: the biased chain
}

TEST(TargetDraws, HaveTheLawOfTheTarget) {
  const SinGaussian rippled{.amplitude = 3.0, .phase = 1.0, .frequency = 2.0};
  const auto draws = [](const Target& target) { return target.draws(chains, 3).col(0).eval(); };
  EXPECT_GT(law_p(rippled, draws(rippled)), least_p);
  SinGaussian without_ripple = rippled;
  without_ripple.amplitude = 0.0;
  EXPECT_LT(law_p(rippled, draws(without_ripple)), least_p);  // planted
  const std::vector<Target> targets{Banana{.scale = 1.0, .curvature = 0.3}, Funnel{.scale = 0.5, .dim = 3}};
  for (const Target& target : targets) {
    const Points x = target.draws(chains, 3);
    const CoordinateMoments exact = *target.moments();
    std::vector<double> values;
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      values.push_back(mean_p(x.col(j), exact.mean(j)));
      values.push_back(mean_p(x.col(j).array().square().matrix(), exact.variance(j)));
    }
    EXPECT_GT(test::family_wise_p(values), least_p) << name_of(target.description());
  }
}

}  // namespace
}  // namespace gmdiff
