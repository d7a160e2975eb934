#pragma once

#include <filesystem>
#include <optional>

#include "io/unfinished_files.hpp"

// Output files appear under their name only when complete: they are written beside it, then renamed.

namespace gmdiff::io {

/// The temporary name beside an output file; removed again unless published.
class OutputFile {
 public:
  /// Checks the target and chooses a temporary name in its folder that is free. Creates nothing.
  /// @throws std::invalid_argument when the folder does not exist, the target is something else than a regular file (a folder, a
  ///   device), or it exists and `overwrite` is false.
  OutputFile(std::filesystem::path file, bool overwrite);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  const std::filesystem::path& file() const { return file_; }
  /// Where to write until `publish`.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// Renames the temporary file to the target. @throws std::invalid_argument when the target has appeared meanwhile and must not be
  /// overwritten, std::runtime_error when renaming fails.
  void publish();
  /// Renames the temporary file to `other`, which is replaced. @throws as `publish`.
  void publish_as(const std::filesystem::path& other);

 private:
  std::filesystem::path file_;
  std::filesystem::path temporary_;
  std::optional<UnfinishedFile> unfinished_;
  bool overwrite_;
  bool published_ = false;
};

}  // namespace gmdiff::io
