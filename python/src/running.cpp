#include "running.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "errors.hpp"

namespace gmdiff::python {
namespace {

/// State that the handler of SIGINT shares with the thread that it wakes. A handler may not use stop sources,
/// so it posts a semaphore, on which the thread waits. It is never destroyed: the thread outlives main.
struct Watch {
  sem_t signalled{};
  std::mutex mutex;
  std::stop_source* run = nullptr;
  /// Number of the run, and of the run that received the last signal: a late thread must not stop the next
  /// one.
  std::atomic<std::uint64_t> number = 0, signalled_number = 0;
  struct sigaction before {};
  pid_t process = 0;  // a child process after fork needs a thread of its own
};
Watch& watch() {
  static auto* const the_one = new Watch;
  return *the_one;
}
Interrupts* innermost = nullptr;  // of the main thread

/// Python's own handler notes the signal; then the thread is woken.
void on_interrupt(int signal, siginfo_t* info, void* context) {
  // First of all: while Python's handler runs in another thread, the run may end and the next one begin.
  const std::uint64_t number = watch().number.load();
  const struct sigaction& before = watch().before;
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else {
    before.sa_handler(signal);
  }
  watch().signalled_number = number;
  sem_post(&watch().signalled);
}

void wait_for_signals() {
  while (sem_wait(&watch().signalled) == 0 || errno == EINTR) {
    const std::lock_guard lock(watch().mutex);
    const bool is_of_run = watch().signalled_number == watch().number;
    if (watch().run != nullptr && is_of_run) watch().run->request_stop();
  }
}

/// Starts the thread once. It blocks all signals, which stay with the threads of Python.
void start_thread() {
  if (watch().process == getpid()) return;
  watch().process = getpid();
  sem_init(&watch().signalled, 0, 0);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread(wait_for_signals).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// Replaces the handler of SIGINT, unless the signal is ignored or ends the program.
void install() {
  struct sigaction current {};
  sigaction(SIGINT, nullptr, &current);
  const bool has_handler = (current.sa_flags & SA_SIGINFO) != 0 ||
                           (current.sa_handler != SIG_IGN && current.sa_handler != SIG_DFL);
  if (!has_handler) return;
  watch().before = current;
  struct sigaction own = current;
  own.sa_flags |= SA_SIGINFO;
  own.sa_sigaction = on_interrupt;
  sigaction(SIGINT, &own, nullptr);
}

/// Gives the handler back, unless a function of Python has changed it in the meantime.
void uninstall() {
  struct sigaction current {};
  sigaction(SIGINT, nullptr, &current);
  const bool is_own = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_interrupt;
  if (is_own) sigaction(SIGINT, &watch().before, nullptr);
}

bool is_main_thread() { return gettid() == getpid(); }

}  // namespace

Interrupts::Interrupts() {
  if (!is_main_thread()) return;
  is_active_ = true;
  outer_ = innermost;
  start_thread();
  {
    const std::lock_guard lock(watch().mutex);
    if (outer_ == nullptr) ++watch().number;
    watch().run = &source_;
  }
  innermost = this;
  if (outer_ == nullptr) install();
}

Interrupts::~Interrupts() {
  if (!is_active_) return;
  if (outer_ == nullptr) uninstall();
  innermost = outer_;
  const std::lock_guard lock(watch().mutex);
  watch().run = outer_ == nullptr ? nullptr : &outer_->source_;
}

bool Interrupts::hand_over(nb::python_error& error) {
  if (innermost == nullptr) return false;
  innermost->error_.emplace(std::move(error));
  innermost->source_.request_stop();
  return true;
}

void Interrupts::raise(const Finished& finished, const std::string& message) {
  if (!error_ && PyErr_CheckSignals() != 0) error_.emplace();
  if (!error_) {
    PyErr_SetString(interrupted_error().ptr(), message.c_str());
    error_.emplace();
  }
  nb::borrow(error_->value()).attr(finished.attribute) = finished.value;
  throw nb::python_error(std::move(*error_));
}

}  // namespace gmdiff::python
