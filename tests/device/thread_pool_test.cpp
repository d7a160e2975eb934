#include "base/thread_pool.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

// Built with the thread sanitizer, which checks every access to memory that threads share.

namespace gmdiff {
namespace {

TEST(ThreadPool, EachPieceIsDoneOnce) {
  for (const int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 5, 1000}) {
      // no atomics, because one thread does a piece
      std::vector<int> done(static_cast<std::size_t>(count), 0);
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

TEST(ThreadPool, IsForSeveralCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<int> done(4, 0);
  {
    std::vector<std::jthread> callers;
    for (std::size_t caller = 0; caller < done.size(); ++caller) {
      callers.emplace_back([&, caller] {
        for (int round = 0; round < 50; ++round) {
          std::vector<int> pieces(20, 0);
          pool.run(20, [&](int thread, std::int64_t i) {
            EXPECT_LT(thread, 3);
            ++pieces[static_cast<std::size_t>(i)];
          });
          if (pieces == std::vector<int>(20, 1)) ++done[caller];
        }
      });
    }
  }
  EXPECT_EQ(done, std::vector<int>(4, 50));
}

TEST(ThreadPool, RunsWithinItsOwnPieces) {
  ThreadPool pool(3);
  std::vector<int> done(10 * 10, 0);
  pool.run(10, [&](int /*thread*/, std::int64_t i) {
    pool.run(10, [&](int thread, std::int64_t j) {
      EXPECT_EQ(thread, 0);
      ++done[static_cast<std::size_t>(10 * i + j)];
    });
  });
  EXPECT_EQ(done, std::vector<int>(10 * 10, 1));
}

TEST(ThreadPool, SharesTheWorkAmongNoMoreThreadsThanToldTo) {
  ThreadPool pool(6);
  const std::thread::id caller = std::this_thread::get_id();
  std::mutex mutex;
  for (int round = 0; round < 100; ++round) {
    std::set<std::thread::id> threads;
    const auto note = [&](int /*thread*/, std::int64_t /*i*/) {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    };
    pool.run(40, note, {}, 1);
    EXPECT_EQ(threads, std::set{caller});
    pool.run(40, note, {}, 3);
    EXPECT_LE(threads.size(), 3U);
  }
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  std::optional<ThreadPool> pool(5);
  EXPECT_EQ(pool->threads(), 5);
  pool.reset();  // would wait forever for a thread that does not end
  EXPECT_FALSE(pool.has_value());
}

}  // namespace
}  // namespace gmdiff
