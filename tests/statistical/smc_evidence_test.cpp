#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/LU>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/random.hpp"
#include "device/reference/resampling.hpp"
#include "support/golden.hpp"
#include "support/statistics.hpp"

// The evidence of SMC is unbiased for any number of particles: the mean of Z_hat / Z over independent chains
// is 1. The statistic is the t-statistic of that mean, which for this many chains has the standard normal
// law; it must stay within 4. The chains are the light-tailed ones of golden/mcgdiff.json, whose Z_hat has a
// standard deviation that 1e5 chains can average. Three planted faults must exceed this band.

namespace gmdiff {
namespace {

using test::json;

constexpr double largest_t = 4.0;

struct Mean {
  double value, standard_error;
  double t(double expected) const { return (value - expected) / standard_error; }
};

Mean mean_of(const std::vector<double>& values) {
  double sum = 0.0, squares = 0.0;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) sum += value;
  for (const double value : values) squares += (value - sum / n) * (value - sum / n);
  return {sum / n, std::sqrt(squares / (n - 1.0) / n)};
}

/// Z_hat / Z of each chain.
std::vector<double> ratios(const std::vector<double>& log_evidence, double log_Z) {
  std::vector<double> list;
  for (const double value : log_evidence) list.push_back(std::exp(value - log_Z));
  return list;
}

/// A linear-Gaussian chain of the golden file.
struct LinearGaussian {
  std::string name;
  Mixture prior;
  SmcPlan plan;
  double log_Z;
};

LinearGaussian chain_of(const json& one, int particles) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 20.0});
  std::vector<double> times;
  for (const json& n : one["levels_n"])
    times.push_back(static_cast<double>(process.time_of_noise_to_signal(test::number(n))));
  const Eigen::VectorXd y = test::vector(one["y"]), n = test::vector(one["noise_to_signal"]);
  Mixture prior({1.0}, Points(test::vector(one["prior_mean"]).transpose()),
                Covariance::full({test::matrix(one["prior_covariance"])}));
  const LinearObservation observation(Eigen::MatrixXd::Identity(y.size(), prior.dim()), y,
                                      Eigen::MatrixXd(n.array().square().matrix().asDiagonal()));
  Mcgdiff sampler{.particles = particles, .kappa = test::number(one["kappa"]), .start = Start::gaussian};
  sampler.variant = one["variant"] == "A" ? Mcgdiff::Variant::A : Mcgdiff::Variant::C;
  SmcPlan plan = smc_plan(prior, observation, process, TimeGrid::list(process, times), sampler);
  // The file has the chain's own Z; a pin of A stands for alpha_tau times it (mathematics.md §7.6).
  double log_Z = test::number(one["log_Z_chain"]);
  if (sampler.variant == Mcgdiff::Variant::A) log_Z += 0.5 * std::log(1.0 / (1.0 + n(0) * n(0)));
  return {one["variant"].get<std::string>() + " kappa " + std::to_string(sampler.kappa), std::move(prior),
          std::move(plan), log_Z};
}

std::vector<LinearGaussian> light_tailed_chains(int particles) {
  std::vector<LinearGaussian> chains;
  for (const json& one : test::load_golden("mcgdiff")["cases"]) {
    if (one["name"] == "linear_gaussian_chain_light_tailed") chains.push_back(chain_of(one, particles));
  }
  return chains;
}

struct Size {
  int particles;
  std::int64_t chains;
};

class UnbiasedEvidence : public testing::TestWithParam<Size> {};

TEST_P(UnbiasedEvidence, OfLinearGaussianChains) {
  for (const Resampling scheme :
       {Resampling::systematic, Resampling::stratified, Resampling::multinomial, Resampling::residual}) {
    for (const double threshold : {1.0, 0.5}) {
      for (LinearGaussian& chain : light_tailed_chains(GetParam().particles)) {
        chain.plan.resampling = scheme;
        chain.plan.ess_threshold = threshold;
        const SmcSamples samples =
            run(chain.plan, {.count = GetParam().chains, .seed = 21, .device = Device::cpu()});
        const Mean mean = mean_of(ratios(samples.log_evidence(), chain.log_Z));
        EXPECT_LE(std::abs(mean.t(1.0)), largest_t)
            << chain.name << ": " << mean.value << " +- " << mean.standard_error << " scheme "
            << static_cast<int>(scheme) << " threshold " << threshold;
        EXPECT_LE(mean.standard_error, 0.0025) << chain.name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, UnbiasedEvidence, testing::Values(Size{4, 100'000}, Size{64, 20'000}),
                         [](const auto& size) { return "N" + std::to_string(size.param.particles); });

/// First particles that have the law of the plan's Gaussian start, but are drawn elsewhere.
Points drawn_elsewhere(const SmcPlan& plan, std::int64_t chains) {
  Points states(chains * plan.particles, plan.dim());
  NormalStream stream({.seed = 22, .index = 0, .purpose = Purpose::user}, Precision::f64);
  std::uint64_t m = 0;
  for (auto x : states.rowwise()) {
    Eigen::VectorXd rotated = plan.start.mean;
    for (Eigen::Index i = 0; i < plan.dim(); ++i)
      rotated(i) += std::sqrt(plan.start.variance(i)) * stream(m++);
    x = (plan.V * rotated).transpose();
  }
  return states;
}

TEST(GivenStarts, HaveAnUnbiasedEvidenceIfTheyHaveTheLawOfTheDraws) {
  constexpr std::int64_t count = 20'000;
  for (const LinearGaussian& chain : light_tailed_chains(16)) {
    Options options{.count = count, .seed = 21, .device = Device::cpu()};
    options.start = drawn_elsewhere(chain.plan, count);
    const Mean mean = mean_of(ratios(run(chain.plan, options).log_evidence(), chain.log_Z));
    EXPECT_LE(std::abs(mean.t(1.0)), largest_t)
        << chain.name << ": " << mean.value << " +- " << mean.standard_error;
    EXPECT_LE(mean.standard_error, 0.005) << chain.name;
    *options.start *= 1.5;  // another law leaves the band
    const Mean other = mean_of(ratios(run(chain.plan, options).log_evidence(), chain.log_Z));
    EXPECT_GT(std::abs(other.t(1.0)), largest_t) << chain.name;
  }
}

// --- planted faults ----------------------------------------------------------------------------------------

enum class Fault { none, uniforms_one_half, potential_of_t_off, gain_variance_from_nu };

/// Variant C on one Gaussian component in the plane, written again so that faults can be planted; the first
/// coordinate is observed.
class FaultyChain {
 public:
  FaultyChain(Fault fault, const LinearGaussian& chain)
      : fault_(fault), plan_(chain.plan), mu_(chain.prior.means().row(0).transpose()) {
    const Eigen::Matrix2d Sigma = chain.prior.component_covariance(0);
    for (const SmcStep& step : plan_.steps) {
      const Level& t = std::get<AffineStep>(step.move).level1;
      const Eigen::Matrix2d C = t.alpha * t.alpha * Sigma + t.sigma * t.sigma * Eigen::Matrix2d::Identity();
      gains_.emplace_back(t.alpha * Sigma * C.inverse());
    }
  }

  double log_evidence(std::uint64_t index) const {
    const auto N = static_cast<std::size_t>(plan_.particles);
    std::vector<NormalStream> noise;
    std::vector<Eigen::Vector2d> x;
    for (std::size_t n = 0; n < N; ++n) {
      noise.emplace_back(StreamKey{.seed = 5, .index = index * N + n, .purpose = Purpose::user},
                         Precision::f64);
      x.emplace_back(plan_.start.mean + plan_.start.variance.cwiseSqrt().cwiseProduct(normals(noise[n], 0)));
    }
    double log_Z = plan_.log_constant;
    for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
      const reference::NormalisedWeights weights = reference::normalised(weigh(s, x, log_Z));
      log_Z += weights.log_sum - std::log(static_cast<double>(N));
      const auto uniform = [&](std::int64_t i) -> long double {
        if (fault_ == Fault::uniforms_one_half) return 0.5L;
        const StreamKey key{
            .seed = 6, .index = index * N + static_cast<std::uint64_t>(i), .purpose = Purpose::user};
        return std::ldexp(static_cast<long double>(uniform_u64(key, s)), -64);
      };
      const std::vector<std::uint32_t> ancestors =
          reference::ancestors(Resampling::systematic, weights.W, uniform(0), uniform);
      const std::vector<Eigen::Vector2d> m = x;
      for (std::size_t n = 0; n < N; ++n) x[n] = moved(s, m[ancestors[n]], normals(noise[n], s + 1));
    }
    return log_Z;
  }

 private:
  static Eigen::Vector2d normals(NormalStream& stream, std::uint64_t number) {
    return {stream(2 * number), stream(2 * number + 1)};
  }

  /// Returns the log-weights; replaces x by m.
  std::vector<double> weigh(std::size_t s, std::vector<Eigen::Vector2d>& x, double& log_Z) const {
    const auto& step = std::get<AffineStep>(plan_.steps[s].move);
    const bool off = fault_ == Fault::potential_of_t_off;
    const double v_t = plan_.steps[s].divided.variance(0) * (off ? 1.02 : 1.0);
    if (off) log_Z += 0.5 * std::log(1.02);  // the normaliser of a factor belongs to it
    const double v = step.e * step.e + plan_.steps[s].at_s.variance(0);
    std::vector<double> lw;
    for (Eigen::Vector2d& particle : x) {
      const double before = particle(0) - plan_.steps[s].divided.centre(0);
      particle = step.a * particle + step.b_1 * (mu_ + gains_[s] * (particle - step.level1.alpha * mu_));
      const double after = particle(0) - plan_.steps[s].at_s.centre(0);
      lw.push_back(before * before / (2.0 * v_t) - after * after / (2.0 * v));
    }
    return lw;
  }

  Eigen::Vector2d moved(std::size_t s, const Eigen::Vector2d& m, const Eigen::Vector2d& z) const {
    const double nu = std::get<AffineStep>(plan_.steps[s].move).e;
    const double v = plan_.steps[s].at_s.variance(0), K = nu * nu / (nu * nu + v);
    const double deviation = fault_ == Fault::gain_variance_from_nu ? nu : std::sqrt(K * v);
    return {K * plan_.steps[s].at_s.centre(0) + (1.0 - K) * m(0) + deviation * z(0), m(1) + nu * z(1)};
  }

  Fault fault_;
  const SmcPlan& plan_;
  Eigen::Vector2d mu_;
  std::vector<Eigen::Matrix2d> gains_;
};

double t_with(Fault fault, std::uint64_t chains) {
  const LinearGaussian chain = light_tailed_chains(4).front();
  const FaultyChain faulty(fault, chain);
  std::vector<double> log_evidence;
  for (std::uint64_t c = 0; c < chains; ++c) log_evidence.push_back(faulty.log_evidence(c));
  return mean_of(ratios(log_evidence, chain.log_Z)).t(1.0);
}

TEST(UnbiasedEvidence, IsLostByPlantedFaults) {
  constexpr std::uint64_t chains = 30'000;  // a third of the above: the faults are large
  EXPECT_LE(std::abs(t_with(Fault::none, chains)), largest_t);
  EXPECT_LT(t_with(Fault::uniforms_one_half, chains), -largest_t);
  EXPECT_GT(t_with(Fault::potential_of_t_off, chains), largest_t);
  EXPECT_GT(std::abs(t_with(Fault::gain_variance_from_nu, chains)), largest_t);
}

// --- the exact kernel --------------------------------------------------------------------------------------

struct MixtureCase {
  Mixture prior{
      {0.6, 0.4},
      Points{{0.0, 0.0}, {2.0, 2.0}},
      Covariance::full({Eigen::Matrix2d{{0.5, 0.2}, {0.2, 0.4}}, Eigen::Matrix2d{{0.8, -0.3}, {-0.3, 0.6}}})};
  LinearObservation observation{Eigen::MatrixXd{{1.0, 0.5}}, Eigen::VectorXd{{1.5}}, 0.4};
  ForwardProcess process = vp(LinearBeta{});
  TimeGrid grid = TimeGrid::uniform(process, 14);  // 15 levels
};

TEST(ExactKernel, HasTheEvidenceAndMomentsOfTheExactPosterior) {
  const MixtureCase c;
  const Posterior exact = posterior(c.prior, c.observation);
  for (const Mcgdiff::Variant variant : {Mcgdiff::Variant::C, Mcgdiff::Variant::A}) {
    // A pin of variance kappa is an observation with noise n^2 + kappa / alpha_tau^2: small enough to go
    // unseen.
    const Mcgdiff sampler{.particles = 16, .variant = variant, .kappa = 0.0, .kernel = SmcKernel::exact};
    const SmcSamples samples = sample(c.prior, c.observation, c.process, c.grid, sampler,
                                      {.count = 40'000, .seed = 3, .device = Device::cpu()});
    const Mean mean = mean_of(ratios(samples.log_evidence(), exact.log_evidence));
    EXPECT_LE(std::abs(mean.t(1.0)), largest_t) << mean.value << " +- " << mean.standard_error;
    EXPECT_LE(mean.standard_error, 0.005);

    // Chains weighted by their evidence have no bias: moments of x, x x^T against the exact ones, in standard
    // errors of the ratio.
    const Points x = samples.to_double();
    const Eigen::VectorXd m = exact.mixture.mean();
    const Eigen::MatrixXd S = exact.mixture.covariance() + m * m.transpose();
    const std::vector<double> W = samples.chain_weights();
    const auto z_of = [&](auto f, double expected) {
      double value = 0.0, variance = 0.0;
      for (Eigen::Index n = 0; n < x.rows(); ++n) value += W[static_cast<std::size_t>(n)] * f(n);
      for (Eigen::Index n = 0; n < x.rows(); ++n)
        variance += std::pow(W[static_cast<std::size_t>(n)] * (f(n) - value), 2);
      return (value - expected) / std::sqrt(variance);
    };
    for (Eigen::Index i = 0; i < 2; ++i) {
      EXPECT_LE(std::abs(z_of([&](Eigen::Index n) { return x(n, i); }, m(i))), largest_t) << i;
      for (Eigen::Index j = 0; j <= i; ++j) {
        EXPECT_LE(std::abs(z_of([&](Eigen::Index n) { return x(n, i) * x(n, j); }, S(i, j))), largest_t)
            << i << j;
      }
    }
  }
}

TEST(ExactKernel, KnowsWhitenedTallAndCoordinateWiseObservations) {
  const Eigen::MatrixXd A{{1.0, 0.0, 0.0}, {0.5, 0.5, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}};
  const Eigen::VectorXd y{{0.1, 0.2, -0.3, 0.4}};
  Eigen::MatrixXd R = 0.3 * Eigen::MatrixXd::Identity(4, 4);
  R(0, 1) = R(1, 0) = 0.1;
  const Mixture prior({0.5, 0.5}, Points{{0.1, 0.2, 0.3}, {0.5, -0.5, 0.0}},
                      Covariance::spherical({0.7, 0.4}));
  const LinearObservation coordinates(Eigen::MatrixXd{{0.0, 2.0, 0.0}, {0.0, 0.0, -1.0}},
                                      Eigen::VectorXd{{0.5, 0.1}}, Eigen::MatrixXd{{0.04, 0.0}, {0.0, 0.0}});
  const ForwardProcess process = vp(LinearBeta{});
  for (const LinearObservation& of :
       {LinearObservation(A, y, R), LinearObservation(A, y, 0.5), coordinates}) {
    const Mcgdiff sampler{.particles = 256, .kernel = SmcKernel::exact};
    const SmcSamples samples = sample(prior, of, process, TimeGrid::uniform(process, 30), sampler,
                                      {.count = 2000, .seed = 8, .device = Device::cpu()});
    const Mean mean = mean_of(ratios(samples.log_evidence(), posterior(prior, of).log_evidence));
    EXPECT_LE(std::abs(mean.t(1.0)), largest_t) << mean.value << " +- " << mean.standard_error;
    EXPECT_LE(mean.standard_error, 0.05);  // an omitted constant would cause a far larger error
  }
}

TEST(Bootstrap, HasUnbiasedEvidenceToo) {
  const MixtureCase c;
  const double log_Z = posterior(c.prior, c.observation).log_evidence;
  const Bootstrap sampler{.particles = 16, .kernel = SmcKernel::exact};
  const SmcSamples samples = sample(c.prior, c.observation, c.process, c.grid, sampler,
                                    {.count = 40'000, .seed = 4, .device = Device::cpu()});
  const Mean mean = mean_of(ratios(samples.log_evidence(), log_Z));
  EXPECT_LE(std::abs(mean.t(1.0)), largest_t) << mean.value << " +- " << mean.standard_error;
}

// --- nearly exact observations -----------------------------------------------------------------------------

/// Error of the log-evidence for observation noise from 1 to none. The band is 0.5; the discretised chain's
/// own error and the spread of 200 chains (standard error below 0.05) take less than half of it.
void expect_evidence_within_half(const Mcgdiff& sampler,
                                 const std::function<LinearObservation(double)>& observation,
                                 const TimeGrid& grid) {
  const MixtureCase c;
  for (const double noise : {1.0, 0.3, 0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 1e-12, 1e-30, 0.0}) {
    const LinearObservation of = observation(noise);
    const SmcSamples samples =
        sample(c.prior, of, c.process, grid, sampler, {.count = 200, .seed = 9, .device = Device::cpu()});
    EXPECT_NEAR(samples.mean_log_evidence(), posterior(c.prior, of).log_evidence, 0.5) << "noise " << noise;
    EXPECT_LT(samples.log_evidence_sd() / std::sqrt(200.0), 0.05) << "noise " << noise;
    EXPECT_TRUE(samples.provenance().warnings.empty()) << "noise " << noise;
  }
}

TEST(NearlyExactObservations, HaveTheEvidenceThatThePosteriorHas) {
  const MixtureCase c;
  const auto one = [](double noise) {
    return LinearObservation(Eigen::MatrixXd{{1.0, 0.5}}, Eigen::VectorXd{{1.5}}, noise);
  };
  const auto all = [](double noise) {
    return LinearObservation(Eigen::Matrix2d::Identity(), Eigen::VectorXd{{0.3, 0.6}}, noise);
  };
  const auto one_of_two = [](double noise) {
    return LinearObservation(Eigen::Matrix2d::Identity(), Eigen::VectorXd{{0.3, 0.6}},
                             Eigen::MatrixXd{{noise * noise, 0.0}, {0.0, 0.25}});
  };
  for (const int steps : {20, 50, 100}) {
    const TimeGrid grid = TimeGrid::uniform(c.process, steps);
    for (const Mcgdiff::Variant variant : {Mcgdiff::Variant::C, Mcgdiff::Variant::A}) {
      for (const SmcKernel kernel : {SmcKernel::ddim, SmcKernel::exact}) {
        const Mcgdiff sampler{.particles = 64, .variant = variant, .kernel = kernel};
        SCOPED_TRACE(std::to_string(steps) + (variant == Mcgdiff::Variant::A ? " A" : " C") +
                     (kernel == SmcKernel::ddim ? " ddim" : " exact"));
        expect_evidence_within_half(sampler, one, grid);
        expect_evidence_within_half(sampler, all, grid);
        expect_evidence_within_half(sampler, one_of_two, grid);
      }
    }
  }
}

/// The same random numbers give the same chains, whose evidence no longer moves below a noise of 1e-9: nor
/// may the exact one.
TEST(NearlyExactObservations, KeepTheNoisyEntriesBesideThemWhereEntriesMixCoordinates) {
  const MixtureCase c;
  const TimeGrid grid = TimeGrid::uniform(c.process, 20);
  double exact_before = 0.0, before = 0.0;
  for (const double noise : {1e-9, 1e-11, 1e-13, 1e-15, 1e-17, 1e-20, 1e-30, 1e-60}) {
    const LinearObservation of(Eigen::MatrixXd{{1.0, 0.5}, {0.2, 1.0}}, Eigen::VectorXd{{0.3, 0.6}},
                               Eigen::MatrixXd{{noise * noise, 0.0}, {0.0, 0.25}});
    const Mcgdiff sampler{.particles = 64, .kernel = SmcKernel::exact};
    const Options options{.count = 50, .seed = 9, .device = Device::cpu(), .precision = Precision::f64};
    const double exact = posterior(c.prior, of).log_evidence;
    const double estimate = sample(c.prior, of, c.process, grid, sampler, options).mean_log_evidence();
    if (noise < 1e-9) {
      EXPECT_NEAR(exact, exact_before, 1e-8) << noise;
      EXPECT_NEAR(estimate, before, 1e-6) << noise;
    }
    exact_before = exact;
    before = estimate;
  }
}

TEST(NearlyExactObservations, WarnWhereADdimStepWeighsThem) {
  const MixtureCase c;
  const LinearObservation of(Eigen::MatrixXd{{1.0, 0.5}}, Eigen::VectorXd{{1.5}}, 1e-6);
  const TimeGrid grid = TimeGrid::uniform(c.process, 20);
  SmcPlan plan = smc_plan(c.prior, of, c.process, grid, Mcgdiff{.particles = 64});
  const LinearObservation noisy(of.A(), of.y(), 1.0);
  plan.steps.back().move =
      smc_plan(c.prior, noisy, c.process, grid, Mcgdiff{.particles = 64}).steps.back().move;
  const std::vector<std::string> warnings =
      run(plan, {.count = 50, .seed = 9, .device = Device::cpu()}).provenance().warnings;
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("the weights collapse: in "), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("most often at step 20"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("the chains disagree on the evidence"), std::string::npos) << warnings[1];
}

// --- many particles in float -------------------------------------------------------------------------------

/// One chain of 4e6 particles without resampling is importance sampling: particles are independent, and the
/// standard error of the weighted mean is that of a ratio of means.
TEST(ManyParticlesInFloat, HaveTheExactWeightedMean) {
  const MixtureCase c;
  const Posterior exact = posterior(c.prior, c.observation);
  const Mcgdiff sampler{.particles = 4'000'000,
                        .kernel = SmcKernel::exact,
                        .ess_threshold = 0.0,
                        .output = SmcOutput::particles};
  const TimeGrid grid = TimeGrid::uniform(c.process, 4);
  const SmcSamples samples = sample(c.prior, c.observation, c.process, grid, sampler,
                                    {.count = 1, .seed = 5, .device = Device::cpu()});
  const auto x = samples.host<float>();
  const std::vector<double>& log_weights = samples.log_weights();
  for (Eigen::Index i = 0; i < 2; ++i) {
    double total = 0.0, mean = 0.0, variance = 0.0;
    for (Eigen::Index n = 0; n < x.rows(); ++n) {
      const double W = std::exp(log_weights[static_cast<std::size_t>(n)]);
      total += W;
      mean += W * static_cast<double>(x(n, i));
    }
    for (Eigen::Index n = 0; n < x.rows(); ++n) {
      variance += std::pow(
          std::exp(log_weights[static_cast<std::size_t>(n)]) * (static_cast<double>(x(n, i)) - mean), 2);
    }
    EXPECT_NEAR(total, 1.0, 1e-6);
    EXPECT_LE(std::abs(mean - exact.mixture.mean()(i)), largest_t * std::sqrt(variance)) << i;
  }
  EXPECT_NEAR(samples.log_evidence()[0], exact.log_evidence, 0.01);
}

/// Ancestors of multinomial resampling: Pearson's statistic over 1000 cells of neighbouring particles.
TEST(ManyParticlesInFloat, HaveAncestorsInProportionToTheirWeights) {
  const MixtureCase c;
  const Mcgdiff sampler{
      .particles = 4'000'000, .kernel = SmcKernel::exact, .resampling = Resampling::multinomial};
  SmcPlan plan = smc_plan(c.prior, c.observation, c.process, TimeGrid::uniform(c.process, 3), sampler);
  plan.steps.resize(1);
  plan.times.resize(2);
  Options options{.count = 1, .seed = 6, .device = Device::cpu()};
  options.smc_history = true;
  const SmcSamples samples = run(plan, options);
  constexpr std::size_t cells = 1000, size = 4000;
  const SmcHistory& history = samples.history();
  ASSERT_EQ(history.ancestors.size(), cells * size);
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(cells), probabilities = Eigen::VectorXd::Zero(cells);
  for (std::size_t n = 0; n < cells * size; ++n) {
    counts(static_cast<Eigen::Index>(history.ancestors[n] / size)) += 1.0;
    probabilities(static_cast<Eigen::Index>(n / size)) += std::exp(history.log_weights[n]);
  }
  EXPECT_NEAR(probabilities.sum(), 1.0, 1e-6);
  EXPECT_GE(test::chi_square_p(counts, probabilities / probabilities.sum()), test::least_p);
  // The test rejects weights that are 3 % off in half of the cells.
  Eigen::VectorXd biased = probabilities;
  biased.head(cells / 2) *= 1.03;
  EXPECT_LT(test::chi_square_p(counts, biased / biased.sum()), test::least_p);
}

}  // namespace
}  // namespace gmdiff
