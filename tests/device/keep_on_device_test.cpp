#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

#include "device/cases.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "device/smc_kernel_cases.hpp"
#include "support/host_gpu.hpp"

// Results that stay in a GPU's memory have the same bits there and after the copy to the host.

namespace gmdiff {
namespace {

using test::HostGpu;

std::shared_ptr<HostGpu> host_gpu(std::size_t memory = std::size_t{1} << 30) {
  return std::make_shared<HostGpu>(test::ThreadOrder::shuffled, 227 << 10, memory);
}

/// Makes a run whose executor is destroyed at the end.
Samples kept(const Plan& plan, Options options, std::shared_ptr<HostGpu> gpu = host_gpu()) {
  options.keep_on_device = true;
  return run(plan, options, 0, *cuda::make_executor(std::move(gpu), "cuda"));
}

/// The bytes at on_device(); the memory of a HostGpu is host memory.
std::vector<char> bytes_on_device(const Samples& samples) {
  const std::size_t size = static_cast<std::size_t>(samples.rows() * samples.dim()) *
                           (samples.precision() == Precision::f32 ? 4 : 8);
  const auto* const begin = static_cast<const char*>(samples.on_device().value().data);
  return {begin, begin + size};
}

Plan small_plan() { return test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)}); }

TEST(KeepOnDevice, HasTheBitsOfTheCpu) {
  for (const Eigen::Index dim : {2, 7}) {
    const Mixture law = test::mixture_of(CovarianceType::full, dim, 3);
    const std::vector<Plan> plans = {test::plan_of(Dpmpp2m{}, {law, law}), draw_plan(std::span(&law, 1))};
    for (const Plan& plan : plans) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        const std::vector<char> expected = test::bytes(run(plan, options));

        const Samples samples = kept(plan, options);

        EXPECT_TRUE(bytes_on_device(samples) == expected) << "d " << dim;
        EXPECT_TRUE(test::bytes(samples) == expected) << "d " << dim;
      }
    }
  }
}

TEST(KeepOnDevice, HoldsTheWholeResultOfABatchInPieces) {
  const Plan plan = small_plan();
  Options options{.count = 5000, .seed = 3, .device = Device::cpu(1)};
  const std::vector<char> expected = test::bytes(run(plan, options));
  int pieces = 0;
  options.progress = [&](const Progress&) { ++pieces; };
  options.memory_limit = 250 << 10;

  const Samples samples = kept(plan, options);

  EXPECT_GT(pieces, 1);
  EXPECT_TRUE(bytes_on_device(samples) == expected);
}

TEST(KeepOnDevice, KeepsTheGpuAsLongAsTheSamples) {
  auto gpu = host_gpu();
  const std::weak_ptr<HostGpu> watched = gpu;
  const std::size_t free = gpu->free_memory();
  {
    const Samples samples = kept(small_plan(), {.count = 100}, std::move(gpu));

    ASSERT_FALSE(watched.expired());
    EXPECT_EQ(watched.lock()->free_memory(), free - 100 * 2 * sizeof(float)) << "the result and nothing else";
    const OnDevice place = samples.on_device().value();
    EXPECT_EQ(place.stream, watched.lock()->stream());
    EXPECT_EQ(place.index, watched.lock()->index());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(KeepOnDevice, IsNotWhatOtherRunsDo) {
  const Samples samples = run(small_plan(), {.count = 10}, 0, *cuda::make_executor(host_gpu(), "cuda"));

  EXPECT_FALSE(samples.on_device().has_value());
}

TEST(KeepOnDevice, LeavesResultsInHostMemoryWhereTheDeviceHasNoOther) {
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    const Samples samples = run(small_plan(), {.count = 10, .device = device, .keep_on_device = true});

    EXPECT_FALSE(samples.on_device().has_value());
    EXPECT_TRUE(test::bytes(samples) == test::bytes(run(small_plan(), {.count = 10, .device = device})));
  }
}

TEST(KeepOnDevice, KeepsWhatAStoppedRunFinished) {
  const Plan plan = small_plan();
  std::stop_source source;
  Options options{.count = 5000, .seed = 3, .device = Device::cpu(1)};
  const Samples expected = run(plan, options);
  options.memory_limit = 250 << 10;
  options.progress = [&](const Progress&) { source.request_stop(); };
  options.stop = source.get_token();

  try {
    kept(plan, options);
    FAIL() << "not stopped";
  } catch (const Interrupted& stopped) {
    const Eigen::Index rows = stopped.finished().rows();
    EXPECT_GT(rows, 0);
    EXPECT_LT(rows, 5000);
    EXPECT_TRUE(bytes_on_device(stopped.finished()) == test::bytes(expected, 0, rows));
    EXPECT_TRUE(test::bytes(stopped.finished()) == test::bytes(expected, 0, rows));
  }
}

TEST(KeepOnDevice, ReportsStatesThatAreNotFinite) {
  const Mixture law = test::mixture_of(CovarianceType::diag, 2, 3);
  Plan plan = draw_plan(std::span(&law, 1));
  plan.kind = PlanKind::sample;
  plan.steps = {AffineStep{}};
  std::get<AffineStep>(plan.steps.front()).a = 1e300;
  plan.times = {1.0, 0.0};

  EXPECT_THROW(kept(plan, {.count = 10, .precision = Precision::f32}), NonFiniteError);
}

TEST(KeepOnDevice, SaysThatTheResultDoesNotFit) {
  std::string message;

  try {
    kept(small_plan(), {.count = 1'000'000}, host_gpu(1 << 20));
  } catch (const DeviceError& error) {
    message = error.what();
  }

  EXPECT_EQ(
      message,
      "cuda: out of memory: 8000000 bytes wanted for the result that keep_on_device asks for, 1048576 free");
}

// --- chains of SMC
// ------------------------------------------------------------------------------------------------

SmcSamples kept(const SmcPlan& plan, Options options, std::shared_ptr<HostGpu> gpu = host_gpu()) {
  options.keep_on_device = true;
  return run(std::span(&plan, 1), options, *cuda::make_executor(std::move(gpu), "cuda"));
}

SmcPlan plan_of_chains(CovarianceType structure, Eigen::Index dim, SmcOutput output) {
  test::SmcSettings settings = test::every_smc_sampler().front();
  settings.output = output;
  return test::smc_plan_of(structure, dim, settings);
}

TEST(KeepOnDevice, HasTheBitsOfTheCpuForChains) {
  // A block to each chain, and several.
  constexpr kernels::Limits of_blocks[] = {{.shared_bytes = 227 << 10, .blocks = 2},
                                           {.shared_bytes = 600, .blocks = 9, .shared_chain = 1}};
  for (const CovarianceType structure : {CovarianceType::diag, CovarianceType::full}) {
    for (const Eigen::Index dim : {3, 17}) {
      for (const SmcOutput output : {SmcOutput::draw, SmcOutput::particles}) {
        const SmcPlan plan = plan_of_chains(structure, dim, output);
        for (const Precision precision : {Precision::f32, Precision::f64}) {
          const Options options{.count = 3,
                                .seed = 4,
                                .device = Device::cpu(1),
                                .precision = precision,
                                .history = output == SmcOutput::draw ? 0 : 3};
          const SmcSamples expected = run(plan, options);
          for (const kernels::Limits& limits : of_blocks) {
            const SmcSamples samples =
                kept(plan, options, std::make_shared<HostGpu>(test::ThreadOrder::shuffled, limits));

            EXPECT_EQ(samples.shape(), expected.shape());
            EXPECT_TRUE(bytes_on_device(samples) == test::bytes(expected)) << "d " << dim;
            EXPECT_TRUE(test::all_bytes(samples) == test::all_bytes(expected)) << "d " << dim;
          }
        }
      }
    }
  }
}

TEST(KeepOnDevice, HoldsTheWholeResultOfChainsInPieces) {
  const SmcPlan plan = plan_of_chains(CovarianceType::diag, 3, SmcOutput::particles);
  Options options{.count = 60, .seed = 3, .device = Device::cpu(1), .precision = Precision::f32};
  const SmcSamples expected = run(plan, options);
  auto gpu = host_gpu();
  const std::size_t free = gpu->free_memory();
  int pieces = 0;
  options.progress = [&](const Progress&) { ++pieces; };
  options.memory_limit = 30 << 10;

  const SmcSamples samples = kept(plan, options, gpu);

  EXPECT_GT(pieces, 1);
  EXPECT_TRUE(bytes_on_device(samples) == test::bytes(expected));
  EXPECT_EQ(gpu->free_memory(), free - 60 * 40 * 3 * sizeof(float)) << "the result and nothing else";
}

TEST(KeepOnDevice, KeepsTheChainsThatAStoppedRunFinished) {
  const SmcPlan plan = plan_of_chains(CovarianceType::full, 3, SmcOutput::draw);
  std::stop_source source;
  Options options{.count = 200, .seed = 3, .device = Device::cpu(1), .precision = Precision::f32};
  const SmcSamples expected = run(plan, options);
  options.memory_limit = 30 << 10;
  options.progress = [&](const Progress&) { source.request_stop(); };
  options.stop = source.get_token();

  try {
    kept(plan, options);
    FAIL() << "not stopped";
  } catch (const SmcInterrupted& stopped) {
    const Eigen::Index rows = stopped.finished_chains().rows();
    EXPECT_GT(rows, 0);
    EXPECT_LT(rows, 200);
    EXPECT_TRUE(bytes_on_device(stopped.finished_chains()) == test::bytes(expected, 0, rows));
  }
}

TEST(KeepOnDevice, LeavesChainsInHostMemoryWhereTheDeviceHasNoOther) {
  const SmcPlan plan = plan_of_chains(CovarianceType::full, 3, SmcOutput::draw);
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    const SmcSamples samples = run(plan, {.count = 3, .device = device, .keep_on_device = true});

    EXPECT_FALSE(samples.on_device().has_value());
    EXPECT_TRUE(test::bytes(samples) == test::bytes(run(plan, {.count = 3, .device = device})));
  }
}

TEST(KeepOnDevice, NamesTheChainWhoseResultIsNotFinite) {
  SmcPlan plan = plan_of_chains(CovarianceType::full, 2, SmcOutput::particles);
  plan.V *= 1e39;  // a state fits float32, its rotation does not
  const auto message_of = [&](auto run_it) -> std::string {
    try {
      run_it();
    } catch (const NonFiniteError& error) {
      return error.what();
    }
    return "no failure";
  };
  const Options options{.count = 2, .device = Device::cpu(1), .precision = Precision::f32, .first = 7};
  const std::string expected = message_of([&] { run(plan, options); });
  EXPECT_EQ(expected, "run: chain 7 has a result that is not finite");
  EXPECT_EQ(message_of([&] { kept(plan, options); }), expected);
}

}  // namespace
}  // namespace gmdiff
