#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/descriptor.hpp"

// Text files that grow by whole lines, also from several processes at once. A line is one write(2) at the end
// of the file under an advisory lock, so only the last line can be torn: by a crash of the machine, or by a
// full disk.

namespace gmdiff::io {

/// The complete lines of a file without their newlines. A torn last line is left out.
/// @param line_start the beginning of every line, by which a file of another kind is recognised
/// @throws std::invalid_argument naming file and line when the file cannot be read, is not a regular file, or
///   a line begins in another way
std::vector<std::string> read_lines(const std::filesystem::path& file, const std::string& line_start);

/// Appends lines to a file.
class LineFile {
 public:
  /// Opens the file, or creates an empty one. Links are followed.
  /// @throws std::invalid_argument when the file cannot be opened for writing or is not a regular file
  LineFile(std::filesystem::path file, std::string line_start);

  /// Appends `line`, which has no newline and begins with `line_start`, after removing a torn last line.
  /// @throws std::invalid_argument when the end of the file is of another kind; std::runtime_error when
  ///   writing fails, and then nothing of the line remains, or when another process keeps the lock.
  void append(const std::string& line) const;

 private:
  void remove_torn_line() const;

  std::filesystem::path file_;
  std::string line_start_;
  Descriptor descriptor_;
};

}  // namespace gmdiff::io
