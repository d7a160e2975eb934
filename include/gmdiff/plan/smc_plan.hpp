#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/smc.hpp>

// The plan of sequential Monte Carlo: the steps of a reverse chain, and the Gaussian potentials that weight
// its particles (mathematics.md §7). All tables are in rotated coordinates x~ = V^T x, of which the first r
// are observed.

namespace gmdiff {

/// prod_i N(x_i; centre_i, variance_i) over the r observed coordinates. A coordinate with infinite variance
/// has no factor.
struct Potential {
  Eigen::VectorXd centre;
  Eigen::VectorXd variance;
};

/// A step t -> s and its weight.
struct SmcStep {
  /// An affine step of one evaluation, x <- m + e eps with m = a x + b_1 D; or the transition of the mixture.
  Move move;
  bool is_weighted;   ///< false: no potential changes, and nothing is resampled
  Potential at_s;     ///< g_s
  Potential divided;  ///< the factors of g_t active at both levels, by which the weight is divided
};

/// Law of the first particles: N(mean, diag(variance)), or a mixture drawn at level (1, 0).
struct SmcStart {
  Eigen::VectorXd mean, variance;  ///< (d)
  std::optional<MixtureTable> mixture;
};

/// Time at which weights are computed. MCGdiff weights a particle before moving it, by the integral of g_s
/// over the kernel, and then moves it by the kernel tilted by g_s. The bootstrap filter moves by the kernel
/// itself and weights afterwards; g_T weights its start.
enum class SmcWeighting { before_moving, after_moving };

/// Potentials of an observation with a map at the levels of the steps (mathematics.md §10.4):
/// g_s(x) = det(Q)^{-1/2} (1 + r^T Q^{-1} r)^{-(dy + 1)/2} with r = y - Phi(D) and Q = 2 J C J^T + R, and the
/// likelihood itself at the data.
struct MapPotentials {
  static constexpr double widening = 2.0;  ///< the factor of J C J^T in Q
  MapRows rows;
  std::vector<Level> levels;  ///< (steps + 1)
  /// (steps + 1) with a custom denoiser: r^2 of the levels, and r^2 I takes the place of C (§10.5). Empty for
  /// a mixture, which has C.
  std::vector<double> variances;
};

/// Tables of one SMC run of one problem.
struct SmcPlan {
  /// the prior in rotated coordinates: spherical, diag or full; without components for a custom denoiser
  MixtureTable mixture;
  /// Denoiser in place of the prior's (§7.9). It takes points x = V x~ in the coordinates of the data, and the
  /// moves of all steps are affine. The hash covers its name.
  std::optional<Denoiser> denoiser;
  SmcWeighting weighting = SmcWeighting::before_moving;
  SmcStart start;
  Potential at_start;  ///< g_T, which weights the start of the bootstrap filter
  std::vector<SmcStep> steps;
  /// Instead of potentials of observed coordinates, which are none then; weights are computed after moving.
  std::optional<MapPotentials> map;
  std::vector<double> times;  ///< times of the levels, (steps + 1)
  int particles = 0;
  Resampling resampling = Resampling::systematic;
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
  Eigen::MatrixXd V;          ///< (d, d): x = V x~
  double log_constant = 0.0;  ///< log p_hat(y) is this constant plus the sum of the logs of the mean weights
  std::vector<std::string> warnings;
  std::vector<std::string> notes;

  Eigen::Index dim() const { return mixture.dim(); }
  Eigen::Index num_observed() const { return at_start.centre.size(); }
  /// Numbers of the W steps that may resample before they move.
  std::vector<int> weightings() const;
  /// FNV-1a hash of all tables, as `Plan::hash`.
  std::uint64_t hash() const;
};

/// Hash over all plans of a run; for a single plan, its own hash.
std::uint64_t hash(std::span<const SmcPlan> plans);

/// Plan of sequential Monte Carlo for one problem.
/// @throws std::invalid_argument for a parameter out of range (named), and for an observation whose
///   dimension is not the prior's, with A = 0, with y outside the range of A and no noise, or with a singular
///   noise covariance other than 0.
SmcPlan smc_plan(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const SmcSampler& sampler);
/// Plan of `bootstrap` under an observation with a map, in the coordinates of the data.
/// @throws std::invalid_argument for a parameter out of range, for a sampler that takes no map, for a map of
///   another dimension, and for a grid that does not end at the data.
SmcPlan smc_plan(const Mixture& prior, const NonlinearObservation& observation, const ForwardProcess& process,
                 const TimeGrid& grid, const SmcSampler& sampler);

/// Plan of sequential Monte Carlo by a custom denoiser in place of the prior's (§7.9), in the dimension of the
/// observation. The sampler needs start = gaussian and kernel = ddim.
/// @throws std::invalid_argument as above, for a sampler that draws from the mixture, for a last step that
///   would be its exact transition, and for a denoiser without function or name.
SmcPlan smc_plan(const Denoiser& denoiser, const LinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler);
/// Plan of `bootstrap` by a custom denoiser under an observation with a map (§10.5).
/// @throws std::invalid_argument as above.
SmcPlan smc_plan(const Denoiser& denoiser, const NonlinearObservation& observation,
                 const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler);

/// Prints the tables of the plan.
std::ostream& operator<<(std::ostream& out, const SmcPlan& plan);

}  // namespace gmdiff
