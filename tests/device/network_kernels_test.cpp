#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/paths.hpp>

#include "device/cpu/cpu.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "device/program_cases.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"
#include "support/learned_denoisers.hpp"
#include "support/trained_samplers.hpp"

// Learned denoisers and the paths of trained samplers on the kernels of the GPU, run on the host block: the
// bits of the device cpu.

namespace gmdiff {
namespace {

using test::HostGpu;
using test::random_sampler;
using test::small_sampler;
using test::ThreadOrder;

constexpr std::size_t most_shared = 227 << 10;
constexpr std::size_t little_shared = 4 << 10;

/// Tiles of 32, 16 and 8 particles in shared memory, and tiles of 32 in global memory where the largest
/// network does not fit.
std::vector<std::unique_ptr<HostGpu>> gpus_for_networks() {
  std::vector<std::unique_ptr<HostGpu>> gpus;
  gpus.push_back(std::make_unique<HostGpu>(ThreadOrder::ascending, most_shared));
  gpus.push_back(std::make_unique<HostGpu>(ThreadOrder::descending, kernels::Limits{most_shared, 32}));
  gpus.push_back(std::make_unique<HostGpu>(ThreadOrder::shuffled, kernels::Limits{most_shared, 64}));
  gpus.push_back(std::make_unique<HostGpu>(ThreadOrder::shuffled, little_shared));
  return gpus;
}

/// The same denoiser, which a device takes for a function of the host. Counts its calls.
HostDenoiser wrapped(const HostDenoiser& denoiser, int& calls) {
  return {.id = denoiser.id,
          .function =
              [denoiser, &calls](const Points& x, Level level, Points& D) {
                ++calls;
                denoiser.function(x, level, D);
              },
          .transposed_jvp =
              [denoiser, &calls](const Points& x, const Points& v, Level level, Points& product) {
                ++calls;
                denoiser.transposed_jvp(x, v, level, product);
              }};
}

/// A sampler that only evaluates D, and guided ones, which need J^T v.
std::vector<Plan> plans_of(const HostDenoiser& denoiser, Eigen::Index dim) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const LinearObservation observation = test::observation_of(dim, Eigen::Index{1});
  return {sampling_plan(denoiser, dim, process, grid, Ancestral{.start = Start::gaussian}),
          guided_plan(denoiser, observation, process, grid, Pigdm{.tau2 = 2.0, .integrator = Heun{}}),
          guided_plan(denoiser, observation, process, grid, Dps{.zeta = 0.3, .integrator = Ddim{}}),
          guided_plan(denoiser, test::observation_of(dim, dim == 1 ? Eigen::Index{1} : Eigen::Index{2}),
                      process, grid, Tmp{.integrator = Ddim{}})};
}

TEST(LearnedDenoiserOfAProgram, HasTheBitsOfTheCpuOnAGpu) {
  constexpr Parametrisation kinds[] = {Parametrisation::edm, Parametrisation::eps, Parametrisation::v,
                                       Parametrisation::x0};
  int kind = 0, calls = 0;
  test::Turns turns(11, 5);
  for (const test::NetworkSizes& sizes : test::network_sizes()) {
    for (const Precision of_network : {Precision::f32, Precision::f64}) {
      const HostDenoiser denoiser = test::random_denoiser(sizes, kinds[kind++ % 4], of_network).denoiser();
      const std::vector<Plan> plans = plans_of(denoiser, sizes.dim);
      const std::vector<Plan> on_host = plans_of(wrapped(denoiser, calls), sizes.dim);
      for (std::size_t p = 0; p < plans.size(); ++p) {
        for (const Precision precision : {Precision::f32, Precision::f64}) {
          if (!turns.next()) continue;
          const Options options = test::options_for(plans[p], precision);
          calls = 0;
          const std::vector<char> expected = test::bytes(run(on_host[p], options));
          EXPECT_GT(calls, 0);
          for (std::unique_ptr<HostGpu>& gpu : gpus_for_networks()) {
            const auto device = cuda::make_executor(std::move(gpu), "cuda");
            EXPECT_TRUE(test::bytes(run(plans[p], options, 0, *device)) == expected)
                << plans[p] << sizes.dim << " " << sizes.hidden;
          }
        }
      }
    }
  }
}

TEST(LearnedDenoiserOfAProgram, IsEvaluatedOnTheGpu) {
  const HostDenoiser denoiser =
      test::random_denoiser({2, 9, 2}, Parametrisation::edm, Precision::f32).denoiser();
  const auto launches = [](const Plan& plan) {
    auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, most_shared);
    const std::shared_ptr<int> count = gpu->launches();
    run(plan, {.count = 10}, 0, *cuda::make_executor(std::move(gpu), "cuda"));
    return *count;
  };
  int calls = 0;
  for (const std::size_t p : {std::size_t{0}, std::size_t{2}}) {
    calls = 0;
    const int on_host = launches(plans_of(wrapped(denoiser, calls), 2)[p]);
    EXPECT_GE(calls, 3);
    // In place of two launches that copy x to rows and D back, or three with the v of J^T v, there is one.
    EXPECT_LE(launches(plans_of(denoiser, 2)[p]), on_host - calls) << p;
  }
}

TEST(LearnedDenoiserOfAProgram, FitsTheMemoryThatARunPlans) {
  const HostDenoiser denoiser =
      test::random_denoiser({2, 130, 2}, Parametrisation::edm, Precision::f64).denoiser();
  for (const std::size_t shared : {most_shared, little_shared}) {
    for (const Plan& plan : plans_of(denoiser, 2)) {
      Options options{.count = 40};
      const std::size_t least = test::smallest_memory_limit(
          plan, options,
          *cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, shared), "cuda"));
      options.memory_limit = least;
      // A tenth of a GPU's memory stays free, and the weights are more than that.
      auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, shared, least / 9 * 10 + 10);
      EXPECT_NO_THROW(run(plan, options, 0, *cuda::make_executor(std::move(gpu), "cuda")));
    }
  }
}

TEST(LearnedDenoiserOfAProgram, RefusesWhatTheCpuRefuses) {
  const HostDenoiser denoiser =
      test::random_denoiser({2, 9, 1}, Parametrisation::eps, Precision::f32).denoiser();
  for (const bool on_gpu : {false, true}) {
    const auto device =
        on_gpu ? cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, most_shared), "cuda")
               : cpu::make_executor(1);
    test::expect_invalid([&] { run(plans_of(denoiser, 3)[0], {.count = 4}, 0, *device); },
                         "learned denoiser: x must have 2 columns, got 3");
  }
}

// --- paths of trained samplers ------------------------------------------------------------------------

/// Every method, drift and start law, with and without the target's score in the networks.
std::vector<SamplerSettings> every_sampler_to_train() {
  std::vector<SamplerSettings> list;
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    list.push_back(small_sampler(method));
    list.back().precision = Precision::f32;
    list.push_back(small_sampler(method));
    list.back().langevin = method != PathMethod::ula;
    list.back().prior = method == PathMethod::dis ? PathPrior::fixed : PathPrior::gp;
    list.back().layers = 3;
  }
  for (const PathDrift drift : {PathDrift::target, PathDrift::zero}) {
    list.push_back(small_sampler(PathMethod::dbs));
    list.back().drift = drift;
  }
  return list;
}

/// Tiles of 32, 16 and 8 paths in shared memory, and tiles in global memory.
std::unique_ptr<Executor> gpu_with(ThreadOrder order, const kernels::Limits& limits) {
  return cuda::make_executor(std::make_unique<HostGpu>(order, limits), "cuda");
}
std::vector<std::unique_ptr<Executor>> every_gpu() {
  std::vector<std::unique_ptr<Executor>> gpus;
  gpus.push_back(gpu_with(ThreadOrder::ascending, {.shared_bytes = most_shared, .blocks = 2}));
  gpus.push_back(gpu_with(ThreadOrder::descending, {.shared_bytes = most_shared, .blocks = 32}));
  gpus.push_back(gpu_with(ThreadOrder::shuffled, {.shared_bytes = most_shared, .blocks = 64}));
  gpus.push_back(gpu_with(ThreadOrder::shuffled, {.shared_bytes = 1 << 10, .blocks = 2}));
  return gpus;
}

TEST(PathKernels, HaveTheBitsOfTheCpu) {
  const auto cpu = cpu::make_executor(2);
  const Target target = Funnel{.dim = 3};
  test::Turns turns(5);
  for (const SamplerSettings& settings : every_sampler_to_train()) {
    const PathPlan plan = TrainedSampler(random_sampler(target, settings), target).plan();
    for (const int history : {0, 3}) {
      if (!turns.next()) continue;
      // A count that is no multiple of any tile, from the middle of a block of the host.
      const Options options{
          .count = 75, .seed = 4, .precision = Precision::f64, .first = 37, .history = history};
      const PathSamples expected = run(plan, options, *cpu);
      for (const auto& gpu : every_gpu()) {
        const PathSamples found = run(plan, options, *gpu);
        EXPECT_EQ(found.to_double(), expected.to_double()) << to_string(settings.method) << history;
        EXPECT_EQ(found.log_weights(), expected.log_weights()) << to_string(settings.method) << history;
        EXPECT_EQ(found.provenance().device, "cuda");
        EXPECT_TRUE(found.provenance().notes.empty());
      }
    }
  }
}

TEST(PathKernels, RoundTheirEndsAsTheCpuDoes) {
  const Target target = Funnel{.dim = 2};
  const PathPlan plan = TrainedSampler(random_sampler(target, small_sampler(PathMethod::dis)), target).plan();
  const Options options{.count = 20, .seed = 4, .precision = Precision::f32};
  const PathSamples expected = run(plan, options, *cpu::make_executor(1));
  EXPECT_EQ(run(plan, options, *every_gpu()[0]).to_double(), expected.to_double());
}

TEST(PathKernels, LeaveResultsThatStayOnAGpuToTheCpu) {
  const Target target = Funnel{.dim = 2};
  const PathPlan plan = TrainedSampler(random_sampler(target, small_sampler(PathMethod::dis)), target).plan();
  const PathSamples found = run(plan, {.count = 5, .keep_on_device = true}, *every_gpu()[0]);
  EXPECT_EQ(found.provenance().notes,
            (std::vector<std::string>{
                "trained samplers are computed on cpu, not on cuda with a result that stays there"}));
}

TEST(PathKernels, NameThePathWhoseWeightIsNotFinite) {
  const CustomTarget broken = test::target_without_some_values();
  SamplerSettings settings = small_sampler(PathMethod::ula);
  settings.loss = PathLoss::log_variance;
  const PathPlan plan = TrainedSampler(random_sampler(broken, settings), broken).plan();
  std::vector<std::string> messages;
  for (const bool on_gpu : {false, true}) {
    const auto device = on_gpu ? std::move(every_gpu()[0]) : cpu::make_executor(1);
    try {
      run(plan, {.count = 40, .seed = 4}, *device);
    } catch (const NonFiniteError& error) {
      messages.emplace_back(error.what());
    }
  }
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].substr(0, 31), "trained sampler: log w of path ");
  EXPECT_EQ(messages[1], messages[0]);
}

TEST(PathKernels, RefuseAGpuWithoutMemoryForAPath) {
  const Target target = Funnel{.dim = 2};
  const PathPlan plan = TrainedSampler(random_sampler(target, small_sampler(PathMethod::dis)), target).plan();
  // The numbers of the sampler fit, and less than a path beside them.
  std::string message;
  for (std::size_t memory = 1 << 10; message.find("1 path") == std::string::npos && memory < 1 << 17;
       memory += 64) {
    const kernels::Limits limits{.shared_bytes = most_shared, .blocks = 2};
    const auto gpu =
        cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, limits, memory), "cuda");
    try {
      run(plan, {.count = 5}, *gpu);
    } catch (const DeviceError& error) {
      message = error.what();
    }
  }
  EXPECT_EQ(message.substr(0, message.find(',')), "cuda: out of memory: 160 bytes wanted for 1 path");
}

}  // namespace
}  // namespace gmdiff
