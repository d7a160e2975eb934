#include "io/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace gmdiff::io {

namespace {

/// Takes the lock of an open file. Returns false when another process kept it for the whole time.
bool wait_for_lock(int file) {
  constexpr std::chrono::seconds patience(5);
  constexpr std::chrono::milliseconds pause(5);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return true;  // a file system without locks
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_.is_open()) wait_for_lock(folder_.number());
}

FileLock::FileLock(const Descriptor& file)
    : file_(file.number()), is_elsewhere_(!wait_for_lock(file.number())) {}

FileLock::~FileLock() { ::flock(file_, LOCK_UN); }

Descriptor create_locked(const std::filesystem::path& file) {
  Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (descriptor.is_open())
    ::flock(descriptor.number(), LOCK_EX | LOCK_NB);  // fails on file systems without locks
  return descriptor;
}

bool is_locked(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return descriptor.is_open() && ::flock(descriptor.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace gmdiff::io
