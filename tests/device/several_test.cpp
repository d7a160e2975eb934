#include "device/several.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

#include "device/cases.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "device/evaluated.hpp"
#include "device/smc_kernel_cases.hpp"
#include "support/expect_invalid.hpp"
#include "support/host_gpu.hpp"

// Several GPUs that share a run give the bits of one device, however the particles are distributed.

namespace gmdiff {
namespace {

using test::HostGpu;

using Executors = std::vector<std::unique_ptr<Executor>>;

constexpr std::size_t shared_bytes = 227 << 10;

std::unique_ptr<Executor> host_gpu(std::size_t memory = std::size_t{1} << 30) {
  return cuda::make_executor(std::make_unique<HostGpu>(test::ThreadOrder::shuffled, shared_bytes, memory),
                             "cuda");
}

std::unique_ptr<Executor> several(std::size_t count) {
  Executors list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(host_gpu());
  return make_executor_of_several(std::move(list), "cuda:0,1");
}

/// A device whose part of a task the test supplies.
class Planted : public Executor {
 public:
  explicit Planted(std::function<NonFinite(const Task&)> body, std::int64_t batch = 100)
      : body_(std::move(body)), batch_(batch) {}
  std::string name() const override { return "planted"; }
  std::int64_t batch_size(const Plan&, Precision, std::size_t, std::size_t) const override { return batch_; }
  NonFinite run(const Task& task) const override { return body_(task); }
  std::int64_t chains_at_once(const SmcPlan&, const Options&) const override { return batch_; }
  ChainFailure run(const SmcTask&) const override { throw DeviceError("planted: no chains"); }
  std::unique_ptr<DistanceSums> sums() const override { throw DeviceError("planted: no sums"); }
  void evaluate(const PointTask&) const override { throw DeviceError("planted: no points"); }

 private:
  std::function<NonFinite(const Task&)> body_;
  std::int64_t batch_;
};

std::unique_ptr<Executor> planted(std::function<NonFinite(const Task&)> first,
                                  std::function<NonFinite(const Task&)> second) {
  Executors list;
  list.push_back(std::make_unique<Planted>(std::move(first)));
  list.push_back(std::make_unique<Planted>(std::move(second)));
  return make_executor_of_several(std::move(list), "cuda:0,1");
}

/// The exception that a run throws.
template <class Error>
std::string message_of(const Plan& plan, const Options& options, const Executor& executor) {
  try {
    run(plan, options, 0, executor);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

Plan small_plan() { return test::plan_of(EulerMaruyama{}, {test::mixture_of(CovarianceType::full, 2, 3)}); }

NonFinite fine(const Task& /*task*/) { return {}; }

TEST(Several, HaveTheBitsOfOne) {
  for (const Eigen::Index dim : {2, 7}) {
    const Mixture law = test::mixture_of(CovarianceType::common_basis, dim, 5);
    const std::vector<Plan> plans = {test::plan_of(Dpmpp2m{}, {law, law}),
                                     test::plan_of(ExactTransition{}, {law})};
    for (const Plan& plan : plans) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        // One particle for two GPUs, an odd number, one more than a thread block.
        for (const std::int64_t count : {1, 2, 75, 257}) {
          Options options{.count = count,
                          .seed = 3,
                          .device = Device::cpu(1),
                          .precision = precision,
                          .first = 4'294'967'200,
                          .history = 3};
          const std::vector<char> expected = test::bytes(run(plan, options));
          for (const std::size_t gpus : {1, 2, 3}) {
            const Samples result = run(plan, options, 0, *several(gpus));
            EXPECT_TRUE(test::bytes(result) == expected)
                << "d " << dim << " count " << count << " on " << gpus;
            EXPECT_EQ(result.provenance().device, "cuda:0,1");
          }
        }
      }
    }
  }
}

TEST(Several, HaveTheBitsOfOneFromGivenStarts) {
  const Plan plan = small_plan();
  Options options{.count = 75, .seed = 3, .device = Device::cpu(1)};
  options.start = test::normals(75, 2, 9);

  EXPECT_TRUE(test::bytes(run(plan, options, 0, *several(2))) == test::bytes(run(plan, options)));
}

TEST(Several, HaveTheBitsOfOneForChainsThatGoOn) {
  const Mixture law = test::mixture_of(CovarianceType::diag, 2, 3);
  const Plan plan = mcmc_plan(law, Baoab{.step = 0.2, .run = {.steps = 5, .first_step = 5}});
  Options options{.count = 75, .seed = 3, .device = Device::cpu(1), .velocities = true};
  options.start = test::normals(75, 2, 9);
  options.start_velocities = test::normals(75, 2, 10);
  const Samples expected = run(plan, options), found = run(plan, options, 0, *several(2));

  EXPECT_TRUE(test::bytes(found) == test::bytes(expected));
  EXPECT_EQ(found.velocities(), expected.velocities());
}

TEST(Several, HaveTheBitsOfOneForGivenPoints) {
  const Mixture law = test::mixture_of(CovarianceType::full, 3, 5);
  const Plan plan = draw_plan(std::span(&law, 1));
  for (const Eigen::Index count : {1, 75}) {
    const Points x = test::normals(count, 3, 9);
    EXPECT_EQ(test::evaluated(*several(2), plan.problems.front(), x, Precision::f32),
              test::evaluated(*make_executor(Device::cpu(1)), plan.problems.front(), x, Precision::f32));
  }
}

TEST(Several, LeaveOutWhatIsNotAskedFor) {
  const Mixture law = test::mixture_of(CovarianceType::diag, 2, 3);
  const Plan plan = draw_plan(std::span(&law, 1));
  const Points x = test::normals(9, 2, 9);
  const auto densities = [&](const Executor& executor) {
    std::vector<double> values(9, -1.0);
    executor.evaluate({.problem = plan.problems.front(),
                       .level = {},
                       .precision = Precision::f64,
                       .points = x.data(),
                       .count = 9,
                       .log_density = values.data(),
                       .log_responsibilities = nullptr,
                       .score = nullptr,
                       .denoiser = nullptr,
                       .stop = {}});
    return values;
  };

  EXPECT_EQ(densities(*several(2)), densities(*make_executor(Device::cpu(1))));
}

TEST(Several, TakeEqualSharesThatFitEach) {
  const Plan plan = small_plan();
  constexpr std::size_t limit = 250 << 10, little_memory = 210 << 10;
  Options options{.count = 5000, .seed = 3, .device = Device::cpu(1), .memory_limit = limit};
  const std::vector<char> expected = test::bytes(run(plan, options));
  const std::int64_t least = host_gpu(little_memory)->batch_size(plan, Precision::f32, 1, limit);
  ASSERT_LT(least, host_gpu()->batch_size(plan, Precision::f32, 1, limit));
  Executors list;
  list.push_back(host_gpu());
  list.push_back(host_gpu(little_memory));
  const auto both = make_executor_of_several(std::move(list), "cuda:0,1");
  int pieces = 0;
  options.progress = [&](const Progress&) { ++pieces; };

  EXPECT_EQ(both->batch_size(plan, Precision::f32, 1, limit), 2 * least);
  EXPECT_TRUE(test::bytes(run(plan, options, 0, *both)) == expected);
  EXPECT_EQ(pieces, (5000 + 2 * least - 1) / (2 * least));
}

TEST(Several, NameTheChainThatCannotBegin) {
  const ExpressionTarget target{.density = "log(20 - x)"};
  Options options{.count = 10, .first = 100};
  options.start = Points::Zero(10, 1);
  (*options.start)(7, 0) = 21.0;
  test::expect_invalid(
      [&] { run(mcmc_plan(target, Mala{.step = 0.1, .run = {.steps = 2}}), options, 0, *several(2)); },
      "run: chain 107 starts where the log-density of the target is nan");
  // Behind 0 the density is flat.
  const ExpressionTarget half{.density = "min(x, 0)*1e3"};
  (*options.start).setConstant(-1.0);
  (*options.start)(6, 0) = 1e30;
  const Mala own{.adapt = StepAdaptation::chain, .run = {.warmup = 2, .steps = 2}};
  test::expect_invalid([&] { run(mcmc_plan(half, own), options, 0, *several(2)); },
                       "run: the acceptance of chain 106 is on one side of 1/2 for all steps");
}

TEST(Several, KeepNoResultOnAGpu) {
  test::expect_invalid([] { run(small_plan(), {.count = 10, .keep_on_device = true}, 0, *several(2)); },
                       "cuda:0,1: keep_on_device expects one GPU; the result of several is in host memory");
}

TEST(Several, ShareChainsWithTheirStartsAndLevels) {
  for (const SmcOutput output : {SmcOutput::draw, SmcOutput::particles}) {
    test::SmcSettings settings = test::every_smc_sampler().front();
    settings.output = output;
    const SmcPlan plan = test::smc_plan_of(CovarianceType::full, 3, settings);
    const Options options{.count = 5,
                          .seed = 3,
                          .device = Device::cpu(1),
                          .start = test::smc_start(plan, 5),
                          .history = output == SmcOutput::draw ? 0 : 3,
                          .smc_history = true};
    EXPECT_TRUE(test::all_bytes(run(std::span(&plan, 1), options, *several(2))) ==
                test::all_bytes(run(plan, options)));
  }
}

TEST(Several, RunAtTheSameTime) {
  // Each executor waits for the other.
  std::atomic<int> here = 0;
  const auto meet = [&](const Task&) -> NonFinite {
    ++here;
    while (here < 2) std::this_thread::yield();
    return {};
  };

  EXPECT_EQ(message_of<std::exception>(small_plan(), {.count = 10}, *planted(meet, meet)), "no error");
}

TEST(Several, ShareATaskByRanges) {
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges(2);
  const auto note = [&](std::size_t i) {
    return [&ranges, i](const Task& task) -> NonFinite {
      ranges[i] = {task.first, task.count};
      return {};
    };
  };

  run(small_plan(), {.count = 7, .first = 100}, 0, *planted(note(0), note(1)));

  EXPECT_EQ(ranges[0], std::pair(std::int64_t{100}, std::int64_t{4}));
  EXPECT_EQ(ranges[1], std::pair(std::int64_t{104}, std::int64_t{3}));
}

TEST(Several, AddTheirParticlesThatAreNotFinite) {
  const auto found = [](std::int64_t particles, int step) {
    return [=](const Task&) { return NonFinite{particles, step}; };
  };
  const Options options{.count = 10, .precision = Precision::f64};

  EXPECT_EQ(message_of<NonFiniteError>(small_plan(), options, *planted(found(2, 4), found(3, 1))),
            "run: 5 of 10 particles are not finite, first after step 2 of 5");
  EXPECT_EQ(message_of<NonFiniteError>(small_plan(), options, *planted(fine, found(3, 1))),
            "run: 3 of 10 particles are not finite, first after step 2 of 5");
}

TEST(Several, PassOnWhatOneOfThemThrows) {
  const auto fail = [](const Task&) -> NonFinite { throw DeviceError("planted: lost"); };

  EXPECT_EQ(message_of<DeviceError>(small_plan(), {.count = 10}, *planted(fine, fail)), "planted: lost");
  EXPECT_EQ(message_of<DeviceError>(small_plan(), {.count = 10}, *planted(fail, fail)), "planted: lost");
}

TEST(Several, PassOnTheFirstOfTwoErrors) {
  std::atomic<bool> first_has_failed = false;
  const auto first = [&](const Task&) -> NonFinite {
    first_has_failed = true;
    throw DeviceError("planted: first");
  };
  const auto second = [&](const Task&) -> NonFinite {
    while (!first_has_failed) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    throw DeviceError("planted: second");
  };

  EXPECT_EQ(message_of<DeviceError>(small_plan(), {.count = 10}, *planted(first, second)), "planted: first");
}

TEST(Several, PassOnARequestToStop) {
  std::stop_source source;
  const auto ask = [&](const Task&) -> NonFinite {
    source.request_stop();
    return {};
  };
  const auto wait = [](const Task& task) -> NonFinite {
    while (!task.stop.stop_requested()) std::this_thread::yield();
    return {};
  };
  const Options options{.count = 10, .stop = source.get_token()};

  EXPECT_EQ(message_of<Interrupted>(small_plan(), options, *planted(ask, wait)),
            "run: stopped after 0 of 10 particles");
}

}  // namespace
}  // namespace gmdiff
