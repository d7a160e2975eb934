#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace gmdiff {

/// Threads that take numbered pieces of work from one counter. The calling thread is one of them.
class ThreadPool {
 public:
  /// @param threads >= 1, the calling thread included.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(thread, i) for i = 0 ... count - 1 and returns when all calls have ended. The calls run in the floating-point environment
  /// of the numeric contract, whatever the caller's (numerics.md §3). After a stop request or an exception of a body no new piece begins;
  /// the first exception is thrown here.
  void run(std::int64_t count, const std::function<void(int, std::int64_t)>& body, const std::stop_token& stop = {});

 private:
  struct Work {
    std::int64_t count = 0;
    const std::function<void(int, std::int64_t)>* body = nullptr;
    std::stop_token stop;
    std::atomic<std::int64_t> next{0};
    std::exception_ptr error;
  };

  void serve(const std::stop_token& ended, int thread);
  void take_pieces(int thread);

  std::mutex mutex_;
  std::condition_variable_any begin_, end_;
  std::uint64_t round_ = 0;  // number of the current call of `run`; a worker takes part once in each
  int busy_ = 0;
  Work work_;
  std::vector<std::jthread> workers_;
};

}  // namespace gmdiff
