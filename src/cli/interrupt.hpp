#pragma once

#include <stop_token>

namespace gmdiff::cli {

/// After this call SIGINT, SIGTERM, SIGHUP and SIGXCPU end the program with exit code 130 and without
/// unfinished files; signals that were ignored at the start (nohup, background jobs) stay ignored. Writing to
/// a pipe without a reader or beyond a limit on file sizes becomes an error of that write. All other signals
/// keep their effect. Call it before other threads are created: they inherit the signal mask.
void watch_signals();

/// While an object exists, the first of these signals requests the stop of `token()` instead of ending the
/// program; a second one ends it at once.
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
