#pragma once

#include <filesystem>

// A list of this process's unfinished output files, so that they can be removed when a signal ends the
// process.

namespace gmdiff::io {

/// Registers `name` as an unfinished file while the object exists, together with the names that continue it
/// with `.` or `-`.
class UnfinishedFile {
 public:
  explicit UnfinishedFile(std::filesystem::path name);
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;
  ~UnfinishedFile();

 private:
  std::filesystem::path name_;
};

/// Removes all unfinished files; callable from any thread of a process that is about to end. Threads that
/// begin or finish a file afterwards wait forever.
void remove_unfinished_files();

}  // namespace gmdiff::io
