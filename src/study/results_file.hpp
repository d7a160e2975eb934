#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gmdiff/study/comparison_record.hpp>

#include "io/line_file.hpp"

// The file of a comparison's records: JSON lines, one record a line, which ends with a checksum of the text
// before it.

namespace gmdiff::study {

/// The parts of a record that decide its figures. Records of one key are equal but for their times, and for
/// the names of problem and sampler, which are labels.
std::string key_of(const ComparisonRecord& record);

/// The records of a file, of each key the first one. A torn last line is left out.
/// @throws std::invalid_argument naming file and line when the file cannot be read, is of another kind, or a
///   line is damaged
std::vector<ComparisonRecord> read_results(const std::filesystem::path& file);

/// A results file that is read once and then grows. Several processes may append to one file.
class ResultsFile {
 public:
  /// Opens the file, or creates an empty one. @throws as `read_results`, and when the file cannot be written.
  explicit ResultsFile(const std::filesystem::path& file);

  /// Records that the file had when it was opened.
  const std::vector<ComparisonRecord>& records() const { return records_; }
  /// Appends a record, which a crash afterwards cannot undo. @throws as `io::LineFile::append`.
  void append(const ComparisonRecord& record) const;

 private:
  io::LineFile lines_;
  std::vector<ComparisonRecord> records_;
};

}  // namespace gmdiff::study
