#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "base/random.hpp"
#include "device/executor.hpp"
#include "support/expect_invalid.hpp"
#include "support/expect_memory_error.hpp"

namespace gmdiff {
namespace {

constexpr std::int64_t last_index = std::numeric_limits<std::int64_t>::max();

Mixture two_modes() {
  return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})};
}

Plan plan_of(std::vector<Mixture> mixtures, int steps = 4) {
  const ForwardProcess process = vp(LinearBeta{});
  return sampling_plan(mixtures, process, TimeGrid::uniform(process, steps), Ddim{.eta = 0.5});
}

/// Steps x <- a x of a two-dimensional problem, started from given states.
Plan scaling_plan(std::vector<double> factors) {
  Plan plan = plan_of({two_modes()}, static_cast<int>(factors.size()));
  for (std::size_t s = 0; s < factors.size(); ++s) {
    AffineStep scale;
    scale.a = factors[s];
    plan.steps[s] = scale;
  }
  return plan;
}

std::string non_finite_message(const Plan& plan, const Options& options) {
  try {
    run(plan, options);
  } catch (const NonFiniteError& error) {
    return error.what();
  }
  return "no error";
}

// --- refused arguments -------------------------------------------------------------------------------------

TEST(Run, RefusesBadRanges) {
  const Plan plan = plan_of({two_modes()});

  test::expect_invalid([&] { run(plan, {.count = 0}); }, "run: count must be at least 1, got 0");
  test::expect_invalid([&] { run(plan, {.count = -3}); }, "run: count must be at least 1, got -3");
  test::expect_invalid([&] { run(plan, {.count = 1, .first = -1}); },
                       "run: first must not be negative, got -1");
  test::expect_invalid(
      [&] { run(plan, {.count = 2, .first = last_index}); },
      "run: particles 9223372036854775807 to 9223372036854775807 + 2 reach beyond index 2^63");
}

TEST(Run, RefusesBadHistories) {
  const Plan plan = plan_of({two_modes()}, 4);

  test::expect_invalid([&] { run(plan, {.history = 1}); }, "run: history must be 0 or 2 to 5 levels, got 1");
  test::expect_invalid([&] { run(plan, {.history = 6}); }, "run: history must be 0 or 2 to 5 levels, got 6");
  test::expect_invalid([&] { run(plan, {.history = -2}); },
                       "run: history must be 0 or 2 to 5 levels, got -2");
  test::expect_invalid([&] { draw(two_modes(), {.history = 2}); },
                       "run: a plan without steps has no history, got history 2");
}

TEST(Run, RefusesBadStartStates) {
  const Plan plan = plan_of({two_modes()});
  const Plan batch = plan_of({two_modes(), two_modes()});
  Points start = Points::Zero(3, 2);

  test::expect_invalid([&] { run(plan, {.count = 4, .start = start}); },
                       "run: start has shape (3, 2), expected (4, 2)");
  test::expect_invalid([&] { run(plan, {.count = 3, .start = Points::Zero(3, 1)}); },
                       "run: start has shape (3, 1), expected (3, 2)");
  test::expect_invalid([&] { run(batch, {.count = 3, .start = start}); },
                       "run: start has shape (3, 2), expected (6, 2)");
  test::expect_invalid([&] { draw(two_modes(), {.count = 3, .start = start}); },
                       "run: a draw takes no start states");
  start(2, 1) = std::numeric_limits<double>::quiet_NaN();
  test::expect_invalid([&] { run(plan, {.count = 3, .start = start}); },
                       "run: start state 2 has entry nan in coordinate 1");
  start(2, 1) = -std::numeric_limits<double>::infinity();
  test::expect_invalid([&] { run(plan, {.count = 3, .start = start}); },
                       "run: start state 2 has entry -inf in coordinate 1");
}

TEST(Run, RefusesAResultThatDoesNotFitTheMachine) {
  const Plan plan = plan_of({two_modes()});
  const Plan batch = plan_of({two_modes(), two_modes(), two_modes()});
  const std::int64_t trillion = 1'000'000'000'000;

  test::expect_memory_error(
      [&] { run(plan, {.count = trillion, .history = 5}); },
      "out of memory: 40000000000000 bytes wanted for the result of 1000000000000 particles");
  test::expect_memory_error([&] { run(plan, {.count = last_index, .precision = Precision::f64}); },
                            "more than 2^64 bytes wanted for");
  test::expect_memory_error([&] { run(batch, {.count = last_index}); }, "more than 2^64 bytes wanted for");
}

TEST(Run, RefusesMoreNoiseThanAStreamHas) {
  constexpr Eigen::Index dim = 1 << 20;
  const Mixture wide({1.0}, Points::Zero(1, dim), Covariance::spherical({1.0}));
  Plan plan = plan_of({wide}, 1);
  plan.steps.resize(1 << 13, plan.steps.front());
  plan.times.resize(plan.steps.size() + 1);

  test::expect_invalid([&] { run(plan, {.count = 1, .precision = Precision::f64}); },
                       "run: 8192 steps in dimension 1048576 need 8589934592 normal numbers per particle, a "
                       "stream has 8589934592");
}

TEST(Run, RefusesPlansThatAreNone) {
  Plan plan = plan_of({two_modes()});
  plan.times.pop_back();
  test::expect_invalid([&] { run(plan); }, "run: the plan has 4 steps but 4 times");
  plan.problems.clear();
  test::expect_invalid([&] { run(plan); }, "run: the plan has no problem");
}

TEST(Run, RefusesAMemoryLimitThatHoldsNoParticle) {
  const Plan plan = plan_of({two_modes()});

  test::expect_invalid([&] { run(plan, {.count = 4, .device = Device::reference(), .memory_limit = 10}); },
                       "reference: memory_limit is 10 bytes, one particle needs ");
  test::expect_invalid([&] { run(plan, {.count = 4, .device = Device::cpu(2), .memory_limit = 10}); },
                       "cpu: memory_limit is 10 bytes, one tile of ");
}

TEST(Run, RefusesReplicatesOfMoreThan24Bits) {
  const Mixture mixture = two_modes();
  const Plan plan = draw_plan(std::span(&mixture, 1));

  EXPECT_NO_THROW(run(plan, {.count = 1}, (1U << 24) - 1));
  test::expect_invalid([&] { run(plan, {.count = 1}, 1U << 24); },
                       "run: replicate must be less than 2^24, got 16777216");
}

TEST(Run, SaysThatADeviceIsNotAvailable) {
  EXPECT_THROW(run(plan_of({two_modes()}), {.device = Device::cuda(99)}), DeviceUnavailable);
}

// --- shapes, history, provenance ---------------------------------------------------------------------------

TEST(Run, ShapesAreProblemsCountLevelsDim) {
  using Shape = std::vector<std::int64_t>;
  const Plan one = plan_of({two_modes()});
  const Plan three = plan_of({two_modes(), two_modes(), two_modes()});

  EXPECT_EQ(run(one, {.count = 5}).shape(), (Shape{5, 2}));
  EXPECT_EQ(run(one, {.count = 5, .history = 3}).shape(), (Shape{5, 3, 2}));
  EXPECT_EQ(run(three, {.count = 5}).shape(), (Shape{3, 5, 2}));
  EXPECT_EQ(run(three, {.count = 5, .history = 2}).shape(), (Shape{3, 5, 2, 2}));
}

TEST(Run, KeepsLevelsAsEvenlySpacedAsIntegersCan) {
  const Plan plan = scaling_plan({2, 2, 2, 2, 2, 2, 2});
  const Options options{.count = 1, .precision = Precision::f64, .start = Points{{1.0, 0.0}}};
  const auto exponents = [&](int history) {
    Options with_history = options;
    with_history.history = history;
    std::vector<double> levels;
    const Samples samples = run(plan, with_history);
    for (Eigen::Index i = 0; i < samples.rows(); ++i)
      levels.push_back(std::log2(samples.host<double>()(i, 0)));
    return levels;
  };

  EXPECT_EQ(exponents(0), (std::vector<double>{7}));
  EXPECT_EQ(exponents(2), (std::vector<double>{0, 7}));
  EXPECT_EQ(exponents(3), (std::vector<double>{0, 4, 7}));
  EXPECT_EQ(exponents(4), (std::vector<double>{0, 2, 5, 7}));
  EXPECT_EQ(exponents(8), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Run, TimesAreThoseOfTheLevelsKept) {
  const Plan plan = plan_of({two_modes()}, 4);

  EXPECT_TRUE(run(plan, {.count = 1}).times().empty());
  EXPECT_EQ(run(plan, {.count = 1, .history = 3}).times(), (std::vector<double>{1.0, 0.5, 0.0}));
}

TEST(Forward, KeepsEveryLevelFromDataToNoise) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 4);

  const Samples all = forward(two_modes(), process, grid, {.count = 3});
  const Samples some = forward(two_modes(), process, grid, {.count = 3, .history = 3});

  EXPECT_EQ(all.shape(), (std::vector<std::int64_t>{3, 5, 2}));
  EXPECT_EQ(all.times(), (std::vector<double>{0.0, 0.25, 0.5, 0.75, 1.0}));
  EXPECT_EQ(some.times(), (std::vector<double>{0.0, 0.5, 1.0}));
  for (Eigen::Index n = 0; n < 3; ++n) {
    EXPECT_EQ(some.host<float>().row(3 * n + 1), all.host<float>().row(5 * n + 2));
    EXPECT_EQ(some.host<float>().row(3 * n + 2), all.host<float>().row(5 * n + 4));
  }
}

TEST(Forward, BeginsWithWhatDrawGives) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 4);
  const Options options{.count = 50, .seed = 3, .first = 20};

  const Samples paths = forward(two_modes(), process, grid, options);
  const Samples draws = draw(two_modes(), options);

  for (Eigen::Index n = 0; n < 50; ++n) EXPECT_EQ(paths.host<float>().row(5 * n), draws.host<float>().row(n));
}

TEST(Forward, BeginsWithGivenStates) {
  const ForwardProcess process = vp(LinearBeta{});
  const Points start{{0.5, -1.0}, {4.0, 2.0}};

  const Samples paths =
      forward(two_modes(), process, TimeGrid::uniform(process, 4), {.count = 2, .start = start});

  EXPECT_EQ(paths.to_double().row(0), start.row(0));
  EXPECT_EQ(paths.to_double().row(5), start.row(1));
}

TEST(Run, HistoryBeginsWithGivenStates) {
  const Points start{{0.5, -1.0}, {4.0, 2.0}, {0.0, 0.25}};

  const Samples samples = run(plan_of({two_modes()}), {.count = 3, .start = start, .history = 2});

  for (Eigen::Index n = 0; n < 3; ++n) EXPECT_EQ(samples.to_double().row(2 * n), start.row(n));
}

TEST(Run, ProvenanceTellsHowToMakeTheSamplesAgain) {
  Plan plan = plan_of({two_modes(), two_modes()});
  plan.warnings = {"a warning"};
  plan.notes = {"a note"};

  const Provenance provenance = run(plan, {.count = 10, .seed = 9, .first = 100}).provenance();

  EXPECT_EQ(provenance.seed, 9U);
  EXPECT_EQ(provenance.problem_seeds, (std::vector<std::uint64_t>{9, problem_seed(9, 1)}));
  EXPECT_EQ(provenance.first, 100);
  EXPECT_EQ(provenance.plan_hash, plan.hash());
  EXPECT_EQ(provenance.device, "cpu");
  EXPECT_GT(provenance.seconds, 0.0);
  EXPECT_EQ(provenance.particle_steps, 2 * 10 * 4);
  EXPECT_EQ(provenance.warnings, plan.warnings);
  EXPECT_EQ(provenance.notes, plan.notes);
}

// --- states that are not finite ----------------------------------------------------------------------------

TEST(Run, ReportsHowManyStatesAreNotFiniteAndAtWhichStepFirst) {
  const Plan plan = scaling_plan({1.0, 1e30, 1e200});
  const Points start{{1.0, 1.0}, {1.0, 1e200}, {1.0, 0.0}, {-1e300, 0.0}};
  const Options options{.count = 4, .precision = Precision::f64, .start = start};

  EXPECT_EQ(non_finite_message(plan, options),
            "run: 2 of 4 particles are not finite, first after step 2 of 3");
}

TEST(Run, CountsOverflowOfFloat32AsNotFinite) {
  const Plan plan = scaling_plan({1e10, 1e10});

  EXPECT_EQ(non_finite_message(plan, {.count = 2, .start = Points{{1e25, 0.0}, {1.0, 1.0}}}),
            "run: 1 of 2 particles are not finite, first after step 2 of 2 (in float32)");
  EXPECT_EQ(non_finite_message(plan, {.count = 2, .start = Points{{1.0, 0.0}, {1.0, 1e39}}}),
            "run: 1 of 2 particles are not finite, first at the start (in float32)");
  EXPECT_EQ(non_finite_message(plan, {.count = 1, .precision = Precision::f64, .start = Points{{1e39, 0.0}}}),
            "no error");
}

TEST(Run, CountsOverBlocksAndProblems) {
  Plan plan = scaling_plan({1.0, 1e200});
  plan.problems.push_back(plan.problems.front());
  Points start = Points::Zero(2 * 3000, 2);
  start(10, 0) = start(2900, 1) = start(5999, 0) = 1e200;

  EXPECT_EQ(non_finite_message(plan, {.count = 3000, .precision = Precision::f64, .start = start}),
            "run: 3 of 6000 particles are not finite, first after step 2 of 2");
}

// --- progress and stopping ---------------------------------------------------------------------------------

TEST(Run, ProgressGrowsToTheTotalOverAllProblems) {
  std::vector<std::int64_t> done;
  Options options{.count = 3000};
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, 6000);
    done.push_back(progress.done);
  };

  run(plan_of({two_modes(), two_modes()}), options);

  ASSERT_GE(done.size(), 2U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), 6000);
}

/// Runs until `particles` particles are done, then requests a stop; returns the finished samples.
Samples stopped_after(std::int64_t particles, const Plan& plan, Options options,
                      std::string* message = nullptr) {
  std::stop_source source;
  options.stop = source.get_token();
  options.progress = [&](const Progress& progress) {
    if (progress.done >= particles) source.request_stop();
  };
  if (particles == 0) source.request_stop();
  try {
    run(plan, options);
  } catch (const Interrupted& interrupted) {
    if (message != nullptr) *message = interrupted.what();
    return interrupted.finished();
  }
  throw std::runtime_error("the run was not interrupted");
}

TEST(Run, AStopHandsOverThePrefixThatIsFinished) {
  const Plan plan = plan_of({two_modes()});
  // Little memory gives several batches, after each of which a run can stop.
  const Options options{.count = 5000, .seed = 1, .device = Device::cpu(2), .memory_limit = 16000};

  std::string message;
  const Samples finished = stopped_after(1500, plan, options, &message);

  const Samples whole = run(plan, options);
  const Eigen::Index rows = finished.rows();
  EXPECT_GE(rows, 1500);
  EXPECT_LT(rows, 5000);
  EXPECT_EQ(finished.host<float>(), whole.host<float>().topRows(rows));
  EXPECT_EQ(message, "run: stopped after " + std::to_string(rows) + " of 5000 particles");
  EXPECT_EQ(finished.provenance().plan_hash, plan.hash());
  EXPECT_EQ(finished.provenance().particle_steps, static_cast<double>(rows) * 4);
}

TEST(Run, AStopInABatchHandsOverWholeProblems) {
  const Plan plan = plan_of({two_modes(), two_modes(), two_modes()});
  const Options options{.count = 2000, .device = Device::cpu(2), .history = 2, .memory_limit = 16000};

  const Samples finished = stopped_after(5000, plan, options);

  EXPECT_EQ(finished.shape(), (std::vector<std::int64_t>{2, 2000, 2, 2}));
  EXPECT_EQ(finished.host<float>(), run(plan, options).host<float>().topRows(8000));
}

TEST(Run, AStopBeforeTheFirstParticleHandsOverNothing) {
  const Samples finished = stopped_after(0, plan_of({two_modes()}), {.count = 5000});

  EXPECT_EQ(finished.shape(), (std::vector<std::int64_t>{0, 2}));
}

TEST(Run, AStopAfterTheLastParticleComesTooLate) {
  std::stop_source source;
  Options options{.count = 10};
  options.stop = source.get_token();
  options.progress = [&](const Progress&) { source.request_stop(); };

  EXPECT_EQ(run(plan_of({two_modes()}), options).rows(), 10);
}

}  // namespace
}  // namespace gmdiff
