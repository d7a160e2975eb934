#include "cli/interrupt.hpp"

#include <pthread.h>
#include <unistd.h>

namespace gmdiff::cli {
namespace {

constexpr int interrupted_code = 130;

void leave(int) {
  constexpr char message[] = "\ngmdiff: interrupted\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message, sizeof message - 1);
  _exit(interrupted_code);
}

}  // namespace

void exit_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = leave;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Stop sources must not be touched in a signal handler, so the signals are blocked and a thread waits for them.
InterruptWatcher::InterruptWatcher() {
  sigemptyset(&watched_);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&watched_, signal);
  pthread_sigmask(SIG_BLOCK, &watched_, &mask_before_);
  thread_ = std::thread([this] { watch(); });
}

InterruptWatcher::~InterruptWatcher() {
  pthread_kill(thread_.native_handle(), SIGUSR1);  // ends `watch`
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void InterruptWatcher::watch() {
  int signal = 0;
  while (sigwait(&watched_, &signal) == 0 && signal != SIGUSR1) {
    if (source_.stop_requested()) leave(signal);
    source_.request_stop();
  }
}

}  // namespace gmdiff::cli
