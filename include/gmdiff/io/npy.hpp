#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/base/precision.hpp>

// NumPy's .npy format (NEP 1 and its versions 1.0, 2.0, 3.0), float32 and float64, C order, little-endian.

namespace gmdiff {

namespace io {
class OutputFile;
}

/// A .npy file opened for reading. The constructor parses the header and checks it against the size of the
/// file; data are read on demand.
class NpyReader {
 public:
  /// @throws std::invalid_argument naming the file and the error: missing or not a regular file, not .npy,
  ///   unknown version, malformed header, other dtype (also big-endian), Fortran order where it differs from
  ///   C order (two or more dimensions that are not 1), a size that overflows or does not match the file.
  explicit NpyReader(const std::filesystem::path& file);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  Precision precision() const { return precision_; }
  /// Number of values.
  std::int64_t size() const { return size_; }
  /// Values [first, first + values.size()) converted to double. @throws std::invalid_argument outside the
  /// array, std::runtime_error when reading fails.
  void read(std::int64_t first, std::span<double> values);
  /// Raw little-endian bytes of values [first, first + count).
  void read_bytes(std::int64_t first, std::int64_t count, std::span<char> bytes);

 private:
  std::filesystem::path file_;
  std::ifstream in_;
  std::vector<std::int64_t> shape_;
  Precision precision_ = Precision::f64;
  std::int64_t size_ = 0;
  std::int64_t data_offset_ = 0;
};

/// Writes a .npy file row by row under a temporary name and renames it when it is complete; `file` does not
/// appear earlier.
class NpyWriter {
 public:
  /// @param shape any rank, entries >= 0. @param overwrite false: an existing `file` is an error. Symbolic
  ///   links are followed.
  /// @throws std::invalid_argument when `file` must not be overwritten but exists or is being written by
  ///   another process, when it is not a regular file or is a dangling link, when its folder does not exist,
  ///   or when the shape is invalid; std::runtime_error when the file cannot be created.
  NpyWriter(std::filesystem::path file, std::vector<std::int64_t> shape, Precision precision, bool overwrite);
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;
  /// Removes the unfinished file, unless committed.
  ~NpyWriter();

  /// Appends values. @throws std::runtime_error when writing fails (disk full, ...), std::invalid_argument
  /// for more values than the shape holds or the wrong type.
  void append(std::span<const float> values);
  void append(std::span<const double> values);
  /// Completes the file and renames it. A replaced file passes on its permissions.
  /// @param sidecar text of `file`.json, which appears together with the file; if empty, the sidecar of
  ///   replaced data is removed.
  /// @throws std::invalid_argument when values are missing, or when `file` must not be overwritten but has
  ///   appeared in the meantime; the message gives the name under which the data are kept.
  void commit(const std::string& sidecar = {});
  /// Completes the file with the whole rows written so far (the first dimension shrinks) and renames it to
  /// `other`, which is replaced if it exists; returns the number of rows.
  std::int64_t commit_partial(const std::filesystem::path& other, const std::string& sidecar = {});

 private:
  void append_bytes(const char* data, std::size_t bytes, std::size_t values);
  void close();
  std::vector<std::int64_t> shape_;
  Precision precision_;
  std::int64_t size_;
  std::unique_ptr<io::OutputFile> output_;
  std::ofstream out_;
  std::size_t header_bytes_ = 0;
  std::int64_t written_ = 0;
  bool done_ = false;
};

/// Reads a whole array as (product of the other dimensions, last dimension); 1-D arrays become (n, 1). Sizes
/// are checked before memory is allocated.
/// @throws as `NpyReader`; std::invalid_argument for an array without dimensions; MemoryError.
Points read_points(const std::filesystem::path& file);
/// Writes (n, d) points in the given precision.
void write_points(const std::filesystem::path& file, const Points& points,
                  Precision precision = Precision::f64, bool overwrite = false);

/// Whether the sidecar of a result, `x.npy.json` beside `x.npy`, describes its data.
enum class SidecarMatch {
  absent,   ///< no sidecar, or a file of that name which is not a sidecar
  matches,  ///< it has the shape and the checksums of the data
  differs   ///< it describes other data, or has no checksums
};
/// Reads a .npy or .npz file and compares it with its sidecar. For a symbolic link this is the sidecar of the
/// target or, without one, that of the link. @throws as `NpyReader`; std::invalid_argument for an archive
/// that is damaged.
SidecarMatch match_sidecar(const std::filesystem::path& file);

}  // namespace gmdiff
