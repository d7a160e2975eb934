#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "study/results_file.hpp"

namespace gmdiff::study {

/// The records of a results file by their keys. Without a file no record is known and none is written.
class KnownRecords {
 public:
  /// @throws as `ResultsFile` unless `file` is empty.
  explicit KnownRecords(const std::filesystem::path& file);

  /// Replaces a record by the known one of the same key, under its own names. Returns whether there is one.
  bool fill(ComparisonRecord& record) const;

  /// Writes a record to the file.
  void append(const ComparisonRecord& record) const;

 private:
  std::optional<ResultsFile> file_;
  std::map<std::string, ComparisonRecord> by_key_;
};

}  // namespace gmdiff::study
