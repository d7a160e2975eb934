#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "device/cuda/executor.hpp"
#include "device/smc_kernel_cases.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"
#include "support/learned_denoisers.hpp"

// SMC on the kernels of the GPU, run on the host block: the same bits as the device cpu, for every scheme, in
// every order of threads and every layout (numerics.md §6, §7).

namespace gmdiff {
namespace {

using test::all_bytes;
using test::HostGpu;
using test::ThreadOrder;

struct Case {
  ThreadOrder order;
  kernels::Limits limits;
};
/// One thread block per chain, with everything, only the tile or nothing in shared memory. Then several
/// thread blocks per chain, with and without shared memory.
constexpr kernels::Limits own_blocks{.shared_bytes = 227 << 10, .blocks = 2};
constexpr kernels::Limits own_blocks_tile{.shared_bytes = 20 << 10, .blocks = 2};
constexpr kernels::Limits own_blocks_room{.shared_bytes = 600, .blocks = 2};
constexpr kernels::Limits several_blocks{.shared_bytes = 227 << 10, .blocks = 9, .shared_chain = 1};
constexpr kernels::Limits several_blocks_room{.shared_bytes = 600, .blocks = 9, .shared_chain = 1};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const kernels::Limits& limits :
       {own_blocks, several_blocks, own_blocks_tile, own_blocks_room, several_blocks_room}) {
    for (const ThreadOrder order : {ThreadOrder::ascending, ThreadOrder::descending, ThreadOrder::shuffled})
      list.push_back({order, limits});
  }
  return list;
}

SmcSamples on_cpu(const SmcPlan& plan, Options options) {
  options.device = Device::cpu(1);
  return run(plan, options);
}
SmcSamples on_kernels(const SmcPlan& plan, const Options& options, const Case& c) {
  return run(std::span(&plan, 1), options,
             *cuda::make_executor(std::make_unique<HostGpu>(c.order, c.limits), "cuda"));
}

class SmcKernels : public testing::TestWithParam<CovarianceType> {};

TEST_P(SmcKernels, HaveTheBitsOfTheCpu) {
  test::Turns turns(31, 3);
  const std::vector<Case> list = cases();
  std::size_t turn = 0;
  const auto next = [&](auto values) { return values[turn % values.size()]; };
  for (const Eigen::Index dim : {1, 2, 5, 8, 17}) {
    for (test::SmcSettings settings : test::every_smc_sampler()) {
      for (int repetition = 0; repetition < 7; ++repetition, ++turn) {
        // Numbers without common factors, so that every pair of settings occurs.
        settings.particles = next(std::array{37, 130, 1, 300, 2});
        settings.resampling = next(std::array{Resampling::systematic, Resampling::residual,
                                              Resampling::stratified, Resampling::multinomial});
        settings.ess_threshold = next(std::array{1.0, 0.5, 0.0});
        settings.output = turn / 8 % 2 == 0 ? SmcOutput::draw : SmcOutput::particles;
        const Options options{.count = 3,
                              .seed = turn,
                              .precision = turn / 4 % 2 == 0 ? Precision::f32 : Precision::f64,
                              .first = 1000,
                              .smc_history = turn % 11 != 0};
        if (!turns.next()) continue;
        const SmcPlan plan = test::smc_plan_of(GetParam(), dim, settings);
        const Case& c = list[(4 * turn + turn / list.size()) % list.size()];
        EXPECT_TRUE(all_bytes(on_kernels(plan, options, c)) == all_bytes(on_cpu(plan, options)))
            << "turn " << turn << " d " << dim << ' ' << settings.name << " N " << settings.particles
            << " scheme " << static_cast<int>(settings.resampling) << " order " << static_cast<int>(c.order)
            << " shared " << c.limits.shared_bytes << " blocks " << c.limits.blocks;
      }
    }
  }
}

TEST_P(SmcKernels, HaveTheBitsOfTheCpuInEveryLayout) {
  test::Turns turns(17);
  for (const Resampling scheme :
       {Resampling::systematic, Resampling::stratified, Resampling::multinomial, Resampling::residual}) {
    for (test::SmcSettings settings : test::every_smc_sampler()) {
      settings.particles = 200;
      settings.resampling = scheme;
      settings.ess_threshold = 0.7;
      settings.output = SmcOutput::particles;
      const SmcPlan plan = test::smc_plan_of(GetParam(), 3, settings);
      const Options options{.count = 2, .seed = 5, .precision = Precision::f32, .smc_history = true};
      std::vector<char> expected;
      for (const Case& c : cases()) {
        if (c.order != ThreadOrder::shuffled || !turns.next()) continue;
        if (expected.empty()) expected = all_bytes(on_cpu(plan, options));
        EXPECT_TRUE(all_bytes(on_kernels(plan, options, c)) == expected)
            << settings.name << " scheme " << static_cast<int>(scheme) << " shared " << c.limits.shared_bytes
            << " blocks " << c.limits.blocks;
      }
    }
  }
}

TEST_P(SmcKernels, HaveTheBitsOfTheCpuFromGivenStartsAtKeptLevels) {
  test::Turns turns(11);
  const std::vector<Case> list = cases();
  std::size_t turn = 0;
  for (const Eigen::Index dim : {2, 5, 17}) {
    for (test::SmcSettings settings : test::every_smc_sampler()) {
      settings.particles = turn % 2 == 0 ? 37 : 130;
      settings.output = SmcOutput::particles;
      const Case& c = list[4 * turn % list.size()];
      const Precision precision = turn++ % 3 == 0 ? Precision::f64 : Precision::f32;
      if (!turns.next()) continue;
      const SmcPlan plan = test::smc_plan_of(GetParam(), dim, settings);
      Options options{.count = 3, .seed = 5, .precision = precision, .first = 1000, .smc_history = true};
      options.start = test::smc_start(plan, 3);
      options.history = 2 + static_cast<int>(turn % 3);
      EXPECT_TRUE(all_bytes(on_kernels(plan, options, c)) == all_bytes(on_cpu(plan, options)))
          << settings.name << " d " << dim << " shared " << c.limits.shared_bytes << " blocks "
          << c.limits.blocks;
    }
  }
}

TEST_P(SmcKernels, HaveTheBitsOfTheCpuWhereAChainReachesTheUpperHalfOfTheIndex) {
  test::Turns turns(13);
  for (test::SmcSettings settings : test::every_smc_sampler()) {
    for (const Resampling scheme : {Resampling::multinomial, Resampling::residual}) {
      settings.particles = 300;
      settings.resampling = scheme;
      const SmcPlan plan = test::smc_plan_of(GetParam(), 2, settings);
      // Particle 196 of the second chain has index 2^32.
      const Options options{
          .count = 3, .seed = 5, .precision = Precision::f32, .first = 14'316'556, .smc_history = true};
      for (const kernels::Limits& limits : {own_blocks, several_blocks}) {
        if (!turns.next()) continue;
        EXPECT_TRUE(all_bytes(on_kernels(plan, options, {ThreadOrder::shuffled, limits})) ==
                    all_bytes(on_cpu(plan, options)))
            << settings.name << " blocks " << limits.blocks;
      }
    }
  }
}

TEST_P(SmcKernels, HaveTheBitsOfTheCpuWithAMap) {
  // Few components and more than a chunk of them; particles of one thread block and of several.
  struct Shape {
    Eigen::Index dim, components;
  };
  const std::vector<Case> list = cases();
  std::size_t turn = 0;
  for (const Shape& shape : {Shape{1, 3}, Shape{3, 18}, Shape{8, 18}, Shape{17, 3}}) {
    const Mixture prior = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (SmcPlan plan : test::every_smc_plan_with_map(prior, turn % 4 < 2 ? 37 : 150)) {
      const Case& c = list[4 * turn++ % list.size()];
      Options options{.count = 2,
                      .seed = turn,
                      .precision = turn / 2 % 2 == 0 ? Precision::f32 : Precision::f64,
                      .first = 1000,
                      .smc_history = true};
      if (turn % 3 == 0) {
        options.start = test::smc_start(plan, 2);
        options.history = 2;
        plan.output = SmcOutput::particles;
      }
      EXPECT_TRUE(all_bytes(on_kernels(plan, options, c)) == all_bytes(on_cpu(plan, options)))
          << "turn " << turn << " d " << shape.dim << " shared " << c.limits.shared_bytes << " blocks "
          << c.limits.blocks;
    }
  }
}

TEST(SmcKernelsOfALearnedDenoiser, HaveTheBitsOfTheCpu) {
  const std::vector<Case> list = cases();
  std::size_t turn = 0;
  for (const Eigen::Index dim : {1, 2, 9}) {
    const HostDenoiser network = test::random_denoiser({dim, 9, 2}, Parametrisation::edm,
                                                       turn % 2 == 0 ? Precision::f32 : Precision::f64)
                                     .denoiser();
    // A function of the host, which the device does not recognise as a network.
    const HostDenoiser wrapped{
        .id = network.id,
        .function = [network](const Points& x, Level level, Points& D) { network.function(x, level, D); }};
    const int particles = dim == 1 ? 130 : 37;
    const std::vector<SmcPlan> by_function = test::every_smc_plan_by(wrapped, dim, particles);
    std::size_t number = 0;
    for (const SmcPlan& plan : test::every_smc_plan_by(network, dim, particles)) {
      const Case& c = list[4 * turn++ % list.size()];
      Options options{.count = 3,
                      .seed = turn,
                      .precision = turn / 2 % 2 == 0 ? Precision::f32 : Precision::f64,
                      .first = 1000,
                      .smc_history = true};
      if (turn % 3 == 0) options.start = test::smc_start(plan, 3);
      const std::vector<char> expected = all_bytes(on_cpu(plan, options));
      const auto name = [&] {
        return concat("turn ", turn, " d ", dim, " shared ", c.limits.shared_bytes, " blocks ",
                      c.limits.blocks);
      };
      EXPECT_TRUE(all_bytes(on_kernels(plan, options, c)) == expected) << name();
      EXPECT_TRUE(all_bytes(on_kernels(by_function[number++], options, c)) == expected) << name();
    }
  }
}

TEST(SmcKernelsOfALearnedDenoiser, EvaluateTheNetworkOnTheGpu) {
  const HostDenoiser network =
      test::random_denoiser({2, 9, 2}, Parametrisation::edm, Precision::f32).denoiser();
  int calls = 0;
  const HostDenoiser wrapped{.id = network.id, .function = [&](const Points& x, Level level, Points& D) {
                               ++calls;
                               network.function(x, level, D);
                             }};
  const auto launches = [](const HostDenoiser& denoiser) {
    auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, own_blocks);
    const std::shared_ptr<int> count = gpu->launches();
    const SmcPlan plan = test::smc_plan_by(denoiser, 2, Bootstrap{.particles = 37, .start = Start::gaussian});
    run(std::span(&plan, 1), {.count = 2}, *cuda::make_executor(std::move(gpu), "cuda"));
    return *count;
  };
  // One launch in place of a call in each of 8 steps, between the two launches that rotate.
  const int on_host = launches(wrapped);
  EXPECT_EQ(calls, 8);
  EXPECT_EQ(launches(network), on_host + 8);
}

TEST(SmcKernelsOfALearnedDenoiser, FitTheMemoryThatARunPlans) {
  const HostDenoiser network =
      test::random_denoiser({2, 130, 2}, Parametrisation::edm, Precision::f64).denoiser();
  const SmcPlan plan = test::smc_plan_by(network, 2, Mcgdiff{.particles = 37, .start = Start::gaussian});
  Options options{.count = 5, .seed = 3};
  const std::vector<char> expected = all_bytes(on_cpu(plan, options));
  const auto on_gpu_of = [&](std::size_t memory) {
    return run(
        std::span(&plan, 1), options,
        *cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, own_blocks, memory), "cuda"));
  };
  options.memory_limit = 1;
  std::size_t least = 0;
  try {
    on_gpu_of(std::size_t{1} << 30);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    least = std::stoull(message.substr(message.rfind(' ')));
  }
  options.memory_limit = least;
  // A tenth of a GPU's memory stays free.
  EXPECT_TRUE(all_bytes(on_gpu_of(least / 9 * 10 + 10)) == expected) << least;
}

INSTANTIATE_TEST_SUITE_P(Structures, SmcKernels,
                         testing::Values(CovarianceType::spherical, CovarianceType::diag,
                                         CovarianceType::full),
                         test::structure_name);

TEST(SmcOnCuda, RunsChainsInRangesWithTheSameBits) {
  test::SmcSettings settings = test::every_smc_sampler().front();
  settings.particles = 130;
  const SmcPlan plan = test::smc_plan_of(CovarianceType::diag, 3, settings);
  Options options{.count = 7, .seed = 3, .precision = Precision::f32, .smc_history = true};
  const SmcSamples whole = on_cpu(plan, options);
  std::vector<double> evidence;
  std::vector<char> states;
  for (const auto& [begin, end] : {std::pair{0, 1}, std::pair{1, 5}, std::pair{5, 7}}) {
    options.first = begin;
    options.count = end - begin;
    const SmcSamples part = on_kernels(plan, options, {ThreadOrder::shuffled, own_blocks});
    evidence.insert(evidence.end(), part.log_evidence().begin(), part.log_evidence().end());
    const std::vector<char> rows = test::bytes(part);
    states.insert(states.end(), rows.begin(), rows.end());
  }
  EXPECT_EQ(evidence, whole.log_evidence());
  EXPECT_TRUE(states == test::bytes(whole));
}

/// The message of a failure.
template <class Run>
std::string failure_of(Run run) {
  try {
    run();
  } catch (const WeightError& error) {
    return error.what();
  }
  return "no failure";
}

TEST(SmcOnCuda, NamesTheSameChainAndStepAsTheCpu) {
  test::SmcSettings settings{.name = "bootstrap", .is_bootstrap = true};
  for (const int particles : {1, 3, 300}) {
    settings.particles = particles;
    SmcPlan plan = test::smc_plan_of(CovarianceType::spherical, 2, settings);
    // Narrow enough for a weight of 0 at some distance; which chain reaches it first is random.
    const double scale = particles == 300 ? 3e-43 : 1.6e-39;
    plan.steps[2].at_s.variance.setConstant(scale);
    const Options options{.count = 20, .seed = 8, .precision = Precision::f32};
    const std::string expected = failure_of([&] { on_cpu(plan, options); });
    EXPECT_NE(expected, "no failure");
    for (const kernels::Limits& limits : {own_blocks, several_blocks}) {
      EXPECT_EQ(failure_of([&] {
                  on_kernels(plan, options, {ThreadOrder::shuffled, limits});
                }),
                expected)
          << particles;
    }
  }
}

TEST(SmcOnCuda, NamesAWeightThatIsNotFinite) {
  for (const bool is_bootstrap : {false, true}) {
    SmcPlan plan = test::smc_plan_of(CovarianceType::full, 2, {.name = "", .is_bootstrap = is_bootstrap});
    plan.steps[1].at_s.centre.setConstant(std::numeric_limits<double>::quiet_NaN());
    const Options options{.count = 2, .seed = 8, .precision = Precision::f64};
    const std::string expected = failure_of([&] { on_cpu(plan, options); });
    EXPECT_NE(expected.find("a weight is not finite at step "), std::string::npos) << expected;
    EXPECT_EQ(failure_of([&] { on_kernels(plan, options, {ThreadOrder::ascending, own_blocks}); }), expected);
  }
}

TEST(SmcOnCuda, SplitsChainsThatDoNotFitItsMemory) {
  test::SmcSettings settings = test::every_smc_sampler().front();
  settings.particles = 130;
  settings.output = SmcOutput::particles;
  const SmcPlan plan = test::smc_plan_of(CovarianceType::diag, 3, settings);
  for (const bool has_more : {false, true}) {
    Options options{.count = 24, .seed = 3, .precision = Precision::f32, .smc_history = has_more};
    if (has_more) {
      options.start = test::smc_start(plan, 24);
      options.history = 3;
    }
    const std::vector<char> expected = all_bytes(on_cpu(plan, options));
    const auto gpu = std::make_shared<HostGpu>(ThreadOrder::ascending, own_blocks_room, 80 << 10);
    const std::size_t free = gpu->free_memory();
    options.memory_limit = 60 << 10;
    int pieces = 0;
    options.progress = [&](const Progress&) { ++pieces; };
    EXPECT_TRUE(all_bytes(run(std::span(&plan, 1), options, *cuda::make_executor(gpu, "cuda"))) == expected);
    EXPECT_GT(pieces, 1);
    EXPECT_EQ(gpu->free_memory(), free) << "all is given back";
  }
}

TEST(SmcOnCuda, SaysHowManyBytesAreMissing) {
  const SmcPlan plan = test::smc_plan_of(CovarianceType::diag, 3, test::every_smc_sampler().front());
  const auto executor =
      cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, own_blocks, 1000), "cuda:1");
  Options options{.count = 10};
  std::string message;
  try {
    run(std::span(&plan, 1), options, *executor);
  } catch (const DeviceError& error) {
    message = error.what();
  }
  EXPECT_TRUE(message.starts_with("cuda:1: out of memory: ") &&
              message.ends_with(" bytes wanted for one chain of 40 particles, 900 free"))
      << message;
  options.memory_limit = 1000;
  test::expect_invalid([&] { run(std::span(&plan, 1), options, *executor); },
                       "cuda:1: memory_limit is 1000 bytes, one chain of 40 particles needs ");
}

TEST(SmcOnCuda, StopsBetweenPieces) {
  const SmcPlan plan = test::smc_plan_of(CovarianceType::diag, 3, test::every_smc_sampler().front());
  std::stop_source source;
  Options options{.count = 200, .seed = 3, .precision = Precision::f32, .memory_limit = 16 << 10};
  options.progress = [&](const Progress&) { source.request_stop(); };
  options.stop = source.get_token();
  try {
    on_kernels(plan, options, {ThreadOrder::ascending, own_blocks});
    FAIL() << "not stopped";
  } catch (const SmcInterrupted& stopped) {
    const auto chains = std::ssize(stopped.finished_chains().log_evidence());
    EXPECT_GT(chains, 0);
    EXPECT_LT(chains, 200);
  }
}

TEST(SmcOnCuda, LaunchesOnceWhereEveryChainHasABlock) {
  test::SmcSettings settings = test::every_smc_sampler().front();
  settings.particles = 300;
  const SmcPlan plan = test::smc_plan_of(CovarianceType::diag, 3, settings);
  const auto launches_of = [&](const kernels::Limits& limits) {
    auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, limits);
    const std::shared_ptr<int> launches = gpu->launches();
    run(std::span(&plan, 1), {.count = 3}, *cuda::make_executor(std::move(gpu), "cuda"));
    return *launches;
  };
  EXPECT_EQ(launches_of(own_blocks), 1);
  EXPECT_GT(launches_of(several_blocks), 20);
}

TEST(ChainGeometry, GivesFewLongChainsSeveralBlocks) {
  kernels::ChainsJob<float> job{};
  job.tables.law.family = particle::Family::diag;
  job.tables.law.dim = 8;
  job.tables.law.num_components = 25;
  const kernels::Limits h100{.shared_bytes = 226 << 10, .blocks = 1056};
  const auto geometry_of = [&](std::int64_t chains, std::int64_t N) {
    job.count = chains;
    job.tables.particles = N;
    return kernels::chain_geometry(job, h100, 1000);
  };
  EXPECT_EQ(geometry_of(1000, 128).blocks, 1000);
  EXPECT_TRUE(geometry_of(1000, 128).states_in_shared);
  EXPECT_EQ(geometry_of(1, 128).parts, 1);
  EXPECT_EQ(geometry_of(1, 10'000'000).parts, 1056);
  EXPECT_EQ(geometry_of(100, 100'000).parts, 10);
  EXPECT_FALSE(geometry_of(2000, 8192).states_in_shared);
  EXPECT_EQ(geometry_of(2000, 8192).blocks, 1000) << "one chain after the other";
}

}  // namespace
}  // namespace gmdiff
