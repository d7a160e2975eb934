#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/io/npy.hpp>

#include "io/output_file.hpp"
#include "io/zip_archive.hpp"

// NumPy's .npz: a zip archive of .npy files.

namespace gmdiff::io {

/// One array of an archive; the values are not copied and must live until it is written.
struct NpzArray {
  std::string name;                 ///< without ".npy"
  std::vector<std::int64_t> shape;  ///< any rank
  std::span<const double> values;   ///< row-major
};

/// Writes float64 arrays uncompressed in the given order, under a temporary name first. Equal arrays give
/// equal bytes.
/// @throws std::invalid_argument for an empty list, an empty or repeated name, a shape that does not match
///   the values, or an existing file unless `overwrite`; std::runtime_error when writing fails.
void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite);

/// Name, shape and type of an array in an archive.
struct NpzEntry {
  std::string name;                 ///< without ".npy"
  std::vector<std::int64_t> shape;  ///< any rank
  Precision precision = Precision::f64;

  bool operator==(const NpzEntry&) const = default;
  /// Bytes of all values.
  std::int64_t bytes() const;
};

/// Whether a file begins with the signature of a zip archive.
bool is_npz(const std::filesystem::path& file);

/// Writes the arrays of an archive alternately, some rows at a time. Each array is written to a private file
/// beside the archive until `commit` joins them, so for a while all values are on disk twice. The bytes equal
/// those of `write_npz`.
class NpzWriter {
 public:
  /// @throws as `NpyWriter` for each array, and as `write_npz`.
  NpzWriter(const std::filesystem::path& file, const std::vector<NpzEntry>& arrays, bool overwrite);
  NpzWriter(const NpzWriter&) = delete;
  NpzWriter& operator=(const NpzWriter&) = delete;
  /// Appends to an array by its number. @throws as `NpyWriter::append`.
  void append(std::size_t array, std::span<const float> values) { parts_.at(array).writer->append(values); }
  void append(std::size_t array, std::span<const double> values) { parts_.at(array).writer->append(values); }
  /// As in `NpyWriter`; all arrays of a partial archive must have the same number of whole rows.
  void commit(const std::string& sidecar = {});
  std::int64_t commit_partial(const std::filesystem::path& other, const std::string& sidecar = {});

 private:
  struct Part {
    std::string name;
    std::unique_ptr<OutputFile> place;  ///< never published; its private temporary file is the part
    std::unique_ptr<NpyWriter> writer;
  };
  /// Writes the archive of the finished parts to its temporary name.
  void assemble();
  OutputFile output_;
  std::vector<Part> parts_;
};

/// An archive opened for reading. The constructor parses and checks all headers; values are read one array
/// after the other.
class NpzReader {
 public:
  /// @throws std::invalid_argument naming the file when it is missing, is not a zip archive, or has an
  ///   entry that is not a .npy file.
  explicit NpzReader(const std::filesystem::path& file);

  /// The arrays in the order of the archive.
  const std::vector<NpzEntry>& arrays() const { return arrays_; }
  /// Moves to the first value of an array.
  void open(std::size_t array);
  /// Reads the next raw little-endian bytes of the open array. @throws std::invalid_argument when no more are
  /// left or they are damaged.
  void read_bytes(std::span<char> bytes);

 private:
  NpzEntry read_entry(const ZipEntry& entry);

  std::string file_;
  ZipReader archive_;
  std::vector<NpzEntry> arrays_;
  std::vector<std::int64_t> data_offsets_;
  std::int64_t left_ = 0;  // unread bytes of the open array
};

}  // namespace gmdiff::io
