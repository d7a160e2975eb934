#pragma once

#include <stop_token>

namespace gmdiff::cli {

/// From now on SIGINT, SIGTERM, SIGHUP and SIGXCPU end the program with exit code 130 and without unfinished files, but for those that were
/// ignored at the start (nohup, background jobs), which stay so. Writing to a pipe without a reader or beyond a limit on file sizes becomes
/// an error of that write. All other signals keep what they do.
/// To be called before other threads are made: they inherit the signal mask.
void watch_signals();

/// While it lives, the first of these signals does not end the program but requests the stop of `token()`; a second one ends it at once.
class InterruptWatcher {
 public:
  InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;
  ~InterruptWatcher();

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
};

}  // namespace gmdiff::cli
