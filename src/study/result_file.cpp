#include "study/result_file.hpp"

#include <algorithm>
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

ResultArrays chain_arrays(const std::vector<std::int64_t>& shape, Precision precision,
                          const ChainArrays& more) {
  constexpr std::int64_t largest_covariance = 32;
  if (!more.any()) return npy_array(shape, precision);
  const std::int64_t count = shape.at(0), d = shape.back();
  ResultArrays arrays{{"samples", shape, precision}};
  const auto add = [&](const char* name, std::vector<std::int64_t> of) {
    arrays.push_back({name, std::move(of), Precision::f64});
  };
  if (more.moments) {
    add("mean", {count, d});
    add("variance", {count, d});
    add("batch_means", {count, ChainMoments::batches, d});
    if (d <= largest_covariance) add("covariance", {count, d, d});
    if (more.acceptance) add("acceptance", {count});
    if (more.acceptance) add("non_finite", {count});
    if (more.steps) add("step", {count});
  }
  if (more.log_density) add("log_density", {count, shape.at(1)});
  if (more.velocities) add("velocities", {count, d});
  return arrays;
}

ResultWriter::ResultWriter(const std::filesystem::path& file, const ResultArrays& arrays, bool force)
    : checksums_(arrays.size()) {
  names_.reserve(arrays.size());
  for (const io::NpzEntry& array : arrays) names_.push_back(array.name);
  if (is_archive(arrays)) {
    npz_.emplace(file, arrays, force);
  } else {
    npy_.emplace(file, arrays.front().shape, arrays.front().precision, force);
  }
}

void ResultWriter::append(const std::string& name, std::span<const double> values) {
  const auto found = std::ranges::find(names_, name);
  append(static_cast<std::size_t>(found - names_.begin()), values);
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
