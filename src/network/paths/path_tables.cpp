#include "network/paths/path_tables.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "network/network_weights.hpp"
#include "network/paths/path_streams.hpp"
#include "network/paths/refinement.hpp"

namespace gmdiff::network {

namespace {

PathModel model_of(const SamplerTraining& training) {
  return {training.settings, training.dim, training.parameters, active_components(training)};
}

template <class Real>
std::optional<PathNetworkTables<Real>> tables_of(const PathNetwork<Real>* network, Eigen::Index steps) {
  if (network == nullptr) return {};
  const Layout& places = network->weights().layout();
  PathNetworkTables<Real> tables{
      .weights = network_weights(network->weights(), static_cast<Real>(control_bound)),
      .time = {network->table(), network->table() + (steps + 1) * places.width},
      .scale = {}};
  if (network->has_scales())
    tables.scale.assign(network->scale(0), network->scale(0) + (steps + 1) * places.output_width);
  return tables;
}

std::vector<double> copied(const double* from, Eigen::Index count) { return {from, from + count}; }

template <class Real>
PathTables tables_in(const SamplerTraining& training, const Target& target, ThreadPool& pool) {
  const PathTerms terms = path_terms(training.settings);
  const Eigen::Index size = network_size(training.shape());
  const auto network_of = [&](const Eigen::VectorXd& parameters) {
    auto network = std::make_unique<PathNetwork<Real>>(training.shape(), training.settings.steps,
                                                       dense_unit<Real>(cpu::chosen_instruction_set()), pool);
    network->assign(parameters);
    return network;
  };
  std::unique_ptr<PathNetwork<Real>> forward_net, backward_net;
  if (terms.forward_net) forward_net = network_of(training.networks.head(size));
  // u, if there is one, comes first.
  if (terms.backward_net) backward_net = network_of(training.networks.tail(size));
  return path_tables(training.settings, model_of(training), forward_net.get(), backward_net.get(), target);
}

}  // namespace

template <class Real>
PathTables path_tables(const SamplerSettings& settings, const PathModel& model,
                       const PathNetwork<Real>* forward_net, const PathNetwork<Real>* backward_net,
                       const Target& target) {
  const StartMixture mixture = model.mixture();
  const PathTerms terms = path_terms(settings);
  const Eigen::Index K = model.components(), d = model.dim(), N = model.steps();
  PathTables tables{.dim = d,
                    .components = K,
                    .steps = N,
                    .has_mixture_score = terms.mixture_score,
                    .has_target_score = terms.target_score,
                    .mirrored = terms.mirrored,
                    .mean = copied(mixture.mean, K * d),
                    .inverse = copied(mixture.inverse, K * d),
                    .precision = copied(mixture.precision, K * d),
                    .weight = copied(mixture.weight, K),
                    .log_weight = copied(mixture.log_weight, K),
                    .beta = {},
                    .eta = copied(model.eta(0), N * d),
                    .noise_scale = copied(model.noise_scale(0), N * d),
                    .networks = PathNetworkPair<Real>{.forward = tables_of(forward_net, N),
                                                      .backward = tables_of(backward_net, N)},
                    .target = target};
  tables.beta.reserve(static_cast<std::size_t>(N + 1));
  for (Eigen::Index n = 0; n <= N; ++n) tables.beta.push_back(model.beta(n));
  return tables;
}

template PathTables path_tables(const SamplerSettings&, const PathModel&, const PathNetwork<float>*,
                                const PathNetwork<float>*, const Target&);
template PathTables path_tables(const SamplerSettings&, const PathModel&, const PathNetwork<double>*,
                                const PathNetwork<double>*, const Target&);

PathTables path_tables(const SamplerTraining& training, const Target& target, ThreadPool& pool) {
  const FloatingPointEnvironment environment;
  switch (training.settings.precision) {
    case Precision::f32:
      return tables_in<float>(training, target, pool);
    case Precision::f64:
      return tables_in<double>(training, target, pool);
  }
  fail("trained sampler: unknown precision");
}

PathStarts draw_starts(const PathStreams& streams, const PathModel& model, const PathUnit& unit,
                       std::int64_t first, std::int64_t count) {
  const Eigen::Index d = model.dim(), skipped = first % block_paths;
  PathStarts starts{.x = Points(count, d), .noise = Points(count, d), .component = {}};
  starts.component.reserve(static_cast<std::size_t>(count));
  std::vector<Eigen::Index> component(block_paths);
  std::vector<double> noise(static_cast<std::size_t>(d * block_paths)), x(noise.size());
  for (Eigen::Index begin = -skipped; begin < count; begin += block_paths) {
    const auto path = static_cast<std::uint64_t>(first + begin);
    streams.fill_components(path, model, component.data());
    streams.fill_start(path, model, unit, noise.data());
    place_starts(model, component.data(), noise.data(), x.data());
    const Eigen::Index end = std::min<Eigen::Index>(block_paths, count - begin);
    for (Eigen::Index p = std::max<Eigen::Index>(-begin, 0); p < end; ++p) {
      starts.component.push_back(static_cast<std::int32_t>(component[static_cast<std::size_t>(p)]));
      for (Eigen::Index j = 0; j < d; ++j) {
        const auto at = static_cast<std::size_t>(j * block_paths + p);
        starts.x(begin + p, j) = x[at];
        starts.noise(begin + p, j) = noise[at];
      }
    }
  }
  return starts;
}

Points path_starts(const SamplerTraining& training, std::int64_t first, std::int64_t count,
                   std::uint64_t seed) {
  const FloatingPointEnvironment environment;
  return draw_starts({seed, 0}, model_of(training), path_unit(cpu::chosen_instruction_set()), first, count).x;
}

}  // namespace gmdiff::network
