#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace gmdiff::cli {

/// One line on the terminal, redrawn five times a second once a piece of work has taken longer than a second:
/// a bar with the share that is done and the time left, or the elapsed time where the total is not known. It
/// is narrower than the terminal, so that it does not wrap, and the destructor removes it. Nothing is drawn
/// when `quiet`, or when standard error is not a terminal.
class ProgressLine {
 public:
  /// @param total 0: not known.
  ProgressLine(std::string work, std::int64_t total, bool quiet);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  /// Amount of the total that is done; from any thread.
  void update(std::int64_t done) { done_ = done; }

 private:
  void draw(std::stop_token stop);
  std::string line() const;
  std::string work_;
  std::int64_t total_;
  std::chrono::steady_clock::time_point begin_;
  std::atomic<std::int64_t> done_ = 0;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace gmdiff::cli
