#pragma once

#include <string>
#include <vector>

#include "study/record.hpp"
#include "study/result_file.hpp"

namespace gmdiff::study {

/// A file that holds a range of a run, and its record.
struct Part {
  std::string file;
  RunRecord record;
  ResultArrays arrays;
};

/// Reads the records of files and checks that they are adjacent ranges of one run. @returns the parts in the
/// order of their ranges.
/// @throws std::invalid_argument naming the files and the entry that differs, or the range that overlaps or
///   is missing.
std::vector<Part> load_parts(const std::vector<std::string>& files);

}  // namespace gmdiff::study
