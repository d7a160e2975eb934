#include "network/paths/refinement.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"

namespace gmdiff::network {

std::vector<Eigen::Index> active_components(const SamplerTraining& training) {
  std::vector<Eigen::Index> active;
  active.reserve(static_cast<std::size_t>(training.active));
  for (Eigen::Index k = 0; k < training.active; ++k) active.push_back(k);
  return active;
}

bool is_component_due(const SamplerTraining& training) {
  const SamplerSettings& settings = training.settings;
  return is_refined(settings) && training.active < settings.components &&
         training.iteration == static_cast<std::int64_t>(training.active) * settings.refine_every;
}

/// Component k begins after iteration k refine_every. mu and s come first, with a row for each component.
std::vector<AdamPart> adam_parts(const SamplerTraining& training) {
  const SamplerSettings& settings = training.settings;
  std::vector<AdamPart> parts;
  if (is_refined(settings)) {
    const Eigen::Index K = path_components(settings);
    parts.reserve(static_cast<std::size_t>(2 * K + 1));
    for (Eigen::Index row = 0; row < 2 * K; ++row)
      parts.push_back({.end = (row + 1) * training.dim, .begun = (row % K) * settings.refine_every});
  }
  parts.push_back({.end = training.parameters.size(), .begun = 0});
  return parts;
}

// ----- scores

Eigen::VectorXd log_prior(const PathModel& model, const PathUnit& unit, const Points& x) {
  const Eigen::Index d = x.cols();
  std::vector<double> lanes(static_cast<std::size_t>(d * block_paths)), log_p(block_paths);
  std::vector<double> gamma(static_cast<std::size_t>(model.components() * block_paths));
  Eigen::VectorXd log_p0(x.rows());
  for (Eigen::Index first = 0; first < x.rows(); first += block_paths) {
    const Eigen::Index count = std::min<Eigen::Index>(block_paths, x.rows() - first);
    for (Eigen::Index i = 0; i < count; ++i) {
      for (Eigen::Index j = 0; j < d; ++j)
        lanes[static_cast<std::size_t>(j * block_paths + i)] = x(first + i, j);
    }
    unit.mixture_score(model.mixture(), lanes.data(), gamma.data(), log_p.data(), nullptr);
    std::copy_n(log_p.data(), count, log_p0.data() + first);
  }
  return log_p0;
}

template <class Real>
PathBatch<Real> candidate_paths(const Points& x, Eigen::Index repeats,
                                std::function<void(Eigen::Index first, PathBlock<Real>& block)> noises) {
  PathBatch<Real> batch{.paths = repeats * x.rows(), .origin = PathOrigin::placed, .fill = {}};
  batch.fill = [&x, repeats, noises = std::move(noises)](Eigen::Index first, Eigen::Index paths,
                                                         PathBlock<Real>& block) {
    std::fill_n(block.state(0), x.cols() * block_paths, 0.0);
    for (Eigen::Index p = 0; p < paths; ++p) {
      for (Eigen::Index j = 0; j < x.cols(); ++j)
        block.state(0)[j * block_paths + p] = x((first + p) / repeats, j);
    }
    noises(first, block);
  };
  return batch;
}

Eigen::VectorXd group_means(const Eigen::VectorXd& values, Eigen::Index repeats) {
  Eigen::VectorXd means(values.size() / repeats);
  for (Eigen::Index c = 0; c < means.size(); ++c) {
    double sum = 0.0;
    for (Eigen::Index r = 0; r < repeats; ++r) sum += values(repeats * c + r);
    means(c) = sum / static_cast<double>(repeats);
  }
  return means;
}

Eigen::VectorXd residual_scores(const Eigen::VectorXd& log_rho, const Eigen::VectorXd& log_p0, double delta) {
  const double bound = log_p0.maxCoeff() - delta;
  return log_rho.array() - log_p0.array().max(bound);
}

double residual_delta(Eigen::Index k) {
  constexpr std::array<double, 6> deltas{5000.0, 1000.0, 500.0, 200.0, 100.0, 50.0};
  return deltas[static_cast<std::size_t>((k - 1) % std::ssize(deltas))];
}

Eigen::Index best_candidate(const Eigen::VectorXd& scores) {
  Eigen::Index best = -1;
  for (Eigen::Index c = 0; c < scores.size(); ++c) {
    if (std::isfinite(scores(c)) && (best < 0 || scores(c) > scores(best))) best = c;
  }
  return best;
}

namespace {

/// log w of paths that start at the candidates, in the mean.
template <class Real>
Eigen::VectorXd elbo_scores(const SamplerTraining& training, const Points& x, PathSweep<Real>& sweep) {
  const std::uint64_t seed = training.settings.seed;
  const auto replicate = static_cast<std::uint32_t>(training.iteration + 1);
  const auto noises = [=](Eigen::Index first, PathBlock<Real>& block) {
    const PathModel& model = block.setting().model;
    block.setting().unit.normals({.seed = seed,
                                  .purpose = Purpose::step_noise,
                                  .replicate = replicate,
                                  .first_path = candidate_paths_index + static_cast<std::uint64_t>(first),
                                  .first_normal = 0,
                                  .count = model.steps() * model.dim()},
                                 block.noise(0));
  };
  return group_means(sweep.log_weights(candidate_paths<Real>(x, candidate_repeats, noises)),
                     candidate_repeats);
}

template <class Real>
Eigen::VectorXd candidate_scores(const SamplerTraining& training, const CandidateChains& chains,
                                 PathSweep<Real>& sweep) {
  const auto of_start = [&] { return log_prior(sweep.model(), sweep.unit(), chains.states()); };
  switch (training.settings.refine_score) {
    case RefinementScore::elbo:
      return elbo_scores(training, chains.states(), sweep);
    case RefinementScore::ratio:
      return chains.log_density() - of_start();
    case RefinementScore::residual:
      return residual_scores(chains.log_density(), of_start(), residual_delta(training.active));
  }
  fail("trained sampler: unknown score");
}

/// Component number `active` begins at the candidate with the largest score. Its deviations have their first
/// value, as nothing has moved them.
void begin_component(SamplerTraining& training, const CandidateChains& chains,
                     const Eigen::VectorXd& scores) {
  const Eigen::Index best = best_candidate(scores), d = training.dim;
  if (best < 0)
    throw NonFiniteError(concat("trained sampler: none of the ", scores.size(),
                                " candidates for the mean of component ", training.active,
                                " has a finite score before iteration ", training.iteration + 1,
                                "; another support_std or init_std may help"));
  training.parameters.segment(training.active * d, d) = chains.states().row(best).transpose();
  training.chains = chains.states();
  training.chain_step = chains.step();
  ++training.active;
}

}  // namespace

void place_first_component(SamplerTraining& training, const Target& target, ThreadPool& pool) {
  CandidateChains chains(training.settings, target, pool);
  chains.move(0, training.settings.first_moves);
  begin_component(training, chains, chains.log_density());
}

template <class Real>
void add_component(SamplerTraining& training, const Target& target, ThreadPool& pool,
                   PathSweep<Real>& sweep) {
  const SamplerSettings& settings = training.settings;
  CandidateChains chains(settings, target, pool, training.chains, training.chain_step);
  chains.move(settings.first_moves + static_cast<std::int64_t>(training.active - 1) * settings.moves,
              settings.moves);
  begin_component(training, chains, candidate_scores(training, chains, sweep));
  sweep.activate(active_components(training));
}

template PathBatch<float> candidate_paths(const Points&, Eigen::Index,
                                          std::function<void(Eigen::Index, PathBlock<float>&)>);
template PathBatch<double> candidate_paths(const Points&, Eigen::Index,
                                           std::function<void(Eigen::Index, PathBlock<double>&)>);
template void add_component(SamplerTraining&, const Target&, ThreadPool&, PathSweep<float>&);
template void add_component(SamplerTraining&, const Target&, ThreadPool&, PathSweep<double>&);

}  // namespace gmdiff::network
