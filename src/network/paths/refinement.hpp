#pragma once

#include <functional>

#include "network/paths/candidate_chains.hpp"
#include "network/paths/path_sweep.hpp"

// Components that are added to the start law during a training (mathematics.md §17.13).

namespace gmdiff::network {

/// Paths from each candidate for the score `elbo`.
inline constexpr Eigen::Index candidate_repeats = 4;
/// Index of their first stream; no path of a training or of draws has it.
inline constexpr std::uint64_t candidate_paths_index = std::uint64_t{1} << 40;

/// Whether components are added to this training.
inline bool is_refined(const SamplerSettings& settings) { return settings.refine_every > 0; }
/// Components that take part.
std::vector<Eigen::Index> active_components(const SamplerTraining& training);
/// Whether a component begins before the next iteration.
bool is_component_due(const SamplerTraining& training);
/// The parts of Adam: every component counts its updates from its own beginning.
std::vector<AdamPart> adam_parts(const SamplerTraining& training);

/// log p0 of points (n, d).
Eigen::VectorXd log_prior(const PathModel& model, const PathUnit& unit, const Points& x);
/// Paths with states x_0 in the rows of x, which must outlive the batch: path number repeats c + r begins at
/// candidate c. `noises` writes xi of the paths first ... first + block_paths - 1.
template <class Real>
PathBatch<Real> candidate_paths(const Points& x, Eigen::Index repeats,
                                std::function<void(Eigen::Index first, PathBlock<Real>& block)> noises);
/// Means of consecutive groups of `repeats` numbers.
Eigen::VectorXd group_means(const Eigen::VectorXd& values, Eigen::Index repeats);
/// log rho - max(log p0, max log p0 - delta)
Eigen::VectorXd residual_scores(const Eigen::VectorXd& log_rho, const Eigen::VectorXd& log_p0, double delta);
/// Delta for component k = 1, 2, ...
double residual_delta(Eigen::Index k);
/// Place of the largest finite score, the first of equals; -1 without any.
Eigen::Index best_candidate(const Eigen::VectorXd& scores);

/// Moves the chains to their first candidates and places the first component. @throws NonFiniteError.
void place_first_component(SamplerTraining& training, const Target& target, ThreadPool& pool);
/// Adds the next component; on an error the training stays as it was. The sweep has the training's parameters
/// and is left without any. @throws NonFiniteError.
template <class Real>
void add_component(SamplerTraining& training, const Target& target, ThreadPool& pool, PathSweep<Real>& sweep);

}  // namespace gmdiff::network
