#pragma once

#include <filesystem>

#include "io/descriptor.hpp"

// Advisory locks (flock). The system releases them when a process ends in any way, so they need no lock
// files.

namespace gmdiff::io {

/// Holds the lock of a folder while a group of files is renamed into it.
class FolderLock {
 public:
  /// Waits for the lock for a limited time, since a stopped process may hold it and some file systems have no
  /// locks.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor folder_;
};

/// Holds the lock of an open file.
class FileLock {
 public:
  /// Waits for the lock for a limited time. The descriptor must outlive the lock.
  explicit FileLock(const Descriptor& file);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  /// Whether another process kept the lock all that time.
  bool is_elsewhere() const { return is_elsewhere_; }

 private:
  int file_;
  bool is_elsewhere_;
};

/// Creates a file and takes its writer's lock, which lasts while the descriptor is open. On failure the
/// descriptor is not open and `errno` has the reason.
Descriptor create_locked(const std::filesystem::path& file);

/// Whether a writer holds the lock of a file.
bool is_locked(const std::filesystem::path& file);

}  // namespace gmdiff::io
