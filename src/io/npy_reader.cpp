#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "io/npy_header.hpp"

namespace gmdiff {

static_assert(std::endian::native == std::endian::little,
              "values are copied to and from little-endian files as they are");

namespace {

std::int64_t regular_file_size(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  require(std::filesystem::exists(status), file.string(), ": no such file");
  require(std::filesystem::is_regular_file(status), file.string(), ": not a regular file");
  const auto bytes = std::filesystem::file_size(file, error);
  if (error) throw std::runtime_error(concat(file.string(), ": ", error.message()));
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

NpyReader::NpyReader(const std::filesystem::path& file) : file_(file) {
  const std::int64_t bytes = regular_file_size(file);
  in_.open(file, std::ios::binary);
  require(in_.is_open(), file.string(), ": cannot be opened for reading");
  const io::NpyHeader header = io::read_npy_header(in_, bytes, file.string());
  shape_ = header.shape;
  precision_ = header.precision;
  size_ = header.size;
  data_offset_ = header.data_offset;
}

void NpyReader::read_bytes(std::int64_t first, std::int64_t count, std::span<char> bytes) {
  const std::int64_t value_bytes = precision_ == Precision::f32 ? 4 : 8;
  require(first >= 0 && count >= 0 && first <= size_ && count <= size_ - first, file_.string(), ": values ",
          first, " to ", first, " + ", count, " are outside the array of ", size_);
  require(std::cmp_equal(bytes.size(), count * value_bytes), file_.string(), ": ", count,
          " values need a buffer of ", count * value_bytes, " bytes, given ", bytes.size());
  if (count == 0) return;
  in_.clear();
  in_.seekg(data_offset_ + first * value_bytes);
  in_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!in_) throw std::runtime_error(concat(file_.string(), ": reading ", bytes.size(), " bytes failed"));
}

void NpyReader::read(std::int64_t first, std::span<double> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  if (precision_ == Precision::f64) {
    read_bytes(first, count, {reinterpret_cast<char*>(values.data()), values.size_bytes()});
    return;
  }
  require(first >= 0 && first <= size_ && count <= size_ - first, file_.string(), ": values ", first, " to ",
          first, " + ", count, " are outside the array of ", size_);
  std::array<float, 4096> buffer;
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t now = std::min<std::int64_t>(count - done, buffer.size());
    const auto part = std::span(buffer).first(static_cast<std::size_t>(now));
    read_bytes(first + done, now, {reinterpret_cast<char*>(part.data()), part.size_bytes()});
    std::copy(part.begin(), part.end(), values.begin() + done);
    done += now;
  }
}

Points read_points(const std::filesystem::path& file) {
  NpyReader reader(file);
  const auto& shape = reader.shape();
  require(!shape.empty(), file.string(), ": expected at least one dimension, given a single number");
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  require_memory(saturating_product(static_cast<std::uint64_t>(reader.size()), sizeof(double)),
                 "the array of ", file.string(), " in double");
  Points points = shape.size() == 1 ? Points(shape[0], 1) : Points(rows, shape.back());
  reader.read(0, {points.data(), static_cast<std::size_t>(points.size())});
  return points;
}

}  // namespace gmdiff
