#include "study/result_file.hpp"

#include <utility>

#include <gmdiff/device/samples.hpp>

namespace gmdiff::study {

ResultArrays npy_array(std::vector<std::int64_t> shape, Precision precision) {
  return {{"", std::move(shape), precision}};
}

ResultArrays particle_arrays(const std::vector<std::int64_t>& shape, Precision precision) {
  return {{"samples", shape, precision},
          {"log_weights", {shape.at(0), shape.at(shape.size() - 2)}, Precision::f64},
          {"log_evidence", {shape.at(0)}, Precision::f64}};
}

ResultArrays path_arrays(const std::vector<std::int64_t>& shape, Precision precision) {
  return {{"samples", shape, precision}, {"log_weights", {shape.at(0)}, Precision::f64}};
}

ResultArrays moment_arrays(const std::vector<std::int64_t>& shape, Precision precision, bool has_acceptance,
                           bool has_steps) {
  constexpr std::int64_t largest_covariance = 32;
  const std::int64_t count = shape.at(0), d = shape.back();
  ResultArrays arrays{{"samples", shape, precision},
                      {"mean", {count, d}, Precision::f64},
                      {"variance", {count, d}, Precision::f64},
                      {"batch_means", {count, ChainMoments::batches, d}, Precision::f64}};
  if (d <= largest_covariance) arrays.push_back({"covariance", {count, d, d}, Precision::f64});
  if (has_acceptance) {
    arrays.push_back({"acceptance", {count}, Precision::f64});
    arrays.push_back({"non_finite", {count}, Precision::f64});
  }
  if (has_steps) arrays.push_back({"step", {count}, Precision::f64});
  return arrays;
}

ResultWriter::ResultWriter(const std::filesystem::path& file, const ResultArrays& arrays, bool force)
    : checksums_(arrays.size()) {
  if (is_archive(arrays)) {
    npz_.emplace(file, arrays, force);
  } else {
    npy_.emplace(file, arrays.front().shape, arrays.front().precision, force);
  }
}

std::vector<std::uint64_t> ResultWriter::checksums() const {
  std::vector<std::uint64_t> values;
  for (const io::Checksum& checksum : checksums_) values.push_back(checksum.value());
  return values;
}

ResultReader::ResultReader(const std::filesystem::path& file) {
  if (io::is_npz(file)) {
    npz_.emplace(file);
    arrays_ = npz_->arrays();
  } else {
    npy_.emplace(file);
    arrays_ = npy_array(npy_->shape(), npy_->precision());
  }
}

void ResultReader::open(std::size_t array) {
  position_ = 0;
  if (npz_) npz_->open(array);
}

void ResultReader::read_bytes(std::span<char> bytes) {
  if (npz_) return npz_->read_bytes(bytes);
  const std::int64_t values = std::ssize(bytes) / (npy_->precision() == Precision::f32 ? 4 : 8);
  npy_->read_bytes(position_, values, bytes);
  position_ += values;
}

}  // namespace gmdiff::study
