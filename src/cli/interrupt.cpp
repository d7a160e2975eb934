#include "cli/interrupt.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "io/unfinished_files.hpp"

namespace gmdiff::cli {
namespace {

constexpr int interrupted_code = 130;

/// The run that a signal asks to stop, or null.
struct Watched {
  std::mutex mutex;
  std::stop_source* run = nullptr;
};

Watched& watched() {
  // never destroyed: the thread that waits for signals outlives main
  static auto* const the_one = new Watched;
  return *the_one;
}

[[noreturn]] void leave() {
  io::remove_unfinished_files();
  constexpr char message[] = "\ngmdiff: interrupted\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message, sizeof message - 1);
  _exit(interrupted_code);
}

void receive(int signal) {
  const std::lock_guard lock(watched().mutex);
  std::stop_source* run = watched().run;
  // SIGXCPU is sent again every second.
  if (run == nullptr || (run->stop_requested() && signal != SIGXCPU)) leave();
  run->request_stop();
}

/// The signals that end the program, without those that are ignored.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

// A signal handler may use neither stop sources nor files, so the signals are blocked and a thread waits for
// them.
void watch_signals() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
  const sigset_t ending = ending_signals();
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::thread([ending] {
    for (int signal = 0; sigwait(&ending, &signal) == 0;) receive(signal);
  }).detach();
}

InterruptWatcher::InterruptWatcher() {
  const std::lock_guard lock(watched().mutex);
  watched().run = &source_;
}

InterruptWatcher::~InterruptWatcher() {
  const std::lock_guard lock(watched().mutex);
  watched().run = nullptr;
}

}  // namespace gmdiff::cli
