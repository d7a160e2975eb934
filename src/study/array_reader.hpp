#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "study/result_file.hpp"

namespace gmdiff::study {

/// Reads an array of a result file as doubles, from its first number to its last: the array of a .npy file, or
/// an array of a .npz archive by its name.
class ArrayReader {
 public:
  /// @throws std::invalid_argument naming the file when it is no such file, or an archive without that array.
  ArrayReader(const std::filesystem::path& file, const std::string& name);

  const std::vector<std::int64_t>& shape() const { return array_.shape; }
  /// The next numbers, as many as there is room for.
  void read(std::span<double> numbers);

 private:
  ResultReader reader_;
  io::NpzEntry array_;
};

/// Whether a file is an archive with an array of that name.
bool has_array(const std::filesystem::path& file, const std::string& name);

}  // namespace gmdiff::study
