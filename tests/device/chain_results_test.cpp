#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>

#include "device/cpu/cpu.hpp"
#include "device/devices_under_test.hpp"
#include "device/program_cases.hpp"
#include "device/smc_cases.hpp"
#include "support/expect_invalid.hpp"

// Runs of Markov chains take and give back velocities and log-densities beside their states.

namespace gmdiff {
namespace {

Samples on_two_threads(const Plan& plan, const Options& options) {
  return run(plan, options, 0, *cpu::make_executor(2), Extent::fastest);
}

TEST(KineticChains, NameVelocitiesThatAreMissingOrOutOfPlace) {
  const Mixture target = test::mixture_of(CovarianceType::diag, 2, 3);
  const auto refused = [&](const McmcSampler& sampler, const Options& options, const std::string& message) {
    test::expect_invalid([&] { on_two_threads(mcmc_plan(target, sampler), options); }, message);
  };
  const Points zero = Points::Zero(3, 2);
  const Baoab continued{.step = 0.1, .run = {.steps = 5, .first_step = 5}};
  refused(continued, {.count = 3, .start = zero},
          "run: first_step = 5 continues kinetic chains, and their last velocities are not given "
          "(Options::start_velocities)");
  refused(Obabo{.step = 0.1, .run = {.steps = 5}}, {.count = 3, .start = zero, .start_velocities = zero},
          "run: start_velocities continue chains, and first_step is 0, the first step of new ones");
  refused(continued, {.count = 3, .start = zero, .start_velocities = Points::Zero(2, 2)},
          "run: start_velocities has shape (2, 2), expected (3, 2)");
  Points bad = zero;
  bad(1, 0) = std::numeric_limits<double>::infinity();
  refused(continued, {.count = 3, .start = zero, .start_velocities = bad},
          "run: start_velocities state 1 has entry inf in coordinate 0");
  refused(Mala{.step = 0.1, .run = {.steps = 5, .first_step = 5}},
          {.count = 3, .start = zero, .start_velocities = zero},
          "run: start_velocities are given, but only chains of baoab and obabo have velocities");
  refused(Ula{.step = 0.1}, {.count = 3, .velocities = true},
          "run: velocities are asked for, but only chains of baoab and obabo have any");
  const SmcPlan filter = test::smc_plan_by(target, 2, Bootstrap{.particles = 4});
  test::expect_invalid([&] { run(filter, {.count = 1, .velocities = true}); },
                       "run: velocities are asked for, but only chains of baoab and obabo have any");
}

// A part of a run has its velocities, and those of other chains do not change them.
TEST(KineticChains, HaveTheirVelocitiesInRangesAndBatches) {
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 3);
  const ChainRun run{.steps = 10, .start = Start::exact};
  const Plan plan = mcmc_plan(target, Obabo{.step = 0.4, .metropolis = true, .run = run});
  Options options{.count = 300, .seed = 3, .velocities = true};
  const Samples whole = on_two_threads(plan, options);
  // The chains are stationary from the start, and then v has the law N(0, I): the mean square of 600 numbers
  // has the standard deviation sqrt(2 / 600).
  EXPECT_NEAR(whole.velocities()->squaredNorm() / 600.0, 1.0, 5.0 * std::sqrt(2.0 / 600.0));
  EXPECT_EQ(on_two_threads(plan, test::in_batches(plan, options, *cpu::make_executor(2))).velocities(),
            whole.velocities());
  options.first = 13;
  options.count = 287;
  EXPECT_EQ(*on_two_threads(plan, options).velocities(), whole.velocities()->bottomRows(287));
  options.velocities = false;
  EXPECT_FALSE(on_two_threads(plan, options).velocities().has_value());
}

TEST(TraceLogDensity, IsThatOfTheReturnedStates) {
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 3);
  const Mala mala{.step = 0.3, .run = {.steps = 6, .thin = 2, .output = ChainOutput::trace}};
  const Samples trace = on_two_threads(mcmc_plan(target, mala), {.count = 4});
  const Points found = trace_log_density(trace, target);
  ASSERT_EQ(found.rows(), 4);
  ASSERT_EQ(found.cols(), 3);
  const Points states = trace.to_double();
  for (Eigen::Index n = 0; n < 12; ++n) EXPECT_EQ(found(n / 3, n % 3), target.log_pdf(states.row(n))(0)) << n;
  EXPECT_LT((trace_log_density(trace, Target(Banana{.dim = 2})).reshaped<Eigen::RowMajor>() -
             Target(Banana{.dim = 2}).log_density(states))
                .cwiseAbs()
                .maxCoeff(),
            1e-12);
  test::expect_invalid([&] { trace_log_density(trace, Target(Banana{.dim = 3})); },
                       "trace_log_density: the trace has dimension 2, the target 3");
  const Samples last =
      on_two_threads(mcmc_plan(target, Mala{.step = 0.3, .run = {.steps = 6}}), {.count = 4});
  test::expect_invalid([&] { trace_log_density(last, target); },
                       "trace_log_density: expected a trace of shape (count, kept, d), given 2 axes; chains "
                       "keep one with ChainOutput::trace");
}

}  // namespace
}  // namespace gmdiff
