#include "network/paths/check_sampler.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/names.hpp"
#include "network/check_training.hpp"
#include "network/layout.hpp"
#include "network/paths/path_model.hpp"
#include "network/paths/path_network.hpp"
#include "plan/hash.hpp"

namespace gmdiff {

NetworkShape sampler_network(const SamplerSettings& settings, Eigen::Index dim) {
  return {.dim = dim, .hidden = settings.hidden, .layers = settings.layers, .langevin = settings.langevin};
}

std::vector<NetworkTensor> sampler_tensors(const SamplerSettings& settings, Eigen::Index dim) {
  network::check_settings(settings, dim);
  const Eigen::Index K = network::path_components(settings);
  const network::PathTerms terms = network::path_terms(settings);
  std::vector<NetworkTensor> tensors;
  Eigen::Index offset = 0;
  const auto add = [&](const char* name, Eigen::Index rows, Eigen::Index cols) {
    tensors.push_back({name, rows, cols, offset});
    offset += rows * cols;
  };
  add("mu", K, dim);
  add("s", K, dim);
  add("dt", 1, 1);
  add("fr", 1, dim);
  if (terms.mixture_score && terms.target_score) add("b", 1, settings.steps);
  if (settings.learn_weights) add("logits", 1, K);
  if (settings.loss == PathLoss::trajectory_balance) add("log_z", 1, 1);
  return tensors;
}

namespace network {

namespace {

void check_method(const SamplerSettings& settings) {
  require(settings.method == PathMethod::dbs || settings.drift == PathDrift::annealed,
          "trained sampler: the drift ", to_string(settings.drift), " belongs to the method dbs, got ",
          to_string(settings.method));
  require(
      !settings.learn_weights || settings.loss != PathLoss::elbo,
      "trained sampler: learn_weights needs the loss log-variance or trajectory-balance, because the draw "
      "of a component has no derivative; got ",
      to_string(settings.loss));
  require(!settings.learn_weights || settings.prior == PathPrior::gmp,
          "trained sampler: learn_weights needs the prior gmp, got ", to_string(settings.prior));
}

}  // namespace

void check_settings(const SamplerSettings& settings, Eigen::Index dim) {
  constexpr std::int64_t iterations = (1 << 24) - 1;  // the random streams have 24 bits for it
  check_method(settings);
  (void)network_size(sampler_network(settings, dim));
  require(settings.components >= 1 && settings.components <= 4096,
          "trained sampler: components must be in 1 ... 4096, got ", settings.components);
  require(is_positive(settings.init_std), "trained sampler: init_std must be positive and finite, got ",
          settings.init_std);
  require(settings.means_std >= 0.0 && std::isfinite(settings.means_std),
          "trained sampler: means_std must be finite and not negative, got ", settings.means_std);
  require(is_positive(settings.step), "trained sampler: step must be positive and finite, got ",
          settings.step);
  require(settings.steps >= 1 && settings.steps <= 1 << 20, "trained sampler: steps must be in 1 ... ",
          1 << 20, ", got ", settings.steps);
  require(settings.steps <= (std::int64_t{1} << 33) / dim, "trained sampler: ", settings.steps,
          " steps in dimension ", dim, " need more than the 2^33 random numbers of a path");
  require(settings.batch >= 1 && settings.batch <= 1 << 24, "trained sampler: batch must be in 1 ... ",
          1 << 24, ", got ", settings.batch);
  require(settings.iterations >= 1 && settings.iterations <= iterations,
          "trained sampler: iterations must be in 1 ... ", iterations, ", got ", settings.iterations);
  require(is_positive(settings.network_rate),
          "trained sampler: network_rate must be positive and finite, got ", settings.network_rate);
  require(is_positive(settings.rate), "trained sampler: rate must be positive and finite, got ",
          settings.rate);
  require(settings.decay >= 0.0 && settings.decay <= 1.0, "trained sampler: decay must be in [0, 1], got ",
          settings.decay);
  check_refinement(settings, dim);
}

namespace {

/// The id of the observation's `CustomMap`; empty without one.
std::string map_id(const Target& target) {
  const NonlinearObservation* const observation = target.observation();
  return observation == nullptr || observation->custom() == nullptr ? "" : observation->custom()->id;
}

}  // namespace

void check_hessian(const SamplerSettings& settings, const Target& target) {
  const bool needed =
      settings.loss == PathLoss::elbo && path_terms(settings).target_score && !settings.detach_target_score;
  const CustomTarget* custom = target.custom();
  if (custom == nullptr) {
    require(!needed || target.has_exact_hessian(), "trained sampler: the loss elbo of the method ",
            to_string(settings.method), " needs products with the Hessian, which the custom map \"",
            map_id(target), "\" has not; use the method dis, another loss, or detach_target_score");
    return;
  }
  require(custom->evaluate != nullptr, "trained sampler: the custom target \"", custom->id,
          "\" works in the memory of a GPU only; training needs its function of host memory");
  require(!needed || custom->hessian_vp != nullptr, "trained sampler: the loss elbo of the method ",
          to_string(settings.method), " needs products with the Hessian, which the custom target \"",
          custom->id, "\" has not; use the method dis, another loss, or detach_target_score");
}

std::string target_identity(const Target& target) {
  if (const CustomTarget* custom = target.custom()) return concat("custom:", custom->id);
  Hash hash;
  add_with_prior(hash, target);
  const std::string map = target.calls_functions() ? map_id(target) + ":" : "";
  return concat(name_of(target.description()), ":", map, hex(hash.value()));
}

void check_sampler(const SamplerTraining& training, const Target& target) {
  check_settings(training.settings, training.dim);
  require(target.dim() == training.dim, "trained sampler: the target has dimension ", target.dim(),
          ", but the training began with dimension ", training.dim);
  require(target_identity(target) == training.target, "trained sampler: the target is ",
          target_identity(target), ", but the training began with ", training.target);
  require(training.iteration >= 0 && training.iteration <= training.settings.iterations,
          "trained sampler: the iteration must be in 0 ... ", training.settings.iterations, ", got ",
          training.iteration);
  const auto check = [](const char* name, const Eigen::VectorXd& array, Eigen::Index size) {
    require(array.size() == size, "trained sampler: ", name, " must have ", size, " entries, got ",
            array.size());
    require(array.allFinite(), "trained sampler: ", name, " must be finite");
  };
  const NetworkTensor last = sampler_tensors(training.settings, training.dim).back();
  const Eigen::Index parameters = last.offset + last.size();
  const Eigen::Index networks = path_networks(training.settings) * network_size(training.shape());
  check("parameters", training.parameters, parameters);
  check("adam.m", training.adam.m, parameters);
  check("adam.v", training.adam.v, parameters);
  check("networks", training.networks, networks);
  check("network_adam.m", training.network_adam.m, networks);
  check("network_adam.v", training.network_adam.v, networks);
  check_refined(training);
}

std::vector<const char*> network_names(const SamplerSettings& settings) {
  const PathTerms terms = path_terms(settings);
  std::vector<const char*> names;
  if (terms.forward_net) names.push_back("u");
  if (terms.backward_net) names.push_back("v");
  return names;
}

namespace {

/// Bytes of the forward passes that a block of paths keeps of one network.
std::uint64_t kept_bytes(const SamplerSettings& settings, const Layout& layout) {
  const auto of = [&](auto real) {
    using Real = decltype(real);
    const Eigen::Index states = kept_states<Real>(layout, settings.steps, most_kept_bytes);
    return saturating_product(static_cast<std::uint64_t>(states + 1), StateBlock<Real>::pass_bytes(layout));
  };
  return settings.precision == Precision::f32 ? of(0.0F) : of(0.0);
}

}  // namespace

std::uint64_t sampler_bytes(const SamplerSettings& settings, Eigen::Index dim, int threads,
                            std::int64_t blocks) {
  const auto number = [](auto n) { return static_cast<std::uint64_t>(n); };
  const std::uint64_t steps = number(settings.steps), components = number(path_components(settings));
  // x, F, G, q and the target's score at every state; two sums for every entry of the mixture
  const std::uint64_t points =
      saturating_sum(saturating_product(5, steps + 1), saturating_product(2, components) + 10);
  const std::uint64_t workspace =
      saturating_product(points, number(dim) * block_paths * sizeof(double), number(threads));
  const std::uint64_t gamma =
      saturating_product(steps + 1, components, block_paths * sizeof(double), number(threads));
  // eta and sqrt(2 eta), of the model and of the one that replaces it
  const std::uint64_t model = saturating_product(4, steps, number(dim) * sizeof(double));
  const std::uint64_t sums =
      saturating_product(number(PathSumsLayout(path_components(settings), dim, settings.steps).size),
                         sizeof(double), number(blocks));
  const Layout layout(sampler_network(settings, dim));
  const std::uint64_t real = settings.precision == Precision::f32 ? sizeof(float) : sizeof(double);
  const std::uint64_t times = saturating_product(steps + 1, number(layout.width));
  // The time encoder keeps its values and slopes of all layers, about ten numbers for each unit and time.
  const std::uint64_t network = saturating_sum(number(layout.size), saturating_product(11, times));
  const std::uint64_t gradient = saturating_sum(
      number(layout.size), saturating_product(steps + 1, number(layout.width + layout.output_width)));
  const std::uint64_t networks =
      saturating_product(saturating_sum(network, saturating_product(gradient, number(blocks))),
                         number(path_networks(settings)), real);
  // A thread keeps forward passes once it has a block of a gradient.
  const std::uint64_t kept = saturating_product(kept_bytes(settings, layout), number(path_networks(settings)),
                                                std::min(number(threads), number(blocks)));
  std::uint64_t bytes = refinement_bytes(settings, dim);
  for (const std::uint64_t part : {workspace, gamma, model, sums, networks, kept})
    bytes = saturating_sum(bytes, part);
  return bytes;
}

}  // namespace network
}  // namespace gmdiff
