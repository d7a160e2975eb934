#include <gmdiff/io/denoiser_file.hpp>

#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "io/training_arrays.hpp"
#include "network/check_training.hpp"

namespace gmdiff {

namespace {

using io::NpzArray;
using io::tensor_shape;
using Reader = io::TrainingReader;

constexpr double file_version = 1.0;

/// The numbers of settings, in the order of the array `settings`. Whole numbers up to 2^53 are exact.
struct Setting {
  const char* name;
  double (*get)(const DenoiserSettings& settings);
  void (*set)(DenoiserSettings& settings, double value);
};

// The formatter takes the functions of a macro apart.
// clang-format off
#define GMDIFF_SETTING(name, Type)                                          \
  {#name,                                                                   \
   [](const DenoiserSettings& s) { return static_cast<double>(s.name); },   \
   [](DenoiserSettings& s, double value) { s.name = static_cast<Type>(value); }}
// clang-format on
const Setting all_settings[] = {
    GMDIFF_SETTING(parametrisation, Parametrisation),
    {"weight",
     [](const DenoiserSettings& s) { return static_cast<double>(s.weight.value_or(s.parametrisation)); },
     [](DenoiserSettings& s, double value) { s.weight = static_cast<Parametrisation>(value); }},
    GMDIFF_SETTING(hidden, Eigen::Index),
    GMDIFF_SETTING(layers, int),
    GMDIFF_SETTING(ladder.count, int),
    GMDIFF_SETTING(ladder.n_min, double),
    GMDIFF_SETTING(ladder.n_max, double),
    GMDIFF_SETTING(law.mean, double),
    GMDIFF_SETTING(law.deviation, double),
    GMDIFF_SETTING(law.uniform, bool),
    GMDIFF_SETTING(batch, Eigen::Index),
    GMDIFF_SETTING(iterations, std::int64_t),
    GMDIFF_SETTING(rate, double),
    GMDIFF_SETTING(decay, double),
    GMDIFF_SETTING(ema, double),
    {"seed low", [](const DenoiserSettings& s) { return io::low_word(s.seed); },
     [](DenoiserSettings& s, double value) { s.seed = static_cast<std::uint64_t>(value); }},
    {"seed high", [](const DenoiserSettings& s) { return io::high_word(s.seed); },
     [](DenoiserSettings& s, double value) { s.seed |= static_cast<std::uint64_t>(value) << 32; }},
    GMDIFF_SETTING(precision, Precision),
};
#undef GMDIFF_SETTING
constexpr std::int64_t num_settings = std::ssize(all_settings);

/// Whether a setting is a whole number, and the largest one whose conversion is defined.
double largest_whole(const std::string& name) {
  if (name == "parametrisation" || name == "weight") return 3.0;
  if (name == "precision" || name == "law.uniform") return 1.0;
  if (name == "seed low" || name == "seed high") return io::largest_word;
  if (name == "hidden" || name == "layers" || name == "ladder.count" || name == "batch" ||
      name == "iterations")
    return std::numeric_limits<std::int32_t>::max();
  return 0.0;
}

/// The four vectors of parameters and their names in files.
template <class Training, class Body>
void for_each_vector(Training& training, Body body) {
  body("averaged", training.averaged);
  body("parameters", training.parameters);
  body("adam_m", training.adam.m);
  body("adam_v", training.adam.v);
}

DenoiserSettings read_settings(Reader& reader, const std::string& file) {
  const std::vector<double> values = reader.read("settings", {num_settings});
  DenoiserSettings settings;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Setting& setting = all_settings[i];
    const double largest = largest_whole(setting.name);
    require(
        largest == 0.0 || (values[i] >= 0.0 && values[i] <= largest && values[i] == std::floor(values[i])),
        file, ": settings: expected a whole number from 0 to ", largest, " for ", setting.name, ", got ",
        values[i]);
    setting.set(settings, values[i]);
  }
  return settings;
}

}  // namespace

void write_denoiser(const std::filesystem::path& file, const DenoiserTraining& training, bool overwrite) {
  const std::vector<double> version{file_version}, scale{training.scale},
      iteration{static_cast<double>(training.iteration)};
  std::vector<double> settings;
  settings.reserve(static_cast<std::size_t>(num_settings));
  for (const Setting& setting : all_settings) settings.push_back(setting.get(training.settings));
  std::vector<NpzArray> arrays{{"version", {1}, version},
                               {"settings", {num_settings}, settings},
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
  const double version = reader.read_number("version");
  require(version == file_version, file.string(), ": has version ", version,
          " of the format of trainings; this gmdiff reads version ", file_version);
  DenoiserTraining training;
  training.settings = read_settings(reader, file.string());
  training.mean = reader.read_vector("mean");
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
