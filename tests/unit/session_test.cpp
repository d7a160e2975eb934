#include <gmdiff/device/session.hpp>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/metrics/distances.hpp>

#include "device/cpu/dispatch.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

Mixture two_modes() {
  return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})};
}

Plan small_plan() {
  const std::vector<Mixture> law = {two_modes()};
  const ForwardProcess process = vp(LinearBeta{});
  return sampling_plan(law, process, TimeGrid::uniform(process, 4), Ddim{.eta = 0.5});
}

SmcPlan small_smc_plan() {
  const ForwardProcess process = vp(LinearBeta{});
  const LinearObservation observation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{1.5}}, 0.3);
  return smc_plan(two_modes(), observation, process, TimeGrid::uniform(process, 4), Mcgdiff{.particles = 40});
}

/// Many pieces of work, so that all threads have some.
Options options_on(const Device& device, std::int64_t count = 20'000) {
  return {.count = count, .seed = 3, .device = device};
}

Points values(const Samples& samples) { return samples.to_double(); }

/// The threads of this process.
std::set<std::string> threads() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    names.insert(entry.path().filename());
  return names;
}

/// The threads of this process once they are the expected ones; the system lists a joined thread for a moment
/// longer.
std::set<std::string> threads_soon(const std::set<std::string>& expected) {
  std::set<std::string> names = threads();
  for (int wait = 0; wait < 1000 && names != expected; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    names = threads();
  }
  return names;
}

TEST(Session, HasTheBitsOfTheFreeFunctions) {
  const Points x = values(draw(two_modes(), options_on(Device::cpu(1), 50)));
  for (const Device& device : {Device::reference(), Device::cpu(), Device::cpu(3)}) {
    const Session session(device);
    EXPECT_EQ(session.device(), device);
    const Options options = options_on(device, 500);
    const Options elsewhere = options_on(Device::cuda(99), 500);  // has no effect
    EXPECT_EQ(values(session.run(small_plan(), elsewhere)), values(run(small_plan(), options)));
    EXPECT_EQ(session.run(small_plan(), elsewhere).provenance().device, device.name());

    const SmcSamples chains = session.run(small_smc_plan(), {.count = 7, .device = Device::cuda(99)});
    const SmcSamples expected = run(small_smc_plan(), {.count = 7, .device = device});
    EXPECT_EQ(values(chains), values(expected));
    EXPECT_EQ(chains.log_evidence(), expected.log_evidence());

    const EvaluateOptions everything{.score = true, .denoiser = true, .device = device};
    const Evaluation given = evaluate(two_modes(), x, {0.8, 0.6}, everything);
    const Evaluation found = session.evaluate(two_modes(), x, {0.8, 0.6},
                                              {.score = true, .denoiser = true, .device = Device::cuda(99)});
    EXPECT_EQ(found.log_density, given.log_density);
    EXPECT_EQ(found.score, given.score);
    EXPECT_EQ(found.denoiser, given.denoiser);
  }
}

TEST(Session, RefusesADeviceThatIsNotAvailable) {
  test::expect_invalid([] { Session session(Device::cpu(-1)); },
                       "Device: cpu threads must not be negative, got -1");
  EXPECT_THROW(Session(Device::cuda(99)), DeviceError);
}

TEST(Session, FurtherCallsStartNoThreads) {
  const Device device = Device::cpu(3);
  const Points x = values(run(small_plan(), options_on(device)));
  const std::set<std::string> after_the_first = threads();
  EXPECT_GE(after_the_first.size(), 3U);
  for (int call = 0; call < 20; ++call) {
    run(small_plan(), options_on(device));
    run(small_smc_plan(), {.count = 7, .device = device});
    evaluate(two_modes(), x, {}, {.device = device});
    sliced_wasserstein(x, x, {.device = device});
    energy_distance(x.topRows(500).eval(), x.bottomRows(500).eval(), EnergyForm::u, device);
    EXPECT_EQ(threads(), after_the_first);
  }
}

TEST(Session, ThreadsEndWithTheSession) {
  const std::set<std::string> before = threads();
  {
    const Session session(Device::cpu(4));
    EXPECT_EQ(threads().size(), before.size() + 3);
  }
  EXPECT_EQ(threads_soon(before), before);
}

TEST(Session, ThreadsOfAThreadsSessionEndWithTheThread) {
  const std::set<std::string> before = threads();
  std::thread([] { run(small_plan(), options_on(Device::cpu(4))); }).join();
  EXPECT_EQ(threads_soon(before), before);
}

TEST(Session, OfAThreadIsKeptUntilItsSettingChanges) {
  const std::shared_ptr<const Session> first = thread_session(Device::cpu(2));
  EXPECT_EQ(thread_session(Device::cpu(2)), first);
  EXPECT_NE(thread_session(Device::cpu(3)), first);
  EXPECT_EQ(thread_session(Device::cpu(2)), first);
  setenv("GMDIFF_SIMD", "scalar", 1);
  if (cpu::is_available(cpu::InstructionSet::avx2)) {
    EXPECT_NE(thread_session(Device::cpu(2)), first);
  }
  setenv("GMDIFF_SIMD", "sse", 1);
  test::expect_invalid([] { thread_session(Device::cpu(2)); },
                       "GMDIFF_SIMD: expected scalar, fma128, avx2 or avx512, got \"sse\"");
  unsetenv("GMDIFF_SIMD");
  EXPECT_EQ(thread_session(Device::cpu(2)), first);
  std::shared_ptr<const Session> of_another;
  std::thread([&] { of_another = thread_session(Device::cpu(2)); }).join();
  EXPECT_NE(of_another, first);
}

TEST(Session, OfAThreadFollowsItsAffinity) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int processor = 0;
  while (!CPU_ISSET(processor, &before)) ++processor;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);

  const int threads_before = thread_session(Device::cpu())->executor().threads()->threads();
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(thread_session(Device::cpu())->executor().threads()->threads(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(thread_session(Device::cpu())->executor().threads()->threads(), threads_before);
}

TEST(Session, IsForSeveralThreadsAtOnce) {
  const Session session(Device::cpu(3));
  const Points expected = values(session.run(small_plan(), options_on(Device::cpu(1))));
  const std::vector<double> evidence = session.run(small_smc_plan(), {.count = 9}).log_evidence();
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> callers;
    for (std::size_t caller = 0; caller < wrong.size(); ++caller) {
      callers.emplace_back([&, caller] {
        for (int call = 0; call < 10; ++call) {
          if (values(session.run(small_plan(), options_on(Device::cpu(1)))) != expected) ++wrong[caller];
          if (values(run(small_plan(), options_on(Device::cpu(3)))) != expected) ++wrong[caller];
          if (session.run(small_smc_plan(), {.count = 9}).log_evidence() != evidence) ++wrong[caller];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Session, RunsWithinARun) {
  for (const Device& device : {Device::reference(), Device::cpu(3)}) {
    const Session session(device);
    const Points expected = values(session.run(small_plan(), options_on(device, 2000)));
    int calls = 0;
    Options options = options_on(device, 2000);
    options.progress = [&](const Progress&) {
      ++calls;
      EXPECT_EQ(values(session.run(small_plan(), options_on(device, 2000))), expected);
      EXPECT_EQ(values(run(small_plan(), options_on(device, 2000))), expected);
    };
    EXPECT_EQ(values(session.run(small_plan(), options)), expected);
    EXPECT_GE(calls, 1);
  }
}

/// The result of a run within a piece of another run's work.
TEST(Session, RunsWithinThePiecesOfItsOwnThreads) {
  const Session session(Device::cpu(3));
  const Points expected = values(session.run(small_plan(), options_on(Device::cpu(1))));
  std::vector<int> wrong(6, 0);
  session.executor().threads()->run(std::ssize(wrong), [&](int /*thread*/, std::int64_t i) {
    if (values(session.run(small_plan(), options_on(Device::cpu(1)))) != expected)
      ++wrong[static_cast<std::size_t>(i)];
  });
  EXPECT_EQ(wrong, std::vector<int>(6, 0));
}

TEST(Session, AChildProcessHasItsOwn) {
  const Device device = Device::cpu(3);
  const Session session(device);
  const Points expected = values(run(small_plan(), options_on(device)));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(120);  // ends a child that waits for threads of its parent
    bool is_right = false;
    // The sessions of this thread end here, including those that the parent left.
    std::thread([&] { is_right = values(run(small_plan(), options_on(device))) == expected; }).join();
    is_right = is_right && values(run(small_plan(), options_on(device))) == expected && threads().size() == 3;
    std::exit(is_right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace gmdiff
