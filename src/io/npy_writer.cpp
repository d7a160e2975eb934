#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "io/output_file.hpp"

namespace gmdiff {

namespace {

[[noreturn]] void write_failed(const std::filesystem::path& file, int error) {
  const std::string reason = error == 0 ? "" : " (" + std::generic_category().message(error) + ")";
  throw std::runtime_error(concat(file.string(), ": writing failed", reason));
}

}  // namespace

NpyWriter::NpyWriter(std::filesystem::path file, std::vector<std::int64_t> shape, Precision precision,
                     bool overwrite)
    : shape_(std::move(shape)), precision_(precision), size_(io::shape_size(shape_, file.string())) {
  output_ = std::make_unique<io::OutputFile>(std::move(file), overwrite);
  errno = 0;
  out_.open(output_->temporary(), std::ios::binary | std::ios::trunc);
  if (!out_) write_failed(output_->file(), errno);
  const std::string header = io::npy_header(shape_, precision_);
  header_bytes_ = header.size();
  if (!out_.write(header.data(), static_cast<std::streamsize>(header.size())))
    write_failed(output_->file(), errno);
}

NpyWriter::~NpyWriter() = default;

void NpyWriter::append(std::span<const float> values) {
  require(precision_ == Precision::f32, output_->file().string(), ": float32 values for a float64 array");
  append_bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes(), values.size());
}

void NpyWriter::append(std::span<const double> values) {
  require(precision_ == Precision::f64, output_->file().string(), ": float64 values for a float32 array");
  append_bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes(), values.size());
}

void NpyWriter::append_bytes(const char* data, std::size_t bytes, std::size_t values) {
  require(!done_, output_->file().string(), ": is complete already");
  require(std::cmp_less_equal(values, size_ - written_), output_->file().string(), ": ", values,
          " more values after ", written_, " for shape ", io::shape_text(shape_));
  errno = 0;
  if (!out_.write(data, static_cast<std::streamsize>(bytes))) write_failed(output_->file(), errno);
  written_ += static_cast<std::int64_t>(values);
}

void NpyWriter::close() {
  errno = 0;
  out_.close();
  if (!out_) write_failed(output_->file(), errno);
  done_ = true;
}

void NpyWriter::commit(const std::string& sidecar) {
  require(!done_, output_->file().string(), ": is complete already");
  require(written_ == size_, output_->file().string(), ": ", written_, " values written, shape ",
          io::shape_text(shape_), " needs ", size_);
  close();
  output_->publish(sidecar);
}

std::int64_t NpyWriter::commit_partial(const std::filesystem::path& other, const std::string& sidecar) {
  require(!done_, output_->file().string(), ": is complete already");
  require(!shape_.empty(), output_->file().string(), ": a single number has no rows");
  const std::int64_t row_values = size_ == 0 ? 0 : size_ / shape_[0];
  const std::int64_t rows = row_values == 0 ? shape_[0] : written_ / row_values;
  shape_[0] = rows;
  const std::string header = io::npy_header(shape_, precision_, header_bytes_);
  errno = 0;
  if (!out_.seekp(0) || !out_.write(header.data(), static_cast<std::streamsize>(header.size())))
    write_failed(output_->file(), errno);
  close();
  const auto value_bytes = static_cast<std::uintmax_t>(precision_ == Precision::f32 ? 4 : 8);
  const auto data_bytes =
      static_cast<std::uintmax_t>(rows) * static_cast<std::uintmax_t>(row_values) * value_bytes;
  // Drops an unfinished row at the end.
  std::filesystem::resize_file(output_->temporary(), header_bytes_ + data_bytes);
  output_->publish_as(other, sidecar);
  return rows;
}

void write_points(const std::filesystem::path& file, const Points& points, Precision precision,
                  bool overwrite) {
  NpyWriter writer(file, {points.rows(), points.cols()}, precision, overwrite);
  if (precision == Precision::f64) {
    writer.append(std::span(points.data(), static_cast<std::size_t>(points.size())));
  } else {
    const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rounded =
        points.cast<float>();
    writer.append(std::span(rounded.data(), static_cast<std::size_t>(rounded.size())));
  }
  writer.commit();
}

}  // namespace gmdiff
