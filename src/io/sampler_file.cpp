#include <gmdiff/io/sampler_file.hpp>

#include <algorithm>
#include <exception>

#include "base/check.hpp"
#include "io/setting_numbers.hpp"
#include "io/training_arrays.hpp"
#include "io/training_settings.hpp"
#include "network/paths/check_sampler.hpp"

namespace gmdiff {

namespace {

constexpr double sampler_file_version = 3.0;

/// The array `settings`.
std::vector<double> setting_numbers(const SamplerSettings& settings) {
  io::SettingWriter writer;
  visit_sampler_settings(writer, settings);
  return writer.numbers;
}

SamplerSettings read_sampler_settings(io::TrainingReader& reader) {
  SamplerSettings settings;
  io::SettingReader numbers(reader.read("settings", {std::ssize(setting_numbers(settings))}), reader.file());
  visit_sampler_settings(numbers, settings);
  return settings;
}

std::string read_target(io::TrainingReader& reader) {
  std::string target;
  for (const double code : reader.read_vector("target")) {
    require(code >= 0.0 && code <= 255.0, reader.file(), ": target: expected codes of characters, got ",
            code);
    target += static_cast<char>(static_cast<unsigned char>(code));
  }
  return target;
}

/// The vectors of parameters and of the optimiser: prefix in the file, other parameters, networks.
template <class Training, class Body>
void for_each_state(Training& training, Body body) {
  body("parameters", training.parameters, training.networks);
  body("adam_m", training.adam.m, training.network_adam.m);
  body("adam_v", training.adam.v, training.network_adam.v);
}

/// The components that take part, and the chains that the next ones come from.
void read_refinement(io::TrainingReader& reader, SamplerTraining& training) {
  training.active = static_cast<int>(reader.read_whole("active", 4096));
  if (training.settings.refine_every > 0) {
    const std::vector<double> chains = reader.read("chains", {training.settings.chains, training.dim});
    training.chains = Eigen::Map<const Points>(chains.data(), training.settings.chains, training.dim);
    training.chain_step = reader.read_number("chain_step");
  }
  try {
    network::check_refined(training);
  } catch (const std::invalid_argument& error) {
    fail(reader.file(), ": ", error.what());
  }
}

}  // namespace

void write_sampler(const std::filesystem::path& file, const SamplerTraining& training, bool overwrite) {
  const std::vector<double> version{sampler_file_version}, dim{static_cast<double>(training.dim)},
      iteration{static_cast<double>(training.iteration)}, active{static_cast<double>(training.active)},
      chain_step{training.chain_step};
  const std::vector<double> settings = setting_numbers(training.settings);
  std::vector<double> target;
  target.reserve(training.target.size());
  for (const char c : training.target) target.push_back(static_cast<double>(static_cast<unsigned char>(c)));
  std::vector<io::NpzArray> arrays{{"version", {1}, version},
                                   {"target", {std::ssize(target)}, target},
                                   {"settings", {std::ssize(settings)}, settings},
                                   {"dim", {1}, dim},
                                   {"iteration", {1}, iteration},
                                   {"active", {1}, active}};
  if (training.settings.refine_every > 0) {
    arrays.push_back({"chains",
                      {training.chains.rows(), training.chains.cols()},
                      {training.chains.data(), static_cast<std::size_t>(training.chains.size())}});
    arrays.push_back({"chain_step", {1}, chain_step});
  }
  const auto add = [&](const std::string& prefix, const std::vector<NetworkTensor>& tensors,
                       const double* values) {
    for (const NetworkTensor& tensor : tensors)
      arrays.push_back({concat(prefix, ".", tensor.name),
                        io::tensor_shape(tensor),
                        {values + tensor.offset, static_cast<std::size_t>(tensor.size())}});
  };
  for_each_state(training, [&](const std::string& prefix, const Eigen::VectorXd& parameters,
                               const Eigen::VectorXd& networks) {
    add(prefix, sampler_tensors(training.settings, training.dim), parameters.data());
    const double* net = networks.data();
    for (const char* name : network::network_names(training.settings)) {
      add(concat(prefix, ".", name), network_tensors(training.shape()), net);
      net += network_size(training.shape());
    }
  });
  io::write_npz(file, arrays, overwrite);
}

bool holds_sampler(const std::filesystem::path& file) {
  try {
    return io::is_npz(file) &&
           std::ranges::count(io::NpzReader(file).arrays(), "target", &io::NpzEntry::name) > 0;
  } catch (const std::exception&) {
    return false;
  }
}

SamplerTraining read_sampler(const std::filesystem::path& file) {
  io::TrainingReader reader(file, "a sampler");
  SamplerTraining training;
  training.target = read_target(reader);
  const double version = reader.read_number("version");
  require(version == sampler_file_version, file.string(), ": has version ", version,
          " of the format of trained samplers; this gmdiff reads version ", sampler_file_version);
  training.settings = read_sampler_settings(reader);
  training.dim = reader.read_whole("dim", 1 << 20);
  try {
    network::check_settings(training.settings, training.dim);
  } catch (const std::invalid_argument& error) {
    fail(file.string(), ": ", error.what());
  }
  training.iteration = reader.read_whole("iteration", training.settings.iterations);
  read_refinement(reader, training);
  training.adam.updates = training.network_adam.updates = training.iteration;
  for_each_state(training, [&](const std::string& prefix, Eigen::VectorXd& parameters,
                               Eigen::VectorXd& networks) {
    parameters = reader.read_tensors(prefix, sampler_tensors(training.settings, training.dim));
    networks.resize(0);
    for (const char* name : network::network_names(training.settings)) {
      const Eigen::VectorXd net =
          reader.read_tensors(concat(prefix, ".", name), network_tensors(training.shape()));
      networks.conservativeResize(networks.size() + net.size());
      networks.tail(net.size()) = net;
    }
    require(parameters.allFinite() && networks.allFinite(), file.string(), ": ", prefix, " must be finite");
  });
  return training;
}

}  // namespace gmdiff
