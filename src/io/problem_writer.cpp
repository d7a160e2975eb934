#include <gmdiff/io/problem_file.hpp>

#include "base/machine.hpp"
#include "io/dynamics_json.hpp"
#include "io/mixture_json.hpp"
#include "io/nonlinear_json.hpp"
#include "io/parameter_writer.hpp"
#include "io/sampler_settings.hpp"

namespace gmdiff {

namespace {

using io::numbers;
using io::OrderedJson;
using io::rows;

constexpr std::size_t line_length = 200;

OrderedJson write_observation(const LinearObservation& observation) {
  OrderedJson object = {{"A", rows(observation.A())}, {"y", numbers(observation.y())}};
  if (observation.has_noise_std()) {
    object["noise_std"] = io::json_number(observation.noise_std());
  } else {
    object["noise_covariance"] = rows(observation.noise_covariance());
  }
  return object;
}

/// Subtracts the least length of an array on one line, two characters per number, from the room left; false
/// if the room is too small. The check avoids printing a large array at every level of its nesting.
bool may_fit(const OrderedJson& value, std::size_t& room) {
  if (!value.is_array()) return room >= 2 ? (room -= 2, true) : false;
  for (const OrderedJson& entry : value) {
    if (!may_fit(entry, room)) return false;
  }
  return true;
}

/// The array on one line after `indent` characters; empty if it does not fit or is not an array.
std::string one_line(const OrderedJson& value, std::size_t indent) {
  std::size_t room = line_length;
  if (!value.is_array() || !may_fit(value, room)) return {};
  const std::string line = value.dump();
  return line.size() + indent <= line_length ? line : std::string();
}

/// Writes objects with one key per line, and arrays on one line if they fit, otherwise with one element per
/// line.
void pretty(const OrderedJson& value, std::size_t indent, std::string& text) {
  if (!value.is_structured()) {
    text += value.dump();
    return;
  }
  if (const std::string line = one_line(value, indent); !line.empty()) {
    text += line;
    return;
  }
  const std::string margin(indent + 2, ' ');
  text += value.is_object() ? '{' : '[';
  bool first = true;
  for (const auto& [key, entry] : value.items()) {
    text.append(first ? "\n" : ",\n").append(margin);
    first = false;
    if (value.is_object()) text.append(OrderedJson(key).dump()).append(": ");
    pretty(entry, indent + 2, text);
  }
  text.append(1, '\n').append(indent, ' ').append(1, value.is_object() ? '}' : ']');
}

std::string pretty(const OrderedJson& value) {
  std::string text;
  pretty(value, 0, text);
  return text + "\n";
}

/// Bytes of the prior as JSON values and as text, with one temporary copy.
std::uint64_t bytes_of_text(const Mixture& prior) {
  constexpr std::uint64_t number = 80;
  const auto K = static_cast<std::uint64_t>(prior.num_components());
  const auto d = static_cast<std::uint64_t>(prior.dim());
  const std::uint64_t matrices = prior.covariance_type() == CovarianceType::full   ? K
                                 : prior.covariance_type() == CovarianceType::tied ? 1
                                                                                   : 0;
  return saturating_product(saturating_sum(saturating_product(K, d), saturating_product(matrices, d, d)),
                            number);
}

/// Start and grid of a Fokker-Planck equation, where they are given.
void write_density(const auto& problem, OrderedJson& root) {
  if (problem.start) root["start"] = io::write_mixture(*problem.start);
  OrderedJson density = OrderedJson::object();
  const OrderedJson all = io::write_parameters(problem.density);
  for (const auto& [key, value] : all.items()) {
    if (!value.empty()) density[key] = value;
  }
  if (!density.empty()) root["density"] = std::move(density);
}

/// The file of the denoiser, where there is one.
void write_denoiser_of(const auto& problem, OrderedJson& root) {
  if (!problem.denoiser) return;
  require(!problem.denoiser->file.empty(), "the denoiser \"", problem.denoiser->denoiser.id,
          "\" of the problem is a function, which has no JSON form");
  root["denoiser"] = problem.denoiser->file;
}

/// The sampler, or the settings of one that is to be trained.
OrderedJson write_sampler_of(const auto& problem) {
  if (problem.training) return io::write_sampler_settings(*problem.training);
  return io::write_variant(problem.sampler);
}

/// Prior, process and grid.
OrderedJson write_scheduled_prior(const auto& problem) {
  require_memory(bytes_of_text(problem.prior), "the text of a problem with ", problem.prior.num_components(),
                 " components in dimension ", problem.prior.dim());
  return {{"prior", io::write_mixture(problem.prior)},
          {"process", io::write_variant(problem.process)},
          {"grid", io::write_variant(problem.grid)}};
}

}  // namespace

std::string to_json(const Problem& problem) {
  OrderedJson root = write_scheduled_prior(problem);
  if (problem.observation) root["observation"] = write_observation(*problem.observation);
  root["sampler"] = write_sampler_of(problem);
  write_density(problem, root);
  write_denoiser_of(problem, root);
  return pretty(root);
}

std::string to_json(const TargetProblem& problem) {
  OrderedJson root = {{"target", io::write_variant(problem.target.description())},
                      {"sampler", write_sampler_of(problem)}};
  write_density(problem, root);
  return pretty(root);
}

std::string to_json(const NonlinearProblem& problem) {
  OrderedJson root = write_scheduled_prior(problem);
  root["observation"] = io::write_nonlinear_observation(problem.observation);
  root["sampler"] = write_sampler_of(problem);
  write_density(problem, root);
  write_denoiser_of(problem, root);
  return pretty(root);
}

std::string to_json(const DynamicsProblem& problem) {
  return pretty(OrderedJson{{"dynamics", io::write_dynamics(problem.dynamics)}});
}

std::string to_json(const AnyProblem& problem) {
  return std::visit([](const auto& kind) { return to_json(kind); }, problem);
}

std::string to_json(const Target& target) { return io::write_variant(target.description()).dump(); }

std::string to_json(const AnySampler& sampler) { return io::write_variant(sampler).dump(); }
std::string to_json(const GridDescription& grid) { return io::write_variant(grid).dump(); }
std::string to_json(const ProcessDescription& process) { return io::write_variant(process).dump(); }

}  // namespace gmdiff
