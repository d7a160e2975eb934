#include <gmdiff/io/denoiser_file.hpp>

#include <utility>

#include "base/check.hpp"
#include "io/setting_numbers.hpp"
#include "io/training_arrays.hpp"
#include "io/training_settings.hpp"
#include "network/check_training.hpp"

namespace gmdiff {

namespace {

using io::NpzArray;
using io::tensor_shape;
using Reader = io::TrainingReader;

constexpr double file_version = 1.0;

/// The array `settings`. The weight is written even if it is that of the parametrisation.
std::vector<double> setting_numbers(DenoiserSettings settings) {
  settings.weight = settings.weight.value_or(settings.parametrisation);
  io::SettingWriter writer;
  visit_denoiser_settings(writer, settings);
  return writer.numbers;
}

DenoiserSettings read_settings(Reader& reader) {
  DenoiserSettings settings;
  io::SettingReader numbers(reader.read("settings", {std::ssize(setting_numbers(settings))}), reader.file());
  visit_denoiser_settings(numbers, settings);
  return settings;
}

/// The four vectors of parameters and their names in files.
template <class Training, class Body>
void for_each_vector(Training& training, Body body) {
  body("averaged", training.averaged);
  body("parameters", training.parameters);
  body("adam_m", training.adam.m);
  body("adam_v", training.adam.v);
}

}  // namespace

void write_denoiser(const std::filesystem::path& file, const DenoiserTraining& training, bool overwrite) {
  const std::vector<double> version{file_version}, scale{training.scale},
      iteration{static_cast<double>(training.iteration)};
  const std::vector<double> settings = setting_numbers(training.settings);
  std::vector<NpzArray> arrays{{"version", {1}, version},
                               {"settings", {std::ssize(settings)}, settings},
                               {"mean",
                                {training.mean.size()},
                                {training.mean.data(), static_cast<std::size_t>(training.mean.size())}},
                               {"scale", {1}, scale},
                               {"iteration", {1}, iteration}};
  const std::vector<NetworkTensor> tensors = network_tensors(training.shape());
  for_each_vector(training, [&](const char* name, const Eigen::VectorXd& values) {
    for (const NetworkTensor& tensor : tensors)
      arrays.push_back({concat(name, ".", tensor.name),
                        tensor_shape(tensor),
                        {values.data() + tensor.offset, static_cast<std::size_t>(tensor.size())}});
  });
  io::write_npz(file, arrays, overwrite);
}

DenoiserTraining read_denoiser(const std::filesystem::path& file) {
  Reader reader(file, "a denoiser");
  // A trained sampler has a version too, but no mean: the message then names the kind of training.
  Eigen::VectorXd mean = reader.read_vector("mean");
  const double version = reader.read_number("version");
  require(version == file_version, file.string(), ": has version ", version,
          " of the format of trainings; this gmdiff reads version ", file_version);
  DenoiserTraining training;
  training.settings = read_settings(reader);
  training.mean = std::move(mean);
  training.scale = reader.read_number("scale");
  training.iteration = reader.read_whole("iteration", training.settings.iterations);
  training.adam.updates = training.iteration;
  const std::vector<NetworkTensor> tensors = network_tensors(training.shape());
  for_each_vector(training, [&](const char* name, Eigen::VectorXd& values) {
    values = reader.read_tensors(name, tensors);
  });
  try {
    network::check_training(training);
  } catch (const std::invalid_argument& error) {
    fail(file.string(), ": ", error.what());
  }
  return training;
}

}  // namespace gmdiff
