#include "io/training_arrays.hpp"

#include <cmath>

#include "base/check.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::io {

std::vector<std::int64_t> tensor_shape(const NetworkTensor& tensor) {
  // Biases and phases are vectors; their names begin with small letters. So do those of mu and s, which are
  // matrices.
  const bool is_matrix = std::isupper(static_cast<unsigned char>(tensor.name.front())) != 0 ||
                         tensor.name == "mu" || tensor.name == "s";
  if (is_matrix) return {tensor.rows, tensor.cols};
  return {tensor.cols};
}

TrainingReader::TrainingReader(const std::filesystem::path& file, std::string what)
    : file_(file.string()), what_(std::move(what)), reader_(file) {
  for (std::size_t i = 0; i < reader_.arrays().size(); ++i) places_.emplace(reader_.arrays()[i].name, i);
}

std::vector<double> TrainingReader::read(const std::string& name, const std::vector<std::int64_t>& shape) {
  const auto found = places_.find(name);
  require(found != places_.end(), file_, ": has no array ", name, ", so it is not a training of ", what_);
  const NpzEntry& entry = reader_.arrays()[found->second];
  require(entry.shape == shape, file_, ": array ", name, ": expected shape ", shape_text(shape), ", got ",
          shape_text(entry.shape));
  require(entry.precision == Precision::f64, file_, ": array ", name, ": expected float64, got float32");
  std::vector<double> values(static_cast<std::size_t>(shape_size(shape, name)));
  reader_.open(found->second);
  reader_.read_bytes({reinterpret_cast<char*>(values.data()), values.size() * sizeof(double)});
  return values;
}

Eigen::VectorXd TrainingReader::read_vector(const std::string& name) {
  const auto found = places_.find(name);
  const std::int64_t size = found != places_.end() && reader_.arrays()[found->second].shape.size() == 1
                                ? reader_.arrays()[found->second].shape[0]
                                : 1;
  const std::vector<double> values = read(name, {size});
  return Eigen::Map<const Eigen::VectorXd>(values.data(), size);
}

Eigen::VectorXd TrainingReader::read_tensors(const std::string& prefix,
                                             const std::vector<NetworkTensor>& tensors) {
  std::vector<double> all;  // grows with the file, so that wrong sizes cannot ask for memory
  for (const NetworkTensor& tensor : tensors) {
    const std::vector<double> values = read(concat(prefix, ".", tensor.name), tensor_shape(tensor));
    all.insert(all.end(), values.begin(), values.end());
  }
  return Eigen::Map<const Eigen::VectorXd>(all.data(), std::ssize(all));
}

std::int64_t TrainingReader::read_whole(const std::string& name, std::int64_t largest) {
  const double value = read_number(name);
  require(value >= 0.0 && value <= static_cast<double>(largest) && value == std::floor(value), file_, ": ",
          name, ": expected a whole number from 0 to ", largest, ", got ", value);
  return static_cast<std::int64_t>(value);
}

}  // namespace gmdiff::io
