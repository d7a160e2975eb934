#include "base/thread_pool.hpp"

#include "base/floating_point.hpp"

namespace gmdiff {

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread](const std::stop_token& ended) { serve(ended, thread); });
  }
}

ThreadPool::~ThreadPool() {
  for (std::jthread& worker : workers_) worker.request_stop();
}

void ThreadPool::run(std::int64_t count, const std::function<void(int, std::int64_t)>& body, const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    work_.count = count;
    work_.body = &body;
    work_.stop = stop;
    work_.next = 0;
    work_.error = nullptr;
    busy_ = static_cast<int>(workers_.size());
    ++round_;
  }
  begin_.notify_all();
  take_pieces(0);
  std::unique_lock lock(mutex_);
  end_.wait(lock, [this] { return busy_ == 0; });
  if (work_.error) std::rethrow_exception(work_.error);
}

void ThreadPool::serve(const std::stop_token& ended, int thread) {
  std::uint64_t served = 0;
  std::unique_lock lock(mutex_);
  while (begin_.wait(lock, ended, [&] { return round_ != served; })) {
    served = round_;
    lock.unlock();
    take_pieces(thread);
    lock.lock();
    if (--busy_ == 0) end_.notify_one();
  }
}

void ThreadPool::take_pieces(int thread) {
  const FloatingPointEnvironment environment;
  try {
    while (!work_.stop.stop_requested()) {
      const std::int64_t piece = work_.next++;
      if (piece >= work_.count) return;
      (*work_.body)(thread, piece);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!work_.error) work_.error = std::current_exception();
    work_.next = work_.count;
  }
}

}  // namespace gmdiff
