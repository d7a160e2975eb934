#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

// NumPy's .npz: a zip archive of .npy files.

namespace gmdiff::io {

/// One array of an archive; the values are not copied and must live until it is written.
struct NpzArray {
  std::string name;                 ///< without ".npy"
  std::vector<std::int64_t> shape;  ///< any rank
  std::span<const double> values;   ///< row-major
};

/// Writes float64 arrays, stored uncompressed, in the given order; written beside `file` and renamed. Same arrays, same bytes.
/// @throws std::invalid_argument for no arrays, an empty or repeated name, a shape that does not fit the values, an existing file unless
///   `overwrite`; std::runtime_error when writing fails.
void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite);

}  // namespace gmdiff::io
