#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace gmdiff {

/// Threads that take numbered pieces of work from one counter. The calling thread is one of them.
class ThreadPool {
 public:
  /// @param threads >= 1, the calling thread included. The other threads have the signals of the process
  ///   blocked.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(thread, i) for i = 0 ... count - 1 and returns when all calls have ended. The calls run in
  /// the floating-point environment of numerics.md §3, whatever the caller's is. After a stop request or an
  /// exception of a body no new piece begins; the first exception is rethrown to the caller.
  ///
  /// A call that is made while another one runs, from a body or from another thread, does all pieces on the
  /// calling thread, as thread 0. If it waited for the workers instead, it could wait for its own caller.
  /// @param most_threads limits the threads that share the work, the calling one included. Small work would
  ///   be done before more threads wake up.
  void run(std::int64_t count, const std::function<void(int, std::int64_t)>& body,
           const std::stop_token& stop = {}, int most_threads = std::numeric_limits<int>::max());

 private:
  struct Work {
    std::int64_t count;
    const std::function<void(int, std::int64_t)>& body;
    const std::stop_token& stop;
    std::atomic<std::int64_t> next{0};
    std::exception_ptr error{};
  };

  void share(Work& work, std::int64_t helpers);
  void serve(const std::stop_token& ended, int thread);
  void take_pieces(Work& work, int thread);

  std::atomic<bool> is_taken_{false};  // taken by a call that shares its work with the workers
  std::mutex mutex_;
  std::condition_variable_any begin_, end_;
  Work* work_ = nullptr;
  std::int64_t places_ = 0;  // workers that may still join the work
  int busy_ = 0;             // workers that have joined
  std::vector<std::jthread> workers_;
};

}  // namespace gmdiff
