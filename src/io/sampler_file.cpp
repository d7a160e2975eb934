#include <gmdiff/io/sampler_file.hpp>

#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "io/training_arrays.hpp"
#include "network/paths/check_sampler.hpp"

namespace gmdiff {

namespace {

constexpr double sampler_file_version = 2.0;

/// The numbers of settings, in the order of the array `settings`. Whole numbers up to 2^53 are exact.
struct SamplerSetting {
  const char* name;
  double largest;  ///< of a whole number; 0: any number
  double (*get)(const SamplerSettings& settings);
  void (*set)(SamplerSettings& settings, double value);
};

constexpr double any_number = 0.0;
constexpr double int_max = std::numeric_limits<std::int32_t>::max();

/// A switch that may be unset: 0, 1, or 2 for its default.
double number_of(const std::optional<bool>& choice) { return choice ? (*choice ? 1.0 : 0.0) : 2.0; }
std::optional<bool> choice_of(double value) {
  return value == 2.0 ? std::nullopt : std::optional<bool>(value == 1.0);
}

// The formatter takes the functions of a macro apart.
// clang-format off
#define GMDIFF_SETTING(name, Type, largest)                                 \
  {#name, largest,                                                          \
   [](const SamplerSettings& s) { return static_cast<double>(s.name); },    \
   [](SamplerSettings& s, double value) { s.name = static_cast<Type>(value); }}
// clang-format on
const SamplerSetting sampler_settings[] = {
    GMDIFF_SETTING(method, PathMethod, 4.0),
    GMDIFF_SETTING(prior, PathPrior, 2.0),
    GMDIFF_SETTING(components, int, int_max),
    GMDIFF_SETTING(init_std, double, any_number),
    GMDIFF_SETTING(means_std, double, any_number),
    GMDIFF_SETTING(step, double, any_number),
    GMDIFF_SETTING(steps, int, int_max),
    GMDIFF_SETTING(schedule, PathSchedule, 2.0),
    GMDIFF_SETTING(drift, PathDrift, 2.0),
    GMDIFF_SETTING(hidden, Eigen::Index, int_max),
    GMDIFF_SETTING(layers, int, int_max),
    GMDIFF_SETTING(langevin, bool, 1.0),
    GMDIFF_SETTING(loss, PathLoss, 2.0),
    GMDIFF_SETTING(detach_target_score, bool, 1.0),
    GMDIFF_SETTING(batch, Eigen::Index, int_max),
    GMDIFF_SETTING(iterations, std::int64_t, int_max),
    GMDIFF_SETTING(network_rate, double, any_number),
    GMDIFF_SETTING(rate, double, any_number),
    GMDIFF_SETTING(decay, double, any_number),
    GMDIFF_SETTING(learn_prior, bool, 1.0),
    GMDIFF_SETTING(learn_annealing, bool, 1.0),
    GMDIFF_SETTING(learn_weights, bool, 1.0),
    {"learn_step", 2.0, [](const SamplerSettings& s) { return number_of(s.learn_step); },
     [](SamplerSettings& s, double value) { s.learn_step = choice_of(value); }},
    {"learn_friction", 2.0, [](const SamplerSettings& s) { return number_of(s.learn_friction); },
     [](SamplerSettings& s, double value) { s.learn_friction = choice_of(value); }},
    GMDIFF_SETTING(refine_every, int, int_max),
    GMDIFF_SETTING(refine_score, RefinementScore, 2.0),
    GMDIFF_SETTING(chains, Eigen::Index, int_max),
    GMDIFF_SETTING(first_moves, int, int_max),
    GMDIFF_SETTING(moves, int, int_max),
    GMDIFF_SETTING(support_std, double, any_number),
    {"seed low", io::largest_word, [](const SamplerSettings& s) { return io::low_word(s.seed); },
     [](SamplerSettings& s, double value) { s.seed = static_cast<std::uint64_t>(value); }},
    {"seed high", io::largest_word, [](const SamplerSettings& s) { return io::high_word(s.seed); },
     [](SamplerSettings& s, double value) { s.seed |= static_cast<std::uint64_t>(value) << 32; }},
    GMDIFF_SETTING(precision, Precision, 1.0),
};
#undef GMDIFF_SETTING
constexpr std::int64_t num_sampler_settings = std::ssize(sampler_settings);

SamplerSettings read_sampler_settings(io::TrainingReader& reader) {
  const std::vector<double> values = reader.read("settings", {num_sampler_settings});
  SamplerSettings settings;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const SamplerSetting& setting = sampler_settings[i];
    const bool is_whole =
        values[i] >= 0.0 && values[i] <= setting.largest && values[i] == std::floor(values[i]);
    require(setting.largest == any_number || is_whole, reader.file(),
            ": settings: expected a whole number from 0 to ", setting.largest, " for ", setting.name,
            ", got ", values[i]);
    setting.set(settings, values[i]);
  }
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
  std::vector<double> settings, target;
  settings.reserve(static_cast<std::size_t>(num_sampler_settings));
  for (const SamplerSetting& setting : sampler_settings) settings.push_back(setting.get(training.settings));
  target.reserve(training.target.size());
  for (const char c : training.target) target.push_back(static_cast<double>(static_cast<unsigned char>(c)));
  std::vector<io::NpzArray> arrays{{"version", {1}, version},
                                   {"target", {std::ssize(target)}, target},
                                   {"settings", {num_sampler_settings}, settings},
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
