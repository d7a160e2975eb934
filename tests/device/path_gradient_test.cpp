#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "device/cpu/cpu.hpp"
#include "device/cuda/executor.hpp"
#include "network/paths/sampler_training.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"
#include "support/mixtures.hpp"
#include "support/trained_samplers.hpp"

// Trainings of samplers with the kernels of the GPU, run on the host block: the bits of the device cpu.

namespace gmdiff {
namespace {

using test::HostGpu;
using test::ThreadOrder;

constexpr std::size_t shared_of_training = 227 << 10;

std::unique_ptr<Executor> training_gpu(ThreadOrder order, const kernels::Limits& limits,
                                       std::size_t memory = std::size_t{1} << 30) {
  return cuda::make_executor(std::make_unique<HostGpu>(order, limits, memory), "cuda");
}

/// Continues a start with parameters that are not 0 anywhere.
SamplerTraining trained(const SamplerSettings& settings, const Target& target, const Executor* executor) {
  return network::continue_sampler_on(executor, test::random_sampler(target, settings), target,
                                      {.threads = 1});
}

void expect_same_bits(const SamplerTraining& found, const SamplerTraining& expected, const char* what) {
  EXPECT_EQ(found.iteration, expected.iteration) << what;
  EXPECT_EQ(found.parameters, expected.parameters) << what;
  EXPECT_EQ(found.networks, expected.networks) << what;
  EXPECT_EQ(found.network_adam.v, expected.network_adam.v) << what;
}

struct TrainingCase {
  const char* name;
  SamplerSettings settings;
};

/// Every method, drift, start law and loss, and every switch that changes what is summed.
std::vector<TrainingCase> training_cases() {
  const auto with = [](PathMethod method, auto change) {
    SamplerSettings settings = test::small_sampler(method);
    settings.iterations = 2;
    change(settings);
    return settings;
  };
  return {
      {"dis", with(PathMethod::dis, [](SamplerSettings& of) { of.precision = Precision::f32; })},
      {"dis fixed", with(PathMethod::dis,
                         [](SamplerSettings& of) {
                           of.prior = PathPrior::fixed;
                           of.langevin = true;
                           of.layers = 3;
                         })},
      // Matrices of several tiles of sums.
      {"dis wide", with(PathMethod::dis,
                        [](SamplerSettings& of) {
                          of.hidden = 70;
                          of.steps = 2;
                          of.batch = 65;
                          of.iterations = 1;
                        })},
      {"dis log-variance", with(PathMethod::dis,
                                [](SamplerSettings& of) {
                                  of.loss = PathLoss::log_variance;
                                  of.learn_weights = true;
                                  of.learn_step = of.learn_friction = true;
                                })},
      {"dis refined", with(PathMethod::dis,
                           [](SamplerSettings& of) {
                             of.means_std = 0.0;
                             of.refine_every = 1;
                             of.iterations = 3;
                             of.chains = 8;
                             of.first_moves = of.moves = 2;
                           })},
      {"ula", with(PathMethod::ula, [](SamplerSettings&) {})},
      {"mcd", with(PathMethod::mcd,
                   [](SamplerSettings& of) {
                     of.prior = PathPrior::gp;
                     of.langevin = true;
                     of.precision = Precision::f32;
                   })},
      {"mcd detached", with(PathMethod::mcd,
                            [](SamplerSettings& of) {
                              of.detach_target_score = true;
                              of.layers = 1;
                            })},
      {"cmcd", with(PathMethod::cmcd, [](SamplerSettings&) {})},
      {"cmcd trajectory balance", with(PathMethod::cmcd,
                                       [](SamplerSettings& of) {
                                         of.loss = PathLoss::trajectory_balance;
                                         of.langevin = true;
                                       })},
      {"dbs", with(PathMethod::dbs, [](SamplerSettings& of) { of.langevin = true; })},
      {"dbs target", with(PathMethod::dbs, [](SamplerSettings& of) { of.drift = PathDrift::target; })},
      {"dbs zero", with(PathMethod::dbs, [](SamplerSettings& of) { of.drift = PathDrift::zero; })},
  };
}

TEST(PathGradientKernels, TrainWithTheBitsOfTheCpu) {
  const Target target = Funnel{.dim = 3};
  // Tiles in shared memory, in several thread orders and sizes, and tiles in global memory.
  const struct {
    ThreadOrder order;
    kernels::Limits limits;
  } gpus[] = {{ThreadOrder::ascending, {.shared_bytes = shared_of_training, .blocks = 2}},
              {ThreadOrder::descending, {.shared_bytes = shared_of_training, .blocks = 64}},
              {ThreadOrder::shuffled, {.shared_bytes = 1 << 10, .blocks = 2}}};
  std::size_t turn = 0;
  for (const TrainingCase& one : training_cases()) {
    const SamplerTraining expected = trained(one.settings, target, nullptr);
    EXPECT_EQ(expected.iteration, one.settings.iterations);
    const auto& gpu = gpus[turn++ % std::size(gpus)];
    expect_same_bits(trained(one.settings, target, training_gpu(gpu.order, gpu.limits).get()), expected,
                     one.name);
  }
}

/// A mixture's products may round a row otherwise when fewer rows are together, so incomplete blocks matter.
TEST(PathGradientKernels, GiveTheHostsTargetTheRowsOfTheCpu) {
  const Target target =
      ObservedMixture{.prior = test::mixtures_of_every_structure()[6].mixture,
                      .observation = NonlinearObservation(ExpressionMap{.texts = {"x1*x2"}, .dim = 3},
                                                          Eigen::VectorXd::Ones(1), 0.5)};
  SamplerSettings settings = test::small_sampler(PathMethod::cmcd);
  settings.batch = 70;
  settings.iterations = 2;
  const auto gpu = training_gpu(ThreadOrder::ascending, {.shared_bytes = shared_of_training, .blocks = 2});
  expect_same_bits(trained(settings, target, gpu.get()), trained(settings, target, nullptr), "observed");
  // Paths from the middle of a block.
  const PathPlan plan = TrainedSampler(test::random_sampler(target, settings), target).plan();
  const Options options{.count = 40, .seed = 4, .precision = Precision::f64, .first = 37};
  EXPECT_EQ(run(plan, options, *gpu).to_double(), run(plan, options, *cpu::make_executor(1)).to_double());
}

TEST(PathGradientKernels, KeepTheBitsOverManyIterations) {
  const Target target = Funnel{.dim = 2};
  SamplerSettings settings = test::small_sampler(PathMethod::dis);
  settings.steps = 2;
  settings.hidden = 4;
  settings.components = 2;
  settings.batch = 65;
  settings.iterations = 200;
  auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, shared_of_training);
  const std::shared_ptr<int> launches = gpu->launches();
  const std::unique_ptr<Executor> executor = cuda::make_executor(std::move(gpu), "cuda");
  expect_same_bits(trained(settings, target, executor.get()), trained(settings, target, nullptr), "dis");
  // Forward to the last state and there, back, the sums of the network; trees of the start law, of eta, and
  // of two arrays of the network.
  EXPECT_EQ(*launches, 200 * (2 + 1 + 1 + 4));
}

/// The records of hidden layers take what is left of the memory, from one state to all of them.
TEST(PathGradientKernels, TrainInTheMemoryThatThereIs) {
  const Target target = Funnel{.dim = 2};
  const kernels::Limits limits{.shared_bytes = shared_of_training, .blocks = 2};
  for (const PathMethod method : {PathMethod::dis, PathMethod::dbs}) {
    SamplerSettings settings = test::small_sampler(method);
    settings.iterations = 1;
    const SamplerTraining expected = trained(settings, target, nullptr);
    std::string message;
    int trainings = 0;
    for (std::size_t memory = std::size_t{1} << 17; trainings < 4; memory += memory / 8) {
      try {
        const auto gpu = training_gpu(ThreadOrder::ascending, limits, memory);
        expect_same_bits(trained(settings, target, gpu.get()), expected, to_string(method));
        ++trainings;
      } catch (const DeviceError& error) {
        EXPECT_EQ(trainings, 0) << error.what();
        message = error.what();
      }
    }
    EXPECT_NE(message.find(" bytes wanted for the gradient of 150 paths"), std::string::npos) << message;
  }
}

TEST(PathGradientKernels, NameThePathWhoseWeightIsNotFinite) {
  const CustomTarget broken = test::target_without_some_values();
  SamplerSettings settings = test::small_sampler(PathMethod::mcd);
  settings.loss = PathLoss::log_variance;
  const auto gpu = training_gpu(ThreadOrder::ascending, {.shared_bytes = shared_of_training, .blocks = 2});
  std::vector<std::string> messages;
  for (const Executor* executor :
       {static_cast<const Executor*>(nullptr), static_cast<const Executor*>(gpu.get())}) {
    try {
      trained(settings, broken, executor);
    } catch (const NonFiniteError& error) {
      messages.emplace_back(error.what());
    }
  }
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].find("trained sampler: log w is nan in iteration 1 on path "), 0U) << messages[0];
  EXPECT_EQ(messages[1], messages[0]);
}

TEST(SamplerTrainingDevice, RefusesWhatCannotTrain) {
  const Target target = Funnel{.dim = 2};
  const SamplerTraining start = start_sampler(target, test::small_sampler(PathMethod::dis));
  test::expect_invalid([&] { continue_sampler(start, target, {.device = Device::reference()}); },
                       "trained sampler: a training runs on cpu or on one GPU, got reference");
  test::expect_invalid([&] { continue_sampler(start, target, {.device = Device::cpu(2000)}); },
                       "Device: cpu threads must be at most 1024, got 2000");
}

}  // namespace
}  // namespace gmdiff
