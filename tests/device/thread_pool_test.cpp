#include "base/thread_pool.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// Built with the thread sanitizer, which sees every access to what threads share.

namespace gmdiff {
namespace {

TEST(ThreadPool, EachPieceIsDoneOnce) {
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 5, 1000}) {
      std::vector<int> done(static_cast<std::size_t>(count), 0);  // no atomics: a piece belongs to one thread
      pool.run(count, [&](int thread, std::int64_t i) {
        EXPECT_LT(thread, threads);
        ++done[static_cast<std::size_t>(i)];
      });
      EXPECT_EQ(done, std::vector<int>(static_cast<std::size_t>(count), 1)) << threads << " threads";
    }
  }
}

TEST(ThreadPool, ResultsAreSeenByTheCaller) {
  ThreadPool pool(4);
  std::int64_t sum = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> values(16, 0);
    pool.run(16, [&](int /*thread*/, std::int64_t i) { values[static_cast<std::size_t>(i)] = i + sum; });
    std::int64_t expected = 0;
    for (std::int64_t i = 0; i < 16; ++i) expected += (i + sum) % 1000;
    sum = 0;
    for (const std::int64_t value : values) sum += value % 1000;
    ASSERT_EQ(sum, expected) << "round " << round;
  }
}

TEST(ThreadPool, ThrowsTheFirstExceptionAndWorksOn) {
  ThreadPool pool(4);
  std::atomic<int> begun{0};
  const auto fail = [&](int /*thread*/, std::int64_t i) {
    ++begun;
    if (i == 3) throw std::runtime_error("piece 3");
  };
  EXPECT_THROW(pool.run(1'000'000, fail), std::runtime_error);
  EXPECT_LT(begun, 1'000'000);
  std::atomic<int> done{0};
  pool.run(100, [&](int /*thread*/, std::int64_t /*i*/) { ++done; });
  EXPECT_EQ(done, 100);
}

TEST(ThreadPool, BeginsNoPieceAfterARequestToStop) {
  ThreadPool pool(3);
  std::stop_source source;
  std::atomic<int> begun{0};
  pool.run(
      1'000'000,
      [&](int /*thread*/, std::int64_t i) {
        ++begun;
        if (i == 10) source.request_stop();
      },
      source.get_token());
  EXPECT_GE(begun, 11);
  EXPECT_LT(begun, 1'000'000);
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  std::optional<ThreadPool> pool(5);
  EXPECT_EQ(pool->threads(), 5);
  pool.reset();  // waits for ever for a thread that does not end
  EXPECT_FALSE(pool.has_value());
}

}  // namespace
}  // namespace gmdiff
