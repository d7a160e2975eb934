#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>

#include "base/check.hpp"
#include "device/cpu/dispatch.hpp"
#include "device/program_cases.hpp"
#include "device/smc_cases.hpp"

// SMC on the cpu: the bits do not depend on threads, instruction set, splits into runs and batches or memory
// limits. In double the chains agree with those of the reference, which shares no arithmetic.

namespace gmdiff {
namespace {

/// Sets GMDIFF_SIMD for its lifetime.
class InstructionSetScope {
 public:
  explicit InstructionSetScope(const char* name) { setenv("GMDIFF_SIMD", name, 1); }
  ~InstructionSetScope() { unsetenv("GMDIFF_SIMD"); }
  InstructionSetScope(const InstructionSetScope&) = delete;
  InstructionSetScope& operator=(const InstructionSetScope&) = delete;
};

Options options_for(Precision precision, std::int64_t count = 3) {
  Options options{.count = count, .seed = 3, .device = Device::cpu(1), .precision = precision, .first = 7};
  options.smc_history = true;
  return options;
}

class SmcBits : public testing::TestWithParam<CovarianceType> {
 protected:
  static SmcPlan plan(const SmcSampler& sampler, Eigen::Index dim, Eigen::Index components) {
    return test::smc_plan_of(sampler, test::mixture_of(GetParam(), dim, components),
                             test::observation_for(GetParam(), dim));
  }
};

TEST_P(SmcBits, AreThoseOfEveryInstructionSetAndNumberOfThreads) {
  for (const test::Shape& shape : {test::Shape{1, 2}, test::Shape{2, 3}, test::Shape{9, 17}}) {
    for (const SmcSampler& sampler : test::every_smc_sampler(37)) {
      const SmcPlan of_case = plan(sampler, shape.dim, shape.components);
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        Options options = options_for(precision);
        const std::vector<char> expected = test::all_bytes(run(of_case, options));
        options.device = Device::cpu(3);  // as many chains as threads
        EXPECT_EQ(test::all_bytes(run(of_case, options)), expected);
        options.device = Device::cpu(5);  // threads share each chain
        EXPECT_EQ(test::all_bytes(run(of_case, options)), expected);
        for (const auto set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                               cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
          if (!cpu::is_available(set)) continue;
          const InstructionSetScope scope(cpu::to_string(set));
          EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << cpu::to_string(set);
        }
      }
    }
  }
}

TEST_P(SmcBits, AreThoseOfALongChainSharedByThreads) {
  for (const SmcSampler& sampler : test::every_smc_sampler(20'000)) {
    const SmcPlan of_case = plan(sampler, 2, 3);
    Options options = options_for(Precision::f32, 1);
    const std::vector<char> expected = test::all_bytes(run(of_case, options));
    options.device = Device::cpu(3);
    EXPECT_EQ(test::all_bytes(run(of_case, options)), expected);
  }
}

TEST_P(SmcBits, DoNotDependOnTheSplitIntoRuns) {
  for (const SmcSampler& sampler : test::every_smc_sampler(21)) {
    const SmcPlan of_case = plan(sampler, 3, 4);
    Options options = options_for(Precision::f32, 5);
    options.smc_history = false;
    const SmcSamples whole = run(of_case, options);
    const auto N = whole.rows() / 5;
    for (std::int64_t c = 0; c < 5; ++c) {
      Options one = options;
      one.first += c;
      one.count = 1;
      const SmcSamples part = run(of_case, one);
      EXPECT_EQ(test::bytes(part), test::bytes(whole, c * N, N));
      EXPECT_EQ(part.log_evidence()[0], whole.log_evidence()[static_cast<std::size_t>(c)]);
    }
  }
}

TEST_P(SmcBits, OfGivenStartsDependOnThemAlone) {
  for (const SmcSampler& sampler : test::every_smc_sampler(37)) {
    const SmcPlan of_case = plan(sampler, 9, 5);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = options_for(precision, 5);
      options.start = test::smc_start(of_case, 5);
      const SmcSamples whole = run(of_case, options);
      const std::vector<char> expected = test::all_bytes(whole);
      for (const int threads : {3, 7}) {
        options.device = Device::cpu(threads);
        EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << threads;
      }
      for (const auto set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                             cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
        if (!cpu::is_available(set)) continue;
        const InstructionSetScope scope(cpu::to_string(set));
        EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << cpu::to_string(set);
      }
      options.first += 2;
      options.count = 3;
      options.start = Points(options.start->bottomRows(3 * of_case.particles));
      const SmcSamples part = run(of_case, options);
      const auto rows = whole.rows() / 5;
      EXPECT_EQ(test::bytes(part), test::bytes(whole, 2 * rows, 3 * rows));
      EXPECT_EQ(part.log_evidence().back(), whole.log_evidence().back());
    }
  }
}

void expect_near(const std::vector<double>& values, const std::vector<double>& others, double tolerance) {
  ASSERT_EQ(values.size(), others.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], others[i], tolerance * std::max(1.0, std::abs(others[i])));
}

void expect_near_reference(const SmcPlan& plan, Options options) {
  const SmcSamples actual = run(plan, options);
  options.device = Device::reference();
  const SmcSamples expected = run(plan, options);
  ASSERT_EQ(actual.history().ancestors, expected.history().ancestors);
  EXPECT_EQ(actual.history().resampled, expected.history().resampled);
  const Points x = expected.to_double();
  EXPECT_LE((actual.to_double() - x).cwiseAbs().maxCoeff(), 1e-10 * std::max(1.0, x.cwiseAbs().maxCoeff()));
  expect_near(actual.log_evidence(), expected.log_evidence(), 1e-9);
  expect_near(actual.smallest_ess(), expected.smallest_ess(), 1e-7);
  expect_near(actual.log_weights(), expected.log_weights(), 1e-7);
  expect_near(actual.history().ess, expected.history().ess, 1e-7);
  expect_near(actual.history().log_weights, expected.history().log_weights, 1e-7);
}

/// As many levels as there are, of all particles.
std::pair<SmcPlan, Options> all_levels(SmcPlan plan, Precision precision) {
  plan.output = SmcOutput::particles;
  Options options = options_for(precision);
  options.history = static_cast<int>(plan.times.size());
  return {std::move(plan), options};
}

TEST_P(SmcBits, OfKeptLevelsDependOnNothingElse) {
  for (const SmcSampler& sampler : test::every_smc_sampler(37)) {
    auto [of_case, options] = all_levels(plan(sampler, 9, 5), Precision::f32);
    const SmcSamples all = run(of_case, options);
    const auto M = static_cast<std::int64_t>(options.history);
    EXPECT_EQ(all.shape(), (std::vector<std::int64_t>{3, M, 37, 9}));
    EXPECT_EQ(all.times(), of_case.times);
    const std::vector<char> expected = test::all_bytes(all);
    for (const int threads : {3, 5}) {
      options.device = Device::cpu(threads);
      EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << threads;
    }
    for (const auto set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                           cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
      if (!cpu::is_available(set)) continue;
      const InstructionSetScope scope(cpu::to_string(set));
      EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << cpu::to_string(set);
    }
    options.history = 2;
    const SmcSamples ends = run(of_case, options);
    EXPECT_EQ(ends.times(), (std::vector{of_case.times.front(), of_case.times.back()}));
    options.history = 0;
    const SmcSamples last = run(of_case, options);
    EXPECT_EQ(all.log_evidence(), last.log_evidence());
    for (std::int64_t c = 0; c < 3; ++c) {
      EXPECT_EQ(test::bytes(all, (c * M + M - 1) * 37, 37), test::bytes(last, c * 37, 37));
      EXPECT_EQ(test::bytes(ends, 2 * c * 37, 37), test::bytes(all, c * M * 37, 37));
      EXPECT_EQ(test::bytes(ends, (2 * c + 1) * 37, 37), test::bytes(last, c * 37, 37));
    }
  }
}

/// The kept states of level `level`, chain by chain.
Points states_at(const SmcSamples& samples, std::int64_t level) {
  const std::int64_t chains = samples.shape()[0], M = samples.shape()[1], N = samples.shape()[2];
  const Points all = samples.to_double();
  Points states(chains * N, samples.dim());
  for (std::int64_t c = 0; c < chains; ++c)
    states.middleRows(c * N, N) = all.middleRows((c * M + level) * N, N);
  return states;
}

TEST_P(SmcBits, OfAKeptStartAreTheStart) {
  for (const Device& device : {Device::reference(), Device::cpu(2)}) {
    for (const SmcSampler& sampler : test::every_smc_sampler(23)) {
      auto [of_case, options] = all_levels(plan(sampler, 4, 3), Precision::f64);
      options.device = device;
      options.start = test::smc_start(of_case, 3);
      const Points kept = states_at(run(of_case, options), 0);
      EXPECT_LE((kept - *options.start).cwiseAbs().maxCoeff(), 1e-13);
    }
  }
}

TEST(SmcStart, OfTheStatesThatARunDrewGivesItsChain) {
  // The rotation of an observation of coordinates is a permutation, so rounding changes no state on the way.
  const Mixture prior = test::mixture_of(CovarianceType::diag, 4, 3);
  const LinearObservation observation = test::observation_of(4, /*coordinates=*/true);
  for (const Device& device : {Device::reference(), Device::cpu(2)}) {
    for (const SmcSampler& sampler : test::every_smc_sampler(23)) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        // The reference computes in double and keeps states rounded to the precision of the result.
        if (device == Device::reference() && precision == Precision::f32) continue;
        auto [of_case, options] = all_levels(test::smc_plan_of(sampler, prior, observation), precision);
        options.device = device;
        const SmcSamples drawn = run(of_case, options);
        options.start = states_at(drawn, 0);
        EXPECT_EQ(test::all_bytes(run(of_case, options)), test::all_bytes(drawn));
      }
    }
  }
}

TEST_P(SmcBits, AgreeWithTheReferenceInDouble) {
  for (const test::Shape& shape : {test::Shape{1, 2}, test::Shape{2, 3}, test::Shape{6, 5}}) {
    for (const SmcSampler& sampler : test::every_smc_sampler(23)) {
      const SmcPlan of_case = plan(sampler, shape.dim, shape.components);
      Options options = options_for(Precision::f64, 2);
      expect_near_reference(of_case, options);
      options.start = test::smc_start(of_case, 2);
      expect_near_reference(of_case, options);
      auto [all_of_case, with_levels] = all_levels(of_case, Precision::f64);
      expect_near_reference(all_of_case, with_levels);
    }
  }
}

TEST_P(SmcBits, OfAMapAreThoseOfEveryInstructionSetAndAgreeWithTheReference) {
  for (const test::Shape& shape : {test::Shape{1, 2}, test::Shape{3, 4}}) {
    const Mixture prior = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const SmcPlan& of_case : test::every_smc_plan_with_map(prior, 37)) {
      expect_near_reference(of_case, options_for(Precision::f64, 2));
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        Options options = options_for(precision);
        const std::vector<char> expected = test::all_bytes(run(of_case, options));
        options.device = Device::cpu(5);  // threads share each chain
        EXPECT_EQ(test::all_bytes(run(of_case, options)), expected);
        for (const auto set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                               cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
          if (!cpu::is_available(set)) continue;
          const InstructionSetScope scope(cpu::to_string(set));
          EXPECT_EQ(test::all_bytes(run(of_case, options)), expected) << cpu::to_string(set);
        }
      }
    }
  }
}

/// Largest difference of the states over the largest state.
double state_difference(const SmcSamples& found, const SmcSamples& expected) {
  const Points a = found.to_double(), b = expected.to_double();
  return (a - b).cwiseAbs().maxCoeff() / b.cwiseAbs().maxCoeff();
}

// The mixture's D, by the densities of the library in place of the arithmetic of a device, differs by
// rounding errors, which the steps of a chain increase by small factors. Particles have the same ancestors
// unless a point of resampling lies within rounding errors of a boundary.
TEST_P(SmcBits, OfADenoiserByHandAreNearTheMixtures) {
  for (const test::Shape& shape : {test::Shape{1, 2}, test::Shape{2, 3}, test::Shape{6, 5}}) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    const HostDenoiser denoiser = test::denoiser_of_mixture(mixture);
    for (const SmcSampler& sampler : test::smc_samplers_of_denoisers(37)) {
      Options options = options_for(Precision::f64);
      const SmcSamples expected = run(test::smc_plan_by(mixture, shape.dim, sampler), options);
      const SmcPlan by_hand = test::smc_plan_by(denoiser, shape.dim, sampler);
      for (const Device& device : {Device::cpu(1), Device::reference()}) {
        options.device = device;
        const SmcSamples found = run(by_hand, options);
        EXPECT_LT(state_difference(found, expected), 1e-9) << by_hand;
        expect_near(found.log_evidence(), expected.log_evidence(), 1e-9);
        EXPECT_EQ(found.history().ancestors, expected.history().ancestors);
      }
    }
  }
}

TEST_P(SmcBits, OfADenoiserUnderAMapAgreeWithTheReference) {
  const HostDenoiser denoiser = test::denoiser_of_mixture(test::mixture_of(GetParam(), 3, 4));
  for (const SmcPlan& by_hand : test::every_smc_plan_by(denoiser, 3, 37)) {
    if (!by_hand.map) continue;
    const auto [plan, options] = all_levels(by_hand, Precision::f64);
    expect_near_reference(plan, options);
  }
}

TEST_P(SmcBits, OfADenoiserDependOnNeitherThreadsNorRanges) {
  const HostDenoiser denoiser = test::denoiser_of_mixture(test::mixture_of(GetParam(), 3, 4));
  for (const SmcPlan& plan : test::every_smc_plan_by(denoiser, 3, 37)) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = options_for(precision, 5);
      options.start = test::smc_start(plan, 5);
      const SmcSamples whole = run(plan, options);
      const std::vector<char> expected = test::all_bytes(whole);
      for (const int threads : {3, 7}) {  // threads have chains each, or share them
        options.device = Device::cpu(threads);
        EXPECT_EQ(test::all_bytes(run(plan, options)), expected) << threads;
      }
      const InstructionSetScope scope("scalar");
      EXPECT_EQ(test::all_bytes(run(plan, options)), expected);
      options.first += 2;
      options.count = 3;
      options.start = Points(options.start->bottomRows(3 * plan.particles));
      const SmcSamples part = run(plan, options);
      const auto rows = whole.rows() / 5;
      EXPECT_EQ(test::bytes(part), test::bytes(whole, 2 * rows, 3 * rows));
      EXPECT_EQ(part.log_evidence().back(), whole.log_evidence().back());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, SmcBits, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

TEST(SmcSlots, CrossTheUpperHalfOfTheIndex) {
  // Particles of one chain on both sides of 2^32: each equals that of the reference, whose streams handle
  // every index.
  constexpr std::int64_t N = 100, half = std::int64_t{1} << 32;
  const SmcPlan plan =
      test::smc_plan_of(Mcgdiff{.particles = N, .output = SmcOutput::particles},
                        test::mixture_of(CovarianceType::spherical, 3, 4), test::observation_of(3));
  Options options{
      .count = 2, .seed = 3, .device = Device::cpu(1), .precision = Precision::f64, .first = half / N};
  ASSERT_LT(options.first * N, half);
  ASSERT_GT((options.first + 1) * N, half);
  const Points actual = run(plan, options).to_double();
  options.device = Device::reference();
  EXPECT_LE((actual - run(plan, options).to_double()).cwiseAbs().maxCoeff(), 1e-10);
}

TEST(SmcBatch, GivesEachProblemItsStart) {
  const SmcPlan plan =
      test::smc_plan_of(Mcgdiff{.particles = 30, .output = SmcOutput::particles},
                        test::mixture_of(CovarianceType::full, 3, 4), test::observation_of(3));
  const std::vector<SmcPlan> plans(2, plan);
  const Points start = test::smc_start(plan, 8);
  for (const Device& device : {Device::reference(), Device::cpu(2)}) {
    Options options{.count = 4, .seed = 3, .device = device, .start = start};
    const SmcSamples batch = run(plans, options);
    for (Eigen::Index p = 0; p < 2; ++p) {
      options.seed = batch.provenance().problem_seeds[static_cast<std::size_t>(p)];
      options.start = Points(start.middleRows(4 * 30 * p, 4 * 30));
      EXPECT_EQ(test::bytes(batch, 4 * 30 * p, 4 * 30), test::bytes(run(plan, options)));
    }
  }
}

TEST(SmcBatch, EqualsItsSingleRuns) {
  const Mixture prior = test::mixture_of(CovarianceType::spherical, 3, 4);
  const LinearObservation first = test::observation_of(3);
  const std::vector<LinearObservation> observations{first, {first.A(), -first.y(), 0.5}};
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 4);
  const Mcgdiff sampler{.particles = 30};
  Options options{.count = 4, .seed = 3, .device = Device::cpu(2)};
  const SmcSamples batch = sample(prior, observations, process, grid, sampler, options);
  EXPECT_EQ(batch.shape(), (std::vector<std::int64_t>{2, 4, 3}));
  for (std::size_t p = 0; p < 2; ++p) {
    options.seed = batch.provenance().problem_seeds[p];
    const SmcSamples single = sample(prior, observations[p], process, grid, sampler, options);
    EXPECT_EQ(test::bytes(batch, static_cast<Eigen::Index>(4 * p), 4), test::bytes(single));
    EXPECT_EQ(single.mean_log_evidence(), batch.mean_log_evidence(static_cast<std::int64_t>(p)));
  }
  // Problems with different grids and priors.
  const std::vector<SmcProblem> problems{{prior, observations[0], grid},
                                         {prior, observations[1], TimeGrid::uniform(process, 7)}};
  options.seed = 3;
  const SmcSamples mixed = sample(problems, process, sampler, options);
  EXPECT_EQ(test::bytes(mixed, 0, 4), test::bytes(batch, 0, 4));
}

/// The smallest number of bytes that a run accepts, from its message.
std::size_t smallest_memory_limit(const SmcPlan& plan, Options options) {
  options.memory_limit = 1;
  try {
    run(plan, options);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(concat("one chain of ", plan.particles, " particles needs")), std::string::npos)
        << message;
    return std::stoull(message.substr(message.rfind(' ')));
  }
  return 0;
}

TEST(SmcOfADenoiser, CallsItWithTheParticlesOfAllChains) {
  std::vector<Eigen::Index> rows;
  const HostDenoiser shrink{.id = "shrink", .function = [&](const Points& x, Level level, Points& D) {
                              rows.push_back(x.rows());
                              D = level.alpha / (level.alpha * level.alpha + level.sigma * level.sigma) * x;
                            }};
  const SmcPlan plan = test::smc_plan_by(shrink, 2, Mcgdiff{.particles = 37, .start = Start::gaussian});
  Options options{.count = 5, .device = Device::cpu(2)};
  run(plan, options);
  EXPECT_EQ(rows, std::vector<Eigen::Index>(8, 5 * 37));
  // Memory for fewer chains at once.
  rows.clear();
  const std::vector<char> expected = test::all_bytes(run(plan, options));
  rows.clear();
  options.memory_limit = smallest_memory_limit(plan, options);
  EXPECT_EQ(test::all_bytes(run(plan, options)), expected);
  EXPECT_EQ(rows, std::vector<Eigen::Index>(5 * 8, 37));
}

TEST(SmcOfADenoiser, NamesTheChainWhoseWeightIsNotFinite) {
  const HostDenoiser breaks{.id = "breaks", .function = [](const Points& x, Level level, Points& D) {
                              D = level.alpha * x;
                              if (x.rows() == 3 * 37 && level.sigma < 0.5) D(40, 0) = std::nan("");
                            }};
  const SmcPlan plan = test::smc_plan_by(breaks, 2, Mcgdiff{.particles = 37, .start = Start::gaussian});
  try {
    run(plan, {.count = 3, .device = Device::cpu(1), .first = 7});
    FAIL() << "expected a WeightError";
  } catch (const WeightError& error) {
    EXPECT_NE(std::string(error.what()).find("run: chain 8: a weight is not finite at step "),
              std::string::npos)
        << error.what();
  }
}

TEST(SmcMemory, ALimitChangesNoBit) {
  const SmcPlan plan =
      test::smc_plan_of(Mcgdiff{.particles = 64, .output = SmcOutput::particles},
                        test::mixture_of(CovarianceType::full, 3, 4), test::observation_of(3));
  Options options{.count = 6, .seed = 3, .device = Device::cpu(2)};
  const std::vector<char> expected = test::bytes(run(plan, options));
  options.memory_limit = smallest_memory_limit(plan, options);
  EXPECT_EQ(test::bytes(run(plan, options)), expected);
}

}  // namespace
}  // namespace gmdiff
