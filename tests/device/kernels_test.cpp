#include <gtest/gtest.h>
#include <gmdiff/device/evaluate.hpp>

#include "device/cases.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "device/evaluated.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"

// The kernels of the GPU and its executor, run on the host block: the same bits as the device cpu, for every
// plan, in every order of threads and every layout (numerics.md §7).

namespace gmdiff {
namespace {

using test::HostGpu;
using test::ThreadOrder;

/// Shared memory of a thread block, which decides the layout: particles on threads up to 16 coordinates and
/// tiles of 128 or 32 beyond; fewer of both with less memory; only tiles; tiles in global memory.
constexpr std::size_t wide = 227 << 10;
constexpr std::size_t narrow = 40 << 10;
constexpr std::size_t tiles = 20 << 10;
constexpr std::size_t none = 4 << 10;  // enough for the records of small laws

struct Case {
  ThreadOrder order;
  std::size_t shared_bytes;
};
constexpr Case cases[] = {{ThreadOrder::ascending, wide},    {ThreadOrder::descending, wide},
                          {ThreadOrder::shuffled, wide},     {ThreadOrder::ascending, narrow},
                          {ThreadOrder::descending, narrow}, {ThreadOrder::shuffled, narrow},
                          {ThreadOrder::ascending, none},    {ThreadOrder::descending, none},
                          {ThreadOrder::shuffled, none},     {ThreadOrder::shuffled, tiles}};

std::unique_ptr<Executor> executor_of(const Case& c) {
  return cuda::make_executor(std::make_unique<HostGpu>(c.order, c.shared_bytes), "cuda");
}

class Kernels : public testing::TestWithParam<CovarianceType> {};

TEST_P(Kernels, HaveTheBitsOfTheCpuForEveryPlan) {
  test::Turns turns(151, 7);
  for (const test::Shape& shape : test::shapes()) {
    const std::vector<Plan> plans =
        test::every_kind_of_plan(test::mixture_of(GetParam(), shape.dim, shape.components));
    for (std::size_t p = 0; p < plans.size(); ++p) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plans[p], precision);
        std::vector<char> expected;
        for (const Case& c : cases) {
          if (shape.dim <= 4 && c.shared_bytes != wide) continue;  // one layout
          if (!turns.next()) continue;
          if (expected.empty()) expected = test::bytes(run(plans[p], options));
          const std::vector<char> result = test::bytes(run(plans[p], options, 0, *executor_of(c)));
          EXPECT_TRUE(result == expected)
              << "plan " << p << " d " << shape.dim << " K " << shape.components << " order "
              << static_cast<int>(c.order) << " shared " << c.shared_bytes
              << (precision == Precision::f32 ? " f32" : " f64");
        }
      }
    }
  }
}

TEST_P(Kernels, HaveTheBitsOfTheCpuForGivenStarts) {
  test::Turns turns(31);
  for (const test::Shape& shape : test::shapes()) {
    const Plan plan =
        test::plan_of(EulerMaruyama{}, {test::mixture_of(GetParam(), shape.dim, shape.components)});
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = test::options_for(plan, precision);
      options.start = test::normals(options.count, shape.dim, 9);
      const std::vector<char> expected = test::bytes(run(plan, options));
      for (const Case& c : cases) {
        if (!turns.next()) continue;
        EXPECT_TRUE(test::bytes(run(plan, options, 0, *executor_of(c))) == expected)
            << "d " << shape.dim << " shared " << c.shared_bytes;
      }
    }
  }
}

TEST_P(Kernels, HaveTheBitsOfTheCpuForGivenPoints) {
  test::Turns turns(31);
  for (const test::Shape& shape : test::shapes()) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    const Plan plan = draw_plan(std::span(&mixture, 1));
    const Points x = 3.0 * test::normals(75, shape.dim, 9);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const test::Evaluated expected =
          test::evaluated(*make_executor(Device::cpu(1)), plan.problems.front(), x, precision);
      for (const Case& c : cases) {
        if (!turns.next()) continue;
        EXPECT_EQ(test::evaluated(*executor_of(c), plan.problems.front(), x, precision), expected)
            << "d " << shape.dim << " shared " << c.shared_bytes;
      }
    }
  }
}

TEST_P(Kernels, HaveTheBitsOfTheCpuInWindowsOfSteps) {
  // Tables that are so large for the memory limit that states pass from launch to launch.
  test::Turns turns(7);
  for (const Sampler& sampler : {Sampler(Dpmpp2m{}), Sampler(EulerMaruyama{}), Sampler(ExactTransition{})}) {
    for (const test::Shape& shape : {test::Shape{4, 200}, test::Shape{9, 100}, test::Shape{19, 100}}) {
      if (!turns.next()) continue;
      const Plan plan = test::plan_of(sampler, {test::mixture_of(GetParam(), shape.dim, shape.components)});
      Options options = test::options_for(plan, Precision::f32);
      const std::vector<char> expected = test::bytes(run(plan, options));
      auto gpu = std::make_unique<HostGpu>(ThreadOrder::shuffled, wide);
      const std::shared_ptr<int> launches = gpu->launches();
      const auto executor = cuda::make_executor(std::move(gpu), "cuda");
      options.memory_limit = test::smallest_memory_limit(plan, options, *executor);

      const std::vector<char> result = test::bytes(run(plan, options, 0, *executor));

      EXPECT_TRUE(result == expected) << "d " << shape.dim;
      EXPECT_GE(*launches, 4) << "hardly more than a step in a window";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, Kernels, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

template <template <class> class Job, class Real>
kernels::Layout layout_of(particle::Family family, Eigen::Index dim, std::size_t shared_bytes) {
  Job<Real> job{};
  job.law.family = family;
  job.law.dim = dim;
  job.law.num_components = 20;
  job.count = 1000;
  return kernels::geometry(job, {.shared_bytes = shared_bytes, .blocks = 2}).layout;
}

TEST(Geometry, PutsParticlesOnThreadsAsLongAsRegistersAndSharedMemoryHoldTheirLaw) {
  using enum particle::Family;
  using kernels::Layout;
  using kernels::StepsJob;
  for (const particle::Family family : {spherical, tied, diag, full}) {
    for (const Eigen::Index dim : {5, 8, 9, 16}) {
      EXPECT_EQ((layout_of<StepsJob, float>(family, dim, wide)), Layout::thread) << dim;
      EXPECT_EQ((layout_of<StepsJob, double>(family, dim, wide)), Layout::thread) << dim;
      EXPECT_NE((layout_of<StepsJob, float>(family, dim, tiles)), Layout::thread) << dim;
      EXPECT_NE((layout_of<StepsJob, double>(family, dim, tiles)), Layout::thread) << dim;
    }
    EXPECT_NE((layout_of<StepsJob, float>(family, 17, wide)), Layout::thread);
  }
}

TEST(Geometry, HasWideTilesForRunsInFloatAlone) {
  using kernels::Layout;
  const auto tied = particle::Family::tied;

  EXPECT_EQ((layout_of<kernels::StepsJob, float>(tied, 17, wide)), Layout::wide_tile);
  EXPECT_EQ((layout_of<kernels::StepsJob, float>(tied, 17, narrow)), Layout::narrow_tile);
  EXPECT_EQ((layout_of<kernels::StepsJob, double>(tied, 17, wide)), Layout::narrow_tile);
  EXPECT_EQ((layout_of<kernels::PointsJob, float>(tied, 17, wide)), Layout::narrow_tile);
}

TEST(CudaExecutor, SaysAfterWhichStepParticlesAreNotFinite) {
  for (const Eigen::Index dim : {2, 7, 19}) {
    const Mixture mixture = test::mixture_of(CovarianceType::diag, dim, 3);
    const Plan plan = test::wild_plan(mixture);
    const Options options{.count = 75, .device = Device::cpu(1), .precision = Precision::f64};
    std::string expected, message;

    try {
      run(plan, options);
    } catch (const NonFiniteError& error) {
      expected = error.what();
    }
    try {
      run(plan, options, 0, *executor_of({ThreadOrder::shuffled, wide}));
    } catch (const NonFiniteError& error) {
      message = error.what();
    }

    EXPECT_NE(expected, "");
    EXPECT_EQ(message, expected);
  }
}

TEST(CudaExecutor, SplitsABatchThatDoesNotFitItsMemory) {
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)});
  Options options{.count = 5000, .seed = 3, .device = Device::cpu(1)};
  const std::vector<char> expected = test::bytes(run(plan, options));
  int pieces = 0;
  options.progress = [&](const Progress&) { ++pieces; };

  options.memory_limit = 250 << 10;
  const auto executor =
      cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, wide, 300 << 10), "cuda");
  const std::vector<char> result = test::bytes(run(plan, options, 0, *executor));

  EXPECT_TRUE(result == expected);
  EXPECT_GT(pieces, 1);
}

TEST(CudaExecutor, SaysHowManyBytesAreMissing) {
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)});
  const auto executor =
      cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::ascending, wide, 1000), "cuda:1");
  Options options{.count = 10};
  std::string message;

  try {
    run(plan, options, 0, *executor);
  } catch (const DeviceError& error) {
    message = error.what();
  }

  EXPECT_TRUE(message.starts_with("cuda:1: out of memory: ") &&
              message.ends_with(" bytes wanted for 1024 particles, 900 free"))
      << message;
  options.memory_limit = 1000;
  test::expect_invalid([&] { run(plan, options, 0, *executor); },
                       "cuda:1: memory_limit is 1000 bytes, 1024 particles need ");
}

TEST(CudaExecutor, PassesOnThatMemoryRunsOutUnderWay) {
  // Another user took the memory between the query of the free memory and the allocations.
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)});
  const auto gpu = std::make_shared<HostGpu>(ThreadOrder::ascending, wide, 40 << 10);
  const auto executor = cuda::make_executor(gpu, "cuda");
  gpu->overstate_memory(std::size_t{1} << 30);
  std::string message;

  try {
    run(plan, {.count = 10'000}, 0, *executor);
  } catch (const DeviceError& error) {
    message = error.what();
  }

  EXPECT_TRUE(message.starts_with("the host's GPU: out of memory: 80000 bytes wanted, ") &&
              message.ends_with(" free"))
      << message;
  gpu->overstate_memory(0);
  EXPECT_EQ(gpu->free_memory(), std::size_t{40} << 10) << "all is given back";
}

TEST(CudaExecutor, GivesItsMemoryBack) {
  const auto gpu = std::make_shared<HostGpu>(ThreadOrder::ascending, none);
  const std::size_t free = gpu->free_memory();
  const Mixture law = test::mixture_of(CovarianceType::full, 19, 5);
  const Plan plan = test::plan_of(Dpmpp2m{}, {law});
  const auto executor = cuda::make_executor(gpu, "cuda");

  run(plan, {.count = 75}, 0, *executor);
  test::evaluated(*executor, plan.problems.front(), test::normals(75, 19, 9), Precision::f32);

  EXPECT_EQ(gpu->free_memory(), free);
}

TEST(CudaExecutor, StopsBetweenPieces) {
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)});
  std::stop_source source;
  Options options{.count = 5000, .seed = 3, .device = Device::cpu(1)};
  const Samples expected = run(plan, options);
  options.memory_limit = 250 << 10;
  options.progress = [&](const Progress&) { source.request_stop(); };
  options.stop = source.get_token();

  try {
    run(plan, options, 0, *executor_of({ThreadOrder::ascending, wide}));
    FAIL() << "not stopped";
  } catch (const Interrupted& stopped) {
    const Eigen::Index rows = stopped.finished().rows();
    EXPECT_GT(rows, 0);
    EXPECT_LT(rows, 5000);
    EXPECT_TRUE(test::bytes(stopped.finished()) == test::bytes(expected, 0, rows));
  }
}

}  // namespace
}  // namespace gmdiff
