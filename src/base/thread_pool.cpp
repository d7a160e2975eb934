#include "base/thread_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "base/floating_point.hpp"

namespace gmdiff {
namespace {

/// Blocks the signals of the process during its lifetime. Threads that start meanwhile keep them blocked.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGPROF}) sigdelset(&all, own);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

ThreadPool::ThreadPool(int threads) {
  // The workers outlive the call that starts them, so signal handlers that the caller installs later must not
  // run on them.
  const SignalsBlocked blocked;
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread](const std::stop_token& ended) { serve(ended, thread); });
  }
}

ThreadPool::~ThreadPool() {
  for (std::jthread& worker : workers_) worker.request_stop();
}

void ThreadPool::run(std::int64_t count, const std::function<void(int, std::int64_t)>& body,
                     const std::stop_token& stop, int most_threads) {
  Work work{.count = count, .body = body, .stop = stop};
  const std::int64_t helpers = std::min<std::int64_t>({std::ssize(workers_), count - 1, most_threads - 1});
  if (helpers <= 0 || is_taken_.exchange(true)) {
    take_pieces(work, 0);
  } else {
    share(work, helpers);
    is_taken_ = false;
  }
  if (work.error) std::rethrow_exception(work.error);
}

void ThreadPool::share(Work& work, std::int64_t helpers) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    places_ = helpers;
  }
  for (std::int64_t i = 0; i < helpers; ++i) begin_.notify_one();
  take_pieces(work, 0);
  std::unique_lock lock(mutex_);
  places_ = 0;  // do not wait for workers that have not woken up
  end_.wait(lock, [this] { return busy_ == 0; });
}

void ThreadPool::serve(const std::stop_token& ended, int thread) {
  std::unique_lock lock(mutex_);
  while (begin_.wait(lock, ended, [this] { return places_ > 0; })) {
    --places_;
    ++busy_;
    Work& work = *work_;
    lock.unlock();
    take_pieces(work, thread);
    lock.lock();
    if (--busy_ == 0) end_.notify_one();
  }
}

void ThreadPool::take_pieces(Work& work, int thread) {
  const FloatingPointEnvironment environment;
  try {
    while (!work.stop.stop_requested()) {
      const std::int64_t piece = work.next++;
      if (piece >= work.count) return;
      work.body(thread, piece);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!work.error) work.error = std::current_exception();
    work.next = work.count;
  }
}

}  // namespace gmdiff
