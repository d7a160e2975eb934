#pragma once

#include <signal.h>

#include <stdexcept>
#include <stop_token>
#include <thread>

namespace gmdiff::cli {

/// The command was interrupted; the message says what of the work stands. Exit code 130.
class CommandInterrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// From now on SIGINT and SIGTERM end the program at once with exit code 130: for work that leaves nothing behind.
void exit_on_interrupt();

/// While it lives, SIGINT and SIGTERM do not end the program but request the stop of `token()`; a second one ends it at once
/// (and may leave an unfinished temporary file beside the output).
/// To be made before other threads are: they inherit the signal mask.
class InterruptWatcher {
 public:
  InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;
  ~InterruptWatcher();

  std::stop_token token() const { return source_.get_token(); }

 private:
  void watch();
  std::stop_source source_;
  sigset_t watched_{};
  sigset_t mask_before_{};
  std::thread thread_;
};

}  // namespace gmdiff::cli
