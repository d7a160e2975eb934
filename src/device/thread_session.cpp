#include "device/thread_session.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "device/cpu/dispatch.hpp"

namespace gmdiff {
namespace {

/// The values that a session is made from.
struct Setting {
  Device device;
  pid_t process = getpid();  // Threads and GPU contexts do not survive a fork.
  // Threads keep the affinity that they start with.
  std::vector<std::uint8_t> affinity = ::gmdiff::affinity();
  int threads = 0;
  std::string environment;

  explicit Setting(const Device& of) : device(of) {
    switch (device.kind()) {
      case Device::Kind::cpu:
        threads = device.number() == 0 ? usable_processors() : device.number();
        environment = cpu::to_string(cpu::chosen_instruction_set());
        break;
      case Device::Kind::cuda:
        if (const char* sync = std::getenv("GMDIFF_CUDA_SYNC")) environment = sync;
        break;
      case Device::Kind::reference:
        break;
    }
  }
  friend bool operator==(const Setting&, const Setting&) = default;
};

thread_local bool has_ended = false;  // whether the thread's sessions have been destroyed

/// The sessions that a thread used most recently.
class ThreadSessions {
 public:
  ThreadSessions() = default;
  ThreadSessions(const ThreadSessions&) = delete;
  ThreadSessions& operator=(const ThreadSessions&) = delete;
  ~ThreadSessions() { has_ended = true; }

  std::shared_ptr<const Session> get(const Device& device) {
    Setting setting(device);
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.setting == setting; });
    if (found != entries_.end()) {
      std::rotate(entries_.begin(), found, found + 1);
    } else {
      auto session = std::make_shared<const Session>(device);
      if (entries_.size() == most_sessions) entries_.pop_back();
      entries_.insert(entries_.begin(), {std::move(setting), std::move(session)});
    }
    return entries_.front().session;
  }

 private:
  static constexpr std::size_t most_sessions = 4;
  struct Entry {
    Setting setting;
    std::shared_ptr<const Session> session;
  };
  std::vector<Entry> entries_;  // most recently used first
};

}  // namespace

std::shared_ptr<const Session> thread_session(const Device& device) {
  // Destructors of static objects run after those of the thread's objects.
  if (has_ended) return std::make_shared<const Session>(device);
  thread_local ThreadSessions sessions;
  return sessions.get(device);
}

}  // namespace gmdiff
