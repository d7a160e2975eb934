// Denoisers that were trained with torch.

#include <algorithm>
#include <map>
#include <utility>

#include <gmdiff/io/denoiser_file.hpp>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "io/npz.hpp"
#include "network/check_training.hpp"

namespace gmdiff {

namespace {

using Shape = std::vector<std::int64_t>;

/// An array of the state dictionary: a vector, or a matrix (outputs, inputs) of a layer.
struct TorchArray {
  std::string name;
  Shape shape;
};

/// Reads the arrays of an archive by their names, in float32 or float64.
class StateDictionary {
 public:
  explicit StateDictionary(const std::filesystem::path& file) : file_(file.string()), reader_(file) {
    for (std::size_t i = 0; i < reader_.arrays().size(); ++i) places_.emplace(reader_.arrays()[i].name, i);
  }

  const std::string& file() const { return file_; }
  /// The shape of an array. @throws std::invalid_argument when it is missing.
  const Shape& shape(const std::string& name) const { return reader_.arrays()[place(name)].shape; }

  /// Checks that these are all arrays of the archive, before any is read.
  void check(const std::vector<TorchArray>& expected) const {
    for (const TorchArray& array : expected)
      require(shape(array.name) == array.shape, file_, ": array ", array.name, ": expected shape ",
              io::shape_text(array.shape), ", got ", io::shape_text(shape(array.name)));
    for (const auto& entry : places_) {
      const auto is_it = [&](const TorchArray& array) { return array.name == entry.first; };
      require(std::ranges::any_of(expected, is_it), file_, ": array ", entry.first,
              " has no place in the network; guide.md lists the names of a state dictionary");
    }
  }

  std::vector<double> read(const std::string& name) {
    const std::size_t at = place(name);
    const io::NpzEntry& entry = reader_.arrays()[at];
    const auto count = static_cast<std::size_t>(io::shape_size(entry.shape, name));
    reader_.open(at);
    switch (entry.precision) {
      case Precision::f32: {
        const std::vector<float> values = read_values<float>(count);
        return {values.begin(), values.end()};
      }
      case Precision::f64:
        return read_values<double>(count);
    }
    fail(file_, ": array ", name, " has no precision");
  }

 private:
  std::size_t place(const std::string& name) const {
    const auto found = places_.find(name);
    require(found != places_.end(), file_, ": has no array ", name,
            "; guide.md lists the names of a state dictionary");
    return found->second;
  }
  template <class Real>
  std::vector<Real> read_values(std::size_t count) {
    std::vector<Real> values(count);
    reader_.read_bytes({reinterpret_cast<char*>(values.data()), count * sizeof(Real)});
    return values;
  }

  std::string file_;
  io::NpzReader reader_;
  std::map<std::string, std::size_t> places_;
};

/// A layer of torch, y = W x + b with W of shape (outputs, inputs); here y = x M + b with M = W^T, whose rows
/// are those of `matrices` one after the other.
struct TorchLayer {
  std::string name;
  std::vector<std::string> matrices;
  std::string bias;
};

/// The layers of the network (mathematics.md §17.1): `time` encodes the level, `net` takes (x, tau), so the
/// rows of Kx and Kt together are its first matrix. Numbers leave out the activations in between.
std::vector<TorchLayer> torch_layers(int layers) {
  std::vector<TorchLayer> all{
      {"time.0", {"K1"}, "b1"}, {"time.2", {"K2"}, "b2"}, {"net.0", {"Kx", "Kt"}, "c1"}};
  for (int l = 2; l <= layers; ++l)
    all.push_back({concat("net.", 2 * (l - 1)), {concat("V", l)}, concat("c", l)});
  all.push_back({concat("net.", 2 * layers), {"U"}, "cU"});
  return all;
}

using Tensors = std::map<std::string, NetworkTensor>;

Tensors tensors_by_name(const NetworkShape& shape) {
  Tensors tensors;
  for (const NetworkTensor& tensor : network_tensors(shape)) tensors.emplace(tensor.name, tensor);
  return tensors;
}

/// Inputs of a layer.
Eigen::Index inputs_of(const TorchLayer& layer, const Tensors& tensors) {
  Eigen::Index inputs = 0;
  for (const std::string& matrix : layer.matrices) inputs += tensors.at(matrix).rows;
  return inputs;
}

std::vector<TorchArray> torch_arrays(const NetworkShape& shape, const Tensors& tensors) {
  std::vector<TorchArray> arrays{{"mean", {shape.dim}}, {"scale", {}}, {"phase", {shape.hidden}}};
  for (const TorchLayer& layer : torch_layers(shape.layers)) {
    const Eigen::Index outputs = tensors.at(layer.bias).cols;
    arrays.push_back({layer.name + ".weight", {outputs, inputs_of(layer, tensors)}});
    arrays.push_back({layer.name + ".bias", {outputs}});
  }
  return arrays;
}

void copy_vector(const std::vector<double>& values, const NetworkTensor& tensor,
                 Eigen::VectorXd& parameters) {
  parameters.segment(tensor.offset, tensor.size()) =
      Eigen::Map<const Eigen::VectorXd>(values.data(), std::ssize(values));
}

/// Copies the transpose of the weights to the matrices of a layer.
void copy_layer(const TorchLayer& layer, const Tensors& tensors, const std::vector<double>& weights,
                Eigen::VectorXd& parameters) {
  const Eigen::Index outputs = tensors.at(layer.bias).cols;
  const Eigen::Map<const Points> W(weights.data(), outputs, inputs_of(layer, tensors));
  Eigen::Index first = 0;
  for (const std::string& matrix : layer.matrices) {
    const NetworkTensor& tensor = tensors.at(matrix);
    Eigen::Map<Points>(parameters.data() + tensor.offset, tensor.rows, tensor.cols) =
        W.middleCols(first, tensor.rows).transpose();
    first += tensor.rows;
  }
}

}  // namespace

DenoiserTraining import_denoiser(const std::filesystem::path& file, const DenoiserSettings& settings) {
  network::check_settings(settings);
  StateDictionary dictionary(file);
  const Shape of_mean = dictionary.shape("mean");
  require(of_mean.size() == 1 && of_mean[0] >= 1, dictionary.file(),
          ": array mean: expected shape (d,) of the data, got ", io::shape_text(of_mean));
  DenoiserTraining training;
  training.settings = settings;
  training.mean.resize(of_mean[0]);
  const Tensors tensors = tensors_by_name(training.shape());
  dictionary.check(torch_arrays(training.shape(), tensors));
  const std::vector<double> mean = dictionary.read("mean");
  training.mean = Eigen::Map<const Eigen::VectorXd>(mean.data(), std::ssize(mean));
  training.scale = dictionary.read("scale").front();
  training.parameters.resize(network_size(training.shape()));
  copy_vector(dictionary.read("phase"), tensors.at("phase"), training.parameters);
  for (const TorchLayer& layer : torch_layers(settings.layers)) {
    copy_layer(layer, tensors, dictionary.read(layer.name + ".weight"), training.parameters);
    copy_vector(dictionary.read(layer.name + ".bias"), tensors.at(layer.bias), training.parameters);
  }
  training.averaged = training.parameters;
  training.adam = AdamState::start(training.parameters.size());
  try {
    network::check_training(training);
  } catch (const std::invalid_argument& error) {
    fail(dictionary.file(), ": ", error.what());
  }
  return training;
}

}  // namespace gmdiff
