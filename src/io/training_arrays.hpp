#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmdiff/network/network.hpp>

#include "io/npz.hpp"

// Arrays of trainings in .npz files.

namespace gmdiff::io {

/// Shape of a parameter's array: vectors have one dimension, matrices two.
std::vector<std::int64_t> tensor_shape(const NetworkTensor& tensor);

/// Reads arrays of a training by their names.
class TrainingReader {
 public:
  /// @param what that was trained, for messages: "a denoiser".
  TrainingReader(const std::filesystem::path& file, std::string what);

  const std::string& file() const { return file_; }
  /// @throws std::invalid_argument for an array that is missing, of another shape or not float64.
  std::vector<double> read(const std::string& name, const std::vector<std::int64_t>& shape);
  double read_number(const std::string& name) { return read(name, {1}).front(); }
  /// A vector of any size >= 1.
  Eigen::VectorXd read_vector(const std::string& name);
  /// The arrays PREFIX.NAME of all tensors, one after the other.
  Eigen::VectorXd read_tensors(const std::string& prefix, const std::vector<NetworkTensor>& tensors);
  /// A whole number from 0 to `largest`.
  std::int64_t read_whole(const std::string& name, std::int64_t largest);

 private:
  std::string file_, what_;
  NpzReader reader_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace gmdiff::io
