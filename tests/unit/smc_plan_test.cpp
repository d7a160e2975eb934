#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>

#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/evaluations.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "support/expect_invalid.hpp"
#include "support/expect_memory_error.hpp"
#include "support/mixtures.hpp"

// Plans of SMC: rotation, levels of the pins, weightings, and every message (mathematics.md §7).

namespace gmdiff {
namespace {

using test::expect_invalid;

const ForwardProcess process = vp(LinearBeta{});
const Mixture prior({0.5, 0.5}, Points{{-1.0, 0.0, 1.0}, {1.0, 1.0, 0.0}}, Covariance::spherical({0.5, 1.0}));
const LinearObservation observation(Eigen::MatrixXd{{1.0, 2.0, 0.0}, {0.0, 1.0, 1.0}},
                                    Eigen::VectorXd{{0.5, -0.5}}, 0.25);

SmcPlan plan_of(const SmcSampler& sampler, const LinearObservation& of = observation,
                const Mixture& law = prior, int steps = 6) {
  return smc_plan(law, of, process, TimeGrid::uniform(process, steps), sampler);
}

TEST(SmcPlan, RotatesTheObservationIntoTheFirstCoordinates) {
  const SmcPlan plan = plan_of(Mcgdiff{});
  EXPECT_EQ(plan.num_observed(), 2);
  test::expect_near(plan.V * plan.V.transpose(), Eigen::MatrixXd::Identity(3, 3), 1e-14, "V");
  const Eigen::MatrixXd rotated = observation.A() * plan.V;
  EXPECT_LE(rotated.col(2).norm(), 1e-14);
  test::expect_near(plan.mixture.means * plan.V.transpose(), prior.means(), 1e-14, "means");
  EXPECT_EQ(plan.mixture.structure, CovarianceType::spherical);
}

TEST(SmcPlan, KeepsDiagonalCovariancesWhereCoordinatesAreObserved) {
  const Mixture diag({1.0}, Points{{0.0, 1.0, 2.0}}, Covariance::diag(Points{{0.5, 1.0, 2.0}}));
  const LinearObservation coordinates(Eigen::MatrixXd{{0.0, 0.0, 2.0}}, Eigen::VectorXd{{1.0}}, 0.5);
  const SmcPlan plan = plan_of(Mcgdiff{}, coordinates, diag);
  EXPECT_EQ(plan.mixture.structure, CovarianceType::diag);
  EXPECT_EQ(plan.mixture.means(0, 0), 2.0);
  EXPECT_EQ(plan.mixture.eigenvalues(0, 0), 2.0);
  EXPECT_EQ(plan_of(Mcgdiff{}, observation, diag).mixture.structure, CovarianceType::full);
}

TEST(SmcPlan, BringsWhatSharesABasisToFull) {
  for (const auto& [name, mixture] : test::mixtures_of_every_structure()) {
    const CovarianceType structure = plan_of(Mcgdiff{}, observation, mixture).mixture.structure;
    const bool is_spherical = mixture.covariance_type() == CovarianceType::spherical;
    EXPECT_EQ(structure, is_spherical ? CovarianceType::spherical : CovarianceType::full) << name;
  }
}

TEST(SmcPlan, InsertsTheLevelsOfThePins) {
  const SmcPlan plan =
      plan_of(Mcgdiff{.variant = Mcgdiff::Variant::A, .kappa = 0.01}, observation, prior, 20);
  const SmcPlan without = plan_of(Mcgdiff{}, observation, prior, 20);
  EXPECT_EQ(plan.steps.size(), without.steps.size() + 2);
  // At its pin a coordinate's variance is kappa, and below it is free.
  int pins = 0;
  for (std::size_t s = 0; s + 1 < plan.steps.size(); ++s) {
    for (Eigen::Index i = 0; i < 2; ++i) {
      const double v = plan.steps[s].at_s.variance(i), next = plan.steps[s + 1].at_s.variance(i);
      if (std::isinf(v) || !std::isinf(next)) continue;
      EXPECT_EQ(v, 0.01);
      ++pins;
    }
  }
  EXPECT_EQ(pins, 2);
  EXPECT_FALSE(plan.steps.back().is_weighted) << "nothing is observed below all pins";
  EXPECT_LT(plan.weightings().size(), plan.steps.size());
}

TEST(SmcPlan, TakesVariantCForWhatTheGridCannotPin) {
  const LinearObservation noisy(observation.A(), observation.y(), 1e6);
  const SmcPlan plan = plan_of(Mcgdiff{.variant = Mcgdiff::Variant::A}, noisy);
  EXPECT_EQ(plan.steps.size(), 6U);
  EXPECT_TRUE(plan.steps.back().is_weighted);
}

TEST(SmcPlan, VariantsAreOneWithoutNoise) {
  const LinearObservation exact(observation.A(), observation.y(), 0.0);
  const SmcPlan A = plan_of(Mcgdiff{.variant = Mcgdiff::Variant::A}, exact);
  EXPECT_EQ(A.hash(), plan_of(Mcgdiff{}, exact).hash());
  EXPECT_TRUE(std::holds_alternative<MixtureTransition>(A.steps.back().move));
  EXPECT_TRUE(std::holds_alternative<AffineStep>(A.steps.front().move));
  ASSERT_EQ(A.notes.size(), 1U);
  EXPECT_EQ(A.notes[0], "mcgdiff: the last step, to an exact observation, is the exact transition");
}

/// Noise-to-signal ratio of the last level before the data.
double noise_before_data(int steps) {
  const TimeGrid grid = TimeGrid::uniform(process, steps);
  return static_cast<double>(grid.level(steps - 1).sigma / grid.level(steps - 1).alpha);
}
bool ends_exactly(const SmcPlan& plan) {
  return std::holds_alternative<MixtureTransition>(plan.steps.back().move);
}

TEST(SmcPlan, TakesTheExactTransitionToANearlyExactObservation) {
  const Eigen::MatrixXd A = Eigen::MatrixXd{{1.0, 0.0, 0.0}};
  const auto with = [&](double noise, const SmcSampler& sampler) {
    return plan_of(sampler, LinearObservation(A, Eigen::VectorXd{{0.5}}, noise));
  };
  const Mcgdiff A_variant{.variant = Mcgdiff::Variant::A};
  const double half = noise_before_data(6) / 2.0;
  for (const double noise : {0.99 * half, 0.1 * half, 1e-6, 1e-12, 1e-30, 1e-160}) {
    const SmcPlan plan = with(noise, Mcgdiff{});
    EXPECT_TRUE(ends_exactly(plan)) << noise;
    ASSERT_EQ(plan.notes.size(), 1U);
    EXPECT_EQ(plan.notes[0],
              "mcgdiff: the last step, to a nearly exact observation, is the exact transition");
    EXPECT_EQ(with(noise, A_variant).hash(), plan.hash()) << "no pin so close to the data";
    EXPECT_TRUE(std::holds_alternative<AffineStep>(plan.steps[4].move));
  }
  for (const double noise : {1.01 * half, 4.0 * half, 1.0}) {
    EXPECT_FALSE(ends_exactly(with(noise, Mcgdiff{}))) << noise;
    EXPECT_TRUE(with(noise, Mcgdiff{}).notes.empty());
    EXPECT_EQ(with(noise, A_variant).steps.size(), 7U) << "with the level of the pin";
  }
  EXPECT_FALSE(ends_exactly(with(1e-12, Bootstrap{}))) << "it weighs after moving, so no kernel helps";
}

TEST(SmcPlan, TakesItForASingleNearlyExactCoordinate) {
  const Eigen::MatrixXd A = Eigen::MatrixXd::Identity(2, 3);
  const auto with = [&](double noise, Mcgdiff::Variant variant) {
    const Eigen::MatrixXd R{{noise * noise, 0.0}, {0.0, 0.25}};
    return plan_of(Mcgdiff{.variant = variant}, LinearObservation(A, Eigen::VectorXd{{0.5, 0.1}}, R));
  };
  for (const Mcgdiff::Variant variant : {Mcgdiff::Variant::C, Mcgdiff::Variant::A}) {
    EXPECT_TRUE(ends_exactly(with(1e-9, variant)));
    EXPECT_TRUE(ends_exactly(with(0.0, variant)));
    EXPECT_FALSE(ends_exactly(with(0.5, variant)));
  }
  EXPECT_EQ(with(1e-9, Mcgdiff::Variant::A).steps.size(), 7U) << "the noisy coordinate keeps its pin";
}

TEST(SmcPlan, TakesItToTheEndOfAGridThatStopsBeforeTheData) {
  const LinearObservation nearly(observation.A(), observation.y(), 1e-9);
  const auto ending_at = [&](double t_end) {
    return smc_plan(prior, nearly, process, TimeGrid(process, UniformGrid{.steps = 6, .t_end = t_end}),
                    Mcgdiff{});
  };
  EXPECT_TRUE(ends_exactly(ending_at(1e-3)));
  EXPECT_EQ(ending_at(1e-3).notes.front(),
            "mcgdiff: the last step, to a nearly exact observation, is the exact transition");
  EXPECT_FALSE(ends_exactly(ending_at(0.2))) << "as noisy as half of the level before";
}

TEST(SmcPlan, HasAHashOfEverythingAndAPrintedForm) {
  const SmcPlan plan = plan_of(Mcgdiff{});
  EXPECT_EQ(plan.hash(), plan_of(Mcgdiff{}).hash());
  for (const SmcSampler& other :
       {SmcSampler(Mcgdiff{.particles = 255}), SmcSampler(Mcgdiff{.eta = 0.5}),
        SmcSampler(Mcgdiff{.resampling = Resampling::residual}), SmcSampler(Mcgdiff{.ess_threshold = 0.5}),
        SmcSampler(Mcgdiff{.output = SmcOutput::particles}), SmcSampler(Mcgdiff{.start = Start::gaussian}),
        SmcSampler(Mcgdiff{.kernel = SmcKernel::exact}), SmcSampler(Bootstrap{})}) {
    EXPECT_NE(plan.hash(), plan_of(other).hash());
  }
  const SmcPlan both[] = {plan, plan_of(Bootstrap{})};
  EXPECT_EQ(hash(std::span(both, 1)), plan.hash());
  EXPECT_NE(hash(both), plan.hash());
  std::ostringstream text;
  text << plan_of(Mcgdiff{.variant = Mcgdiff::Variant::A}, observation, prior, 20);
  EXPECT_NE(text.str().find("smc plan, hash "), std::string::npos);
  EXPECT_NE(text.str().find("not weighted"), std::string::npos);
}

// --- messages ----------------------------------------------------------------------------------------------

TEST(SmcPlanErrors, OfParameters) {
  expect_invalid([] { plan_of(Mcgdiff{.particles = 0}); },
                 "mcgdiff: particles must be from 1 to 2^30, got 0");
  expect_invalid([] { plan_of(Bootstrap{.particles = -1}); },
                 "bootstrap: particles must be from 1 to 2^30, got -1");
  expect_invalid([] { plan_of(Mcgdiff{.eta = 0.0}); }, "mcgdiff: eta must be in (0, 1]");
  expect_invalid([] { plan_of(Mcgdiff{.eta = 1.5}); }, "got 1.5");
  expect_invalid([] { plan_of(Mcgdiff{.kappa = -1.0}); }, "mcgdiff: kappa must be finite and >= 0, got -1");
  expect_invalid([] { plan_of(Mcgdiff{.ess_threshold = 2.0}); },
                 "mcgdiff: ess_threshold must be in [0, 1], got 2");
  expect_invalid([] { plan_of(Mcgdiff{.ess_threshold = std::nan("")}); },
                 "ess_threshold must be in [0, 1], got nan");
}

NonlinearObservation distances(double y = 1.5) {
  return {RangeMap{.anchors = Points{{1.0, 0.0, 0.0}}}, Eigen::VectorXd{{y}}, 0.5};
}

TEST(SmcPlan, OfAMapHasPotentialsAtEveryLevel) {
  const TimeGrid grid = TimeGrid::uniform(process, 6);
  const auto plan_with_map = [&](const Bootstrap& sampler, double y) {
    return smc_plan(prior, distances(y), process, grid, sampler);
  };
  const SmcPlan plan = plan_with_map({.particles = 8}, 1.5);
  ASSERT_EQ(plan.map->levels.size(), 7U);
  EXPECT_EQ(plan.map->levels.back().sigma, 0.0);
  EXPECT_EQ(plan.num_observed(), 0);
  EXPECT_EQ(plan.weightings().size(), 6U);
  EXPECT_EQ(plan.V, (Eigen::MatrixXd::Identity(3, 3)));
  EXPECT_EQ(plan.log_constant, distances().log_constant());
  EXPECT_TRUE(std::holds_alternative<AffineStep>(plan.steps.front().move));
  EXPECT_EQ(plan.hash(), plan_with_map({.particles = 8}, 1.5).hash());
  EXPECT_NE(plan.hash(), plan_with_map({.particles = 8}, 1.25).hash());
  EXPECT_NE(plan.hash(), plan_with_map({.particles = 8, .kernel = SmcKernel::exact}, 1.5).hash());
  std::ostringstream out;
  out << plan;
  EXPECT_NE(out.str().find("observed range, particles 8, weighted after moving"), std::string::npos)
      << out.str();
}

HostDenoiser identity() {
  return {.id = "identity", .function = [](const Points& x, Level /*level*/, Points& D) { D = x; }};
}

TEST(SmcPlanOfADenoiser, HasNoMixtureAndItsNameInTheHash) {
  const LinearObservation noisy(observation.A(), observation.y(), 1.5);
  const TimeGrid grid = TimeGrid::uniform(process, 8);
  const Mcgdiff sampler{.start = Start::gaussian};
  const SmcPlan plan = smc_plan(identity(), noisy, process, grid, sampler);
  EXPECT_EQ(plan.mixture.num_components(), 0);
  EXPECT_EQ(plan.dim(), 3);
  HostDenoiser other = identity();
  other.id = "other";
  EXPECT_EQ(plan.hash(), smc_plan(identity(), noisy, process, grid, sampler).hash());
  EXPECT_NE(plan.hash(), smc_plan(other, noisy, process, grid, sampler).hash());
  // All but the law is that of a mixture's plan.
  const SmcPlan of_mixture = smc_plan(prior, noisy, process, grid, sampler);
  EXPECT_EQ(plan.log_constant, of_mixture.log_constant);
  EXPECT_EQ(plan.V, of_mixture.V);
  EXPECT_EQ(plan.weightings(), of_mixture.weightings());
  EXPECT_EQ(denoiser_evaluations(plan), denoiser_evaluations(of_mixture));
  EXPECT_NE(plan.notes.back().find("denoiser \"identity\""), std::string::npos);
  std::ostringstream out;
  out << plan;
  EXPECT_NE(out.str().find("denoiser identity\n"), std::string::npos) << out.str();
}

TEST(SmcPlanOfADenoiser, HasAVarianceInPlaceOfTheCovarianceUnderAMap) {
  const TimeGrid grid = TimeGrid::uniform(process, 6);
  const Bootstrap sampler{.particles = 8, .start = Start::gaussian};
  const SmcPlan plan = smc_plan(identity(), distances(), process, grid, sampler);
  ASSERT_EQ(plan.map->variances.size(), 7U);
  EXPECT_EQ(plan.map->variances.back(), 0.0);
  const Level first = plan.map->levels.front();
  EXPECT_DOUBLE_EQ(plan.map->variances.front(),
                   first.sigma * first.sigma / (first.sigma * first.sigma + first.alpha * first.alpha));
  EXPECT_EQ(plan.mixture.num_components(), 0);
  EXPECT_EQ(plan.start.variance(0), first.sigma * first.sigma);
  EXPECT_EQ(denoiser_evaluations(plan), 6.0 * 8.0);
  EXPECT_EQ(plan.log_constant, distances().log_constant());
  EXPECT_NE(plan.notes.back().find("denoiser \"identity\""), std::string::npos);
  SmcPlan other = plan;
  other.map->variances.front() *= 2.0;
  EXPECT_NE(plan.hash(), other.hash());
  expect_invalid(
      [&] { smc_plan(identity(), distances(), process, grid, Bootstrap{}); },
      "denoiser \"identity\": the exact start draws from a mixture; the sampler needs start = gaussian");
  expect_invalid(
      [&] { smc_plan(identity(), distances(), process, TimeGrid::uniform(process, 6, 0.1), sampler); },
      "bootstrap: with a map expected a grid that ends at the data");
}

TEST(SmcPlanErrors, OfDenoisers) {
  const auto expect = [](const Denoiser& denoiser, const SmcSampler& sampler, const char* message) {
    expect_invalid([&] { smc_plan(denoiser, observation, process, TimeGrid::uniform(process, 6), sampler); },
                   message);
  };
  const Mcgdiff gaussian{.start = Start::gaussian};
  expect(identity(), Mcgdiff{},
         "denoiser \"identity\": the exact start draws from a mixture; the sampler needs start = gaussian");
  expect(identity(), Bootstrap{.kernel = SmcKernel::exact, .start = Start::gaussian},
         "denoiser \"identity\": the exact kernel is the transition of a mixture; the sampler needs kernel = "
         "ddim");
  // sigma_y is a tenth of the noise of the last level but one.
  expect(identity(), gaussian,
         "denoiser \"identity\": the last step of mcgdiff, to an exact or nearly exact observation, is the "
         "exact transition of a mixture; expected a grid with finer steps at its end or with t_end > 0, or "
         "more noise");
  expect(DeviceDenoiser{.id = "there", .function = [](const DeviceRows& /*rows*/) {}}, gaussian,
         "mcgdiff: calls the denoiser \"there\" on the host; give a denoiser on the host");
  expect(HostDenoiser{.id = "empty", .function = {}}, gaussian, "denoiser \"empty\": has no function");
  expect(identity(), Mcgdiff{.particles = 0, .start = Start::gaussian},
         "mcgdiff: particles must be from 1 to 2^30, got 0");
}

TEST(SmcPlanErrors, OfMaps) {
  const TimeGrid grid = TimeGrid::uniform(process, 6);
  expect_invalid([&] { smc_plan(prior, distances(), process, grid, Mcgdiff{}); },
                 "mcgdiff takes no observation with a map; expected tmp, pigdm, pigdm-alg1, dps, "
                 "dps-likelihood, bootstrap, a Markov chain or a learned sampler");
  expect_invalid([&] { smc_plan(prior, distances(), process, grid, Bootstrap{.particles = 0}); },
                 "bootstrap: particles must be from 1 to 2^30, got 0");
  expect_invalid(
      [&] {
        smc_plan(Mixture({1.0}, Points{{0.0}}, Covariance::spherical({1.0})), distances(), process, grid,
                 Bootstrap{});
      },
      "guidance: the map takes points of dimension 3 but the prior has dimension 1");
  const TimeGrid stops(process, UniformGrid{.steps = 6, .t_end = 0.01});
  expect_invalid([&] { smc_plan(prior, distances(), process, stops, Bootstrap{}); },
                 "bootstrap: with a map expected a grid that ends at the data, where the potential is the "
                 "likelihood; its last level has sigma = ");
}

TEST(SmcPlanErrors, OfObservations) {
  const Eigen::VectorXd y{{1.0, 2.0}};
  expect_invalid(
      [&] {
        plan_of(Mcgdiff{}, {Eigen::MatrixXd::Zero(2, 3), y, 1.0});
      },
      "smc: A is 0, so nothing is observed");
  expect_invalid(
      [&] {
        plan_of(Mcgdiff{}, {Eigen::MatrixXd::Ones(2, 2), y, 1.0});
      },
      "smc: A is 2x2 but the prior has dimension 3");
  expect_invalid(
      [&] {
        plan_of(Mcgdiff{}, {Eigen::MatrixXd::Ones(2, 3), y, 0.0});
      },
      "smc: y is outside the range of A, by ");
  expect_invalid(
      [&] {
        plan_of(Mcgdiff{}, {Eigen::MatrixXd::Ones(2, 3), y, Eigen::MatrixXd::Ones(2, 2)});
      },
      "smc: the noise covariance of an observation that mixes coordinates must be positive definite or 0");
  expect_invalid(
      [&] {
        plan_of(Mcgdiff{}, {Eigen::MatrixXd{{1.0, 2.0, 1.0}, {2.0, 4.0, 2.0}}, y,
                            Eigen::MatrixXd{{1e-40, 0.0}, {0.0, 1.0}}});
      },
      "smc: the noise of entries of y differs by a factor of more than 1e+12, and one of them sees what the "
      "others see");
  const Mixture line({1.0}, Points{{0.0, 0.0, 0.0}},
                     Covariance::full({Eigen::Matrix3d{{1.0, 0.5, 0.0}, {0.5, 0.25, 0.0}, {0.0, 0.0, 1.0}}}));
  const LinearObservation two(Eigen::MatrixXd::Identity(2, 3), Eigen::VectorXd{{0.2, 0.1}}, 1e-12);
  expect_invalid([&] { run(plan_of(Mcgdiff{}, two, line), {.count = 1, .device = Device::reference()}); },
                 "reference: component 0 hardly varies in an observed direction, which is observed almost "
                 "without noise");
  expect_invalid(
      [&] {
        plan_of(Bootstrap{}, {observation.A(), y, 0.0});
      },
      "bootstrap: needs noise on every observed direction");
  expect_invalid([&] { LinearObservation(observation.A(), y, -1.0); }, "noise_std");
  const Mixture flat({1.0}, Points{{0.0, 0.0, 0.0}}, Covariance::diag(Points{{0.0, 1.0, 1.0}}));
  const LinearObservation first(Eigen::MatrixXd{{1.0, 0.0, 0.0}}, Eigen::VectorXd{{1.0}}, 0.0);
  expect_invalid(
      [&] {
        run(plan_of(Mcgdiff{.start = Start::gaussian}, first, flat), {.count = 1, .device = Device::cpu(1)});
      },
      "smc: component 0 does not vary in an observed direction, which is observed without noise");
}

TEST(SmcRunErrors, OfOptions) {
  const SmcPlan plan = plan_of(Mcgdiff{.particles = 4});
  const auto run_with = [&](auto change) {
    Options options{.count = 1, .device = Device::cpu(1)};
    change(options);
    run(plan, options);
  };
  expect_invalid([&] { run_with([](Options& o) { o.count = 0; }); }, "run: count must be at least 1, got 0");
  expect_invalid([&] { run_with([](Options& o) { o.first = -1; }); },
                 "run: first must not be negative, got -1");
  expect_invalid([&] { run_with([](Options& o) { o.start = Points::Zero(1, 3); }); },
                 "run: start has shape (1, 3), expected (4, 3)");
  expect_invalid(
      [&] {
        run_with([](Options& o) {
          o.start = Points::Zero(4, 3);
          (*o.start)(2, 1) = std::numeric_limits<double>::infinity();
        });
      },
      "run: start state 2 has entry inf in coordinate 1");
  expect_invalid(
      [&] { run_with([](Options& o) { o.history = 3; }); },
      "run: history keeps the states of all particles of a chain, so it expects SmcOutput::particles");
  const SmcPlan particles = plan_of(Mcgdiff{.particles = 4, .output = SmcOutput::particles});
  expect_invalid([&] { run(particles, {.count = 1, .device = Device::cpu(1), .history = 1}); },
                 concat("run: history must be 0 or 2 to ", particles.times.size(), " levels, got 1"));
  SmcPlan other = particles;
  other.times.front() *= 2.0;
  const SmcPlan of_other_times[] = {particles, other};
  expect_invalid([&] { run(of_other_times, {.count = 1, .device = Device::cpu(1), .history = 2}); },
                 "run: with history the problems of a batch must have the same times");
  expect_invalid([&] { run_with([](Options& o) { o.first = std::int64_t{1} << 61; }); },
                 "reaches beyond particle 2^62");
  expect_invalid([] { run(std::span<const SmcPlan>(), {}); }, "run: no SMC plan given");
  const SmcPlan different[] = {plan, plan_of(Mcgdiff{.particles = 5})};
  expect_invalid([&] { run(different, {.count = 1, .device = Device::cpu(1)}); },
                 "must have one dimension, number of particles and output");
  test::expect_memory_error(
      [&] {
        Options options{.count = std::int64_t{1} << 50, .device = Device::cpu(1)};
        run(plan, options);
      },
      " bytes wanted for the results of 1125899906842624 chains of ");
  const std::vector<SmcPlan> more_than_2_63_chains(3, plan_of(Mcgdiff{.particles = 1}));
  test::expect_memory_error(
      [&] { run(more_than_2_63_chains, {.count = (std::int64_t{1} << 62) - 1, .device = Device::cpu(1)}); },
      "more than 2^64 bytes wanted for the results of ");
}

TEST(SmcRunErrors, WithoutAWeight) {
  // An observation so far away that every weight is 0: the quadratic form overflows.
  const LinearObservation far(observation.A(), Eigen::VectorXd{{1e25, 1e25}}, 0.25);
  for (const Device& device : {Device::cpu(1), Device::cpu(4)}) {
    try {
      run(plan_of(Mcgdiff{.particles = 4, .start = Start::gaussian}, far),
          {.count = 3, .device = device, .first = 5});
      FAIL() << "nothing was thrown";
    } catch (const WeightError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("run: chain 5: "), std::string::npos) << message;
      EXPECT_NE(message.find(" at step 1 of 6"), std::string::npos) << message;
    }
  }
}

TEST(SmcRun, StopsBetweenChainsAndHandsOverWhatIsFinished) {
  const SmcPlan plan = plan_of(Mcgdiff{.particles = 4});
  std::stop_source source;
  Options options{.count = 5, .device = Device::reference(), .stop = source.get_token()};
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, 5);
    if (progress.done == 2) source.request_stop();
  };
  try {
    run(plan, options);
    FAIL() << "nothing was thrown";
  } catch (const SmcInterrupted& interrupted) {
    EXPECT_EQ(interrupted.finished().rows(), 2);
    EXPECT_EQ(interrupted.finished_chains().log_evidence().size(), 2U);
    EXPECT_STREQ(interrupted.what(), "run: stopped after 2 of 5 chains");
  }
}

TEST(SmcSamples, WeighChainsByTheirEvidence) {
  const SmcSamples samples = run(plan_of(Mcgdiff{.particles = 8}), {.count = 10, .device = Device::cpu(1)});
  const std::vector<double> weights = samples.chain_weights();
  double sum = 0.0, mean = 0.0;
  for (std::size_t c = 0; c < 10; ++c) {
    sum += weights[c];
    mean += std::exp(samples.log_evidence()[c]) / 10.0;
  }
  EXPECT_NEAR(sum, 1.0, 1e-14);
  EXPECT_NEAR(samples.mean_log_evidence(), std::log(mean), 1e-12);
  expect_invalid([&] { samples.mean_log_evidence(1); }, "SmcSamples: problem must be from 0 to 0, got 1");
}

TEST(SmcHistory, TellsOfEveryWeighting) {
  Options options{.count = 2, .device = Device::cpu(1)};
  options.smc_history = true;
  const SmcPlan plan = plan_of(Mcgdiff{.particles = 8, .ess_threshold = 0.6});
  const SmcHistory history = run(plan, options).history();
  EXPECT_EQ(history.steps, plan.weightings());
  ASSERT_EQ(history.ess.size(), 12U);
  ASSERT_EQ(history.log_weights.size(), 96U);
  int resampled = 0;
  for (std::size_t w = 0; w < 12; ++w) {
    EXPECT_EQ(history.resampled[w] == 1, history.ess[w] < 0.6 * 8.0);
    resampled += history.resampled[w];
    double sum = 0.0, squares = 0.0;
    for (std::size_t n = 0; n < 8; ++n) {
      const double W = std::exp(history.log_weights[8 * w + n]);
      sum += W;
      squares += W * W;
      if (history.resampled[w] == 0) {
        EXPECT_EQ(history.ancestors[8 * w + n], n);
      }
    }
    EXPECT_NEAR(sum, 1.0, 1e-6);
    EXPECT_NEAR(1.0 / squares, history.ess[w], 1e-5 * history.ess[w]);
  }
  EXPECT_GT(resampled, 0);
  EXPECT_LT(resampled, 12);
}

}  // namespace
}  // namespace gmdiff
