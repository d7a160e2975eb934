#pragma once

#include <filesystem>

// Names under which unfinished output stands, known to the whole process, so that a process that a signal ends can take them away.

namespace gmdiff::io {

/// While it lives, `name` is that of an unfinished file, as are the names that begin with it and go on with `.` or `-`.
class UnfinishedFile {
 public:
  explicit UnfinishedFile(std::filesystem::path name);
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;
  ~UnfinishedFile();

 private:
  std::filesystem::path name_;
};

/// Removes all unfinished files, from any thread. For a process about to end: whoever begins or finishes one from now on waits for ever.
void remove_unfinished_files();

}  // namespace gmdiff::io
