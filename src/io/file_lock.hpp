#pragma once

#include <filesystem>

#include "io/descriptor.hpp"

// Advisory locks (flock): the system lets go of them when a process ends, however it ends, so they need no files of their own.

namespace gmdiff::io {

/// Holds the lock of a folder while files appear in it that belong together.
class FolderLock {
 public:
  /// Waits for others, but not forever: a stopped process may hold the lock, and some file systems have none.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor folder_;
};

/// Creates a file with the lock of its writer, which stands while the descriptor is open. The descriptor is not open where that fails, for
/// the reason in `errno`.
Descriptor create_locked(const std::filesystem::path& file);

/// Whether a writer holds the lock of a file.
bool is_locked(const std::filesystem::path& file);

}  // namespace gmdiff::io
