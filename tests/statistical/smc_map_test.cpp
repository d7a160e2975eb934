#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/sampler/problem.hpp>

// SMC on observations with a map (mathematics.md §10.4): with the exact kernel the mean of Z_hat / Z over
// independent chains is 1 for any number of particles, where quadrature gives Z. The statistic is the
// t-statistic of that mean, which for this many chains has nearly the standard normal law: over 40 000 chains
// of each case Z_hat / Z had standard deviations from 0.09 to 0.24 and no value above 2.5.

namespace gmdiff {
namespace {

constexpr double largest_t = 4.0;
constexpr std::int64_t num_chains = 2000;

struct MapCase {
  std::string name;
  ObservedMixture posterior;
};

std::vector<MapCase> map_cases() {
  const auto range = std::get<NonlinearProblem>(ready_made_problem("course-range"));
  const Mixture line({0.4, 0.6}, Points{{-1.0}, {0.75}}, Covariance::spherical({0.25, 0.5}));
  const Mixture plane({0.5, 0.5}, Points{{-1.0, 0.5}, {1.0, 0.0}},
                      Covariance::diag(Points{{0.5, 1.0}, {0.75, 0.25}}));
  const auto of = [](MapFunction function, Eigen::MatrixXd A) {
    return ElementwiseMap{.function = function, .A = std::move(A)};
  };
  const Eigen::MatrixXd R{{0.25, 0.0625}, {0.0625, 0.125}};
  return {
      {"range", {range.prior, range.observation}},
      {"square", {line, {of(MapFunction::square, Eigen::MatrixXd{{1.0}}), Eigen::VectorXd{{0.75}}, 0.5}}},
      {"exp", {line, {of(MapFunction::exp, Eigen::MatrixXd{{0.75}}), Eigen::VectorXd{{1.5}}, 0.5}}},
      {"tanh",
       {plane,
        {of(MapFunction::tanh, Eigen::MatrixXd{{1.0, 0.5}, {0.25, -1.0}}), Eigen::VectorXd{{0.5, 0.25}}, R}}},
      {"sin", {plane, {of(MapFunction::sin, Eigen::MatrixXd{{1.5, 1.0}}), Eigen::VectorXd{{0.5}}, 0.25}}}};
}

/// The plan of 64 particles and 12 levels.
SmcPlan plan_of(const ObservedMixture& posterior) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  return smc_plan(posterior.prior, posterior.observation, process, TimeGrid::uniform(process, 12),
                  Bootstrap{.particles = 64, .kernel = SmcKernel::exact});
}

/// (mean - 1) / standard error of Z_hat / Z over the chains.
double t_of(const SmcPlan& plan, double log_Z) {
  const SmcSamples samples =
      run(plan, {.count = num_chains, .seed = 5, .device = Device::cpu(), .precision = Precision::f64});
  double sum = 0.0, squares = 0.0;
  for (const double log_evidence : samples.log_evidence()) {
    const double ratio = std::exp(log_evidence - log_Z);
    sum += ratio;
    squares += ratio * ratio;
  }
  const auto n = static_cast<double>(num_chains);
  const double mean = sum / n;
  return (mean - 1.0) / std::sqrt((squares / n - mean * mean) / (n - 1.0));
}

TEST(SmcWithMap, HasUnbiasedEvidence) {
  for (const MapCase& one : map_cases()) {
    const double log_Z = quadrature(Target(one.posterior)).log_normalizer;
    SmcPlan plan = plan_of(one.posterior);
    EXPECT_LE(std::abs(t_of(plan, log_Z)), largest_t) << one.name;
    // Planted: the last factor is the potential at the start's noise instead of the likelihood.
    plan.map->levels.back() = plan.map->levels.front();
    EXPECT_GT(std::abs(t_of(plan, log_Z)), largest_t) << one.name;
  }
}

/// The plan by the denoiser of N(0, tau^2 I), which is linear, as a function.
SmcPlan plan_by_denoiser(const NonlinearObservation& observation, double tau2) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  const HostDenoiser shrink{.id = "shrink", .function = [tau2](const Points& x, Level level, Points& D) {
                              D = level.alpha * tau2 /
                                  (level.alpha * level.alpha * tau2 + level.sigma * level.sigma) * x;
                            }};
  return smc_plan(Denoiser(shrink), observation, process, TimeGrid::uniform(process, 12),
                  Bootstrap{.particles = 64, .start = Start::gaussian});
}

/// Variance at the data of a coordinate of the plan's particles without weights: x_s = (a + b k) x_t + e z.
double end_variance(const SmcPlan& plan, double tau2) {
  double V = plan.start.variance(0);
  for (const SmcStep& step : plan.steps) {
    const auto& move = std::get<AffineStep>(step.move);
    const double alpha = move.level1.alpha, sigma = move.level1.sigma;
    const double k = alpha * tau2 / (alpha * alpha * tau2 + sigma * sigma);
    V = (move.a + move.b_1 * k) * (move.a + move.b_1 * k) * V + move.e * move.e;
  }
  return V;
}

/// log Z under the prior N(0, V I).
double log_evidence_under(double V, const NonlinearObservation& observation) {
  const Mixture prior({1.0}, Points::Zero(1, observation.dim()), Covariance::spherical({V}));
  return quadrature(Target(ObservedMixture{prior, observation})).log_normalizer;
}

// With a custom denoiser Z is the density of y under the law that the discretised chain has at the data.
TEST(SmcWithMapByADenoiser, HasUnbiasedEvidenceUnderTheLawOfItsSteps) {
  for (const MapCase& one : map_cases()) {
    const double tau2 = 0.75;
    const NonlinearObservation& observation = one.posterior.observation;
    SmcPlan plan = plan_by_denoiser(observation, tau2);
    const double log_Z = log_evidence_under(end_variance(plan, tau2), observation);
    EXPECT_LE(std::abs(t_of(plan, log_Z)), largest_t) << one.name;
    // Planted: the last factor is the potential at the noise of the start.
    plan.map->levels.back() = plan.map->levels.front();
    plan.map->variances.back() = plan.map->variances.front();
    EXPECT_GT(std::abs(t_of(plan, log_Z)), largest_t) << one.name;
  }
}

}  // namespace
}  // namespace gmdiff
