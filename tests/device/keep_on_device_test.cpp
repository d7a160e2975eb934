#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

#include "device/cases.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
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

}  // namespace
}  // namespace gmdiff
