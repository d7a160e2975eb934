#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/random.hpp"
#include "support/path_batches.hpp"
#include "support/statistics.hpp"
#include "support/trained_samplers.hpp"

// Weights of trained samplers: E[w] = Z and E[1 / w] = 1 / Z (from exact draws) for every method, start law
// and number of components, whatever the parameters are; and an ELBO in closed form. A mean of so many
// weights of deviation below 1 divided by its standard error is a standard normal number; the bound on p is
// that of the other statistical tests.

namespace gmdiff {
namespace {

using test::family_wise_p;
using test::least_p;
using test::normal_two_sided_p;
using test::random_sampler;
using test::scaled_gaussian;
using test::small_sampler;

/// p of a mean of w / Z whose expectation is 1.
double mean_p(const Eigen::ArrayXd& ratio) {
  const double n = static_cast<double>(ratio.size());
  const double error = std::sqrt((ratio - ratio.mean()).square().sum() / (n - 1.0) / n);
  EXPECT_LT(error, 0.02);
  return normal_two_sided_p((ratio.mean() - 1.0) / error);
}

struct WeightedLaw {
  Eigen::Vector2d mean{0.3, -0.4}, std{1.2, 0.8};
  double scale = 3.0;  // Z

  Target target() const { return scaled_gaussian(mean, std, scale); }
  Points draws(Eigen::Index count) const {
    Points x(count, 2);
    for (Eigen::Index i = 0; i < count; ++i) {
      NormalStream normals(
          {.seed = 5, .index = static_cast<std::uint64_t>(i), .purpose = Purpose::draw_noise},
          Precision::f64);
      for (Eigen::Index j = 0; j < 2; ++j)
        x(i, j) = mean(j) + std(j) * normals(static_cast<std::uint64_t>(j));
    }
    return x;
  }
};

TEST(TrainedSamplerWeights, HaveTheMeanZWhateverTheParameters) {
  constexpr Eigen::Index count = 5000;
  const WeightedLaw law;
  const Target target = law.target();
  const Points exact = law.draws(count);
  std::vector<double> p;
  double p_of_fault = 0.0;  // of weights of another density, 10 % off
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const PathPrior prior : {PathPrior::fixed, PathPrior::gp, PathPrior::gmp}) {
      for (const int components : {1, 3, 10}) {
        if (prior != PathPrior::gmp && components > 1) continue;
        SCOPED_TRACE(std::string(to_string(method)) + " " + to_string(prior));
        SamplerSettings settings = small_sampler(method);
        settings.prior = prior;
        settings.components = components;
        settings.step = 0.02;
        settings.means_std = 0.2;
        settings.init_std = 1.1;
        const TrainedSampler sampler(random_sampler(target, settings, 0.05), target);
        const Eigen::ArrayXd forward = sampler.draws(count, 1).log_weights;
        const Eigen::ArrayXd backward = sampler.backward_log_weights(exact, 2);
        const double log_z = std::log(law.scale);
        p.push_back(mean_p((forward - log_z).exp()));
        p.push_back(mean_p((log_z - backward).exp()));
        p_of_fault = std::max(p_of_fault, mean_p((forward - log_z + std::log(1.1)).exp()));
      }
    }
  }
  EXPECT_EQ(p.size(), 50U);
  EXPECT_GT(family_wise_p(p), least_p);
  EXPECT_LT(p_of_fault, least_p / 50.0);
}

/// ELBO of `ula` from N(m0, diag(s0^2)) to a normal target (mathematics.md §17.12).
/// @param late_beta, late_c planted faults: beta and c are taken so many steps later.
double exact_elbo(const SamplerTraining& training, const WeightedLaw& law, Eigen::Index late_beta = 0,
                  Eigen::Index late_c = 0) {
  const Eigen::Index N = training.settings.steps;
  const auto sp = [](double z) { return std::log1p(std::exp(z)); };
  const Eigen::VectorXd& theta = training.parameters;  // mu (2), s (2), dt, fr (2), b (N)
  double S = 0.0, elbo = std::log(law.scale);
  std::vector<double> beta;
  beta.reserve(static_cast<std::size_t>(N));
  for (Eigen::Index n = 0; n < N; ++n) beta.push_back(S += sp(theta(7 + n)));
  for (double& of : beta) of /= S;
  for (Eigen::Index j = 0; j < 2; ++j) {
    const double m0 = theta(j), s0 = sp(theta(2 + j)), m = law.mean(j), tau = law.std(j);
    double sum = 0.0, M = m0, V = s0 * s0;
    const auto at = [&](Eigen::Index n, double& kp, double& c) {  // f_n = -kp (x - c)
      const double at_n = beta[static_cast<std::size_t>(std::min(n + late_beta, N - 1))];
      kp = at_n / (tau * tau) + (1.0 - at_n) / (s0 * s0);
      c = (at_n * m / (tau * tau) + (1.0 - at_n) * m0 / (s0 * s0)) / kp;
    };
    double kp = 0.0, c = 0.0;
    at(0, kp, c);
    for (Eigen::Index n = 0; n < N; ++n) {
      const double t = static_cast<double>(N - n - late_c) / static_cast<double>(N);
      const double wave = std::cos(0.5 * std::numbers::pi * (1.008 - t) / 1.008);
      const double eta = sp(theta(4)) * (0.99 * wave * wave + 0.01) / sp(theta(5 + j));
      double next_kp = 0.0, next_c = 0.0;
      at(n + 1, next_kp, next_c);
      const double M_next = M - eta * kp * (M - c);
      const double gb = -kp * (M - c) - next_kp * (M_next - next_c);
      const double slope = kp + next_kp * (1.0 - eta * kp);
      sum += -eta * next_kp + 0.25 * eta * (gb * gb + slope * slope * V + 2.0 * eta * next_kp * next_kp);
      V = (1.0 - eta * kp) * (1.0 - eta * kp) * V + 2.0 * eta;
      M = M_next;
      kp = next_kp;
      c = next_c;
    }
    sum += 0.5 * std::log(tau * tau / (s0 * s0)) - 0.5 + 0.5 * (V + (M - m) * (M - m)) / (tau * tau);
    elbo -= sum;
  }
  return elbo;
}

/// `ula` far from its target, with uneven annealing.
SamplerTraining ula_training(const Target& target) {
  SamplerSettings settings = small_sampler(PathMethod::ula);
  settings.prior = PathPrior::gp;
  settings.step = 0.2;
  settings.steps = 12;
  settings.init_std = 1.5;
  SamplerTraining training = random_sampler(target, settings);
  training.parameters.head(2) << 3.0, -3.0;
  for (Eigen::Index n = 0; n < 12; ++n)
    training.parameters(7 + n) = 2.0 * std::sin(2.0 * static_cast<double>(n));
  return training;
}

TEST(TrainedSamplerWeights, ElboOfUlaIsThatOfTheClosedForm) {
  const WeightedLaw law;
  const Target target = law.target();
  const SamplerTraining training = ula_training(target);
  const PathSummary of = forward_summary(TrainedSampler(training, target).draws(20'000, 3).log_weights);
  EXPECT_GT(normal_two_sided_p((of.bound - exact_elbo(training, law)) / of.bound_error), least_p);
  EXPECT_LT(of.bound, std::log(law.scale) - 0.05);
  for (const auto& [late_beta, late_c] : {std::pair<int, int>{1, 0}, {0, 1}}) {
    const double off = of.bound - exact_elbo(training, law, late_beta, late_c);
    EXPECT_LT(normal_two_sided_p(off / of.bound_error), least_p);
  }
}

/// p of the gradient's means over 400 batches, entry by entry (mu, s, dt, fr), against derivatives of the
/// closed form. A mean over its standard error has Student's law with 399 degrees of freedom, whose tails are
/// those of the normal law up to a factor 2 at this bound.
double gradient_p(const SamplerTraining& training, const WeightedLaw& law, const Target& target) {
  constexpr int batches = 400;
  ThreadPool pool(1);
  network::PathSweep<double> sweep(training.settings, target, pool);
  sweep.assign(training.parameters, training.networks);
  Points gradients(batches, 7);
  Eigen::VectorXd log_w;
  network::PathGradient gradient;
  for (int b = 0; b < batches; ++b) {
    sweep.loss(test::streamed_batch<double>(training.settings, static_cast<std::uint32_t>(b + 1)), log_w,
               gradient);
    gradients.row(b) = gradient.parameters.head(7).transpose();
  }
  std::vector<double> p;
  p.reserve(7);
  for (Eigen::Index i = 0; i < 7; ++i) {
    constexpr double h = 1e-5;
    SamplerTraining above = training, below = training;
    above.parameters(i) += h;
    below.parameters(i) -= h;
    const double exact = -(exact_elbo(above, law) - exact_elbo(below, law)) / (2.0 * h);
    const Eigen::ArrayXd values = gradients.col(i);
    const double error = std::sqrt((values - values.mean()).square().sum() / (batches - 1.0) / batches);
    p.push_back(normal_two_sided_p((values.mean() - exact) / error));
  }
  return family_wise_p(p);
}

TEST(TrainedSamplerWeights, MeanGradientOfUlaIsThatOfTheClosedForm) {
  const WeightedLaw law;
  const Target target = law.target();
  SamplerTraining training = ula_training(target);
  training.settings.batch = 64;
  EXPECT_GT(gradient_p(training, law, target), least_p);
  training.settings.detach_target_score = true;  // a biased gradient
  EXPECT_LT(gradient_p(training, law, target), least_p);
}

}  // namespace
}  // namespace gmdiff
