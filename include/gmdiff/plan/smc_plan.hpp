#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/smc.hpp>

// The plan of sequential Monte Carlo: the steps of a reverse chain, and the Gaussian potentials by which its particles are weighted
// (mathematics.md §7). Everything is in rotated coordinates x~ = V^T x, of which the first r are observed.

namespace gmdiff {

/// prod_i N(x_i; centre_i, variance_i) over the observed coordinates, (r) each; variance inf: no factor.
struct Potential {
  Eigen::VectorXd centre;
  Eigen::VectorXd variance;
};

/// A step t -> s, and its weight.
struct SmcStep {
  Step move;          ///< an affine step of one evaluation, x <- m + e eps with m = a x + b_1 D; or the transition of the mixture
  bool is_weighted;   ///< false: no potential changes, and nothing is resampled
  Potential at_s;     ///< g_s
  Potential divided;  ///< the factors of g_t that the weight divides by: those active at both levels
};

/// Law of the first particles: N(mean, diag(variance)), or a mixture drawn at level (1, 0).
struct SmcStart {
  Eigen::VectorXd mean, variance;  ///< (d)
  std::optional<MixtureTable> mixture;
};

/// When a particle's weight is computed: before it moves, by the integral of g_s over the kernel, which then moves by the kernel tilted by
/// g_s (MCGdiff); or after it moved by the kernel itself (bootstrap), the first potential being weighted at the start.
enum class SmcWeighting { before_moving, after_moving };

/// Tables of one SMC run of one problem.
struct SmcPlan {
  MixtureTable mixture;  ///< of the prior in rotated coordinates: spherical, diag or full
  SmcWeighting weighting = SmcWeighting::before_moving;
  SmcStart start;
  Potential at_start;  ///< g_T, which the start of the bootstrap is weighted by
  std::vector<SmcStep> steps;
  std::vector<double> times;  ///< of the levels, (steps + 1)
  int particles = 0;
  Resampling resampling = Resampling::systematic;
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
  Eigen::MatrixXd V;          ///< (d, d): x = V x~
  double log_constant = 0.0;  ///< log p_hat(y) is the sum of the logs of the mean weights and this
  std::vector<std::string> warnings;
  std::vector<std::string> notes;

  Eigen::Index dim() const { return mixture.dim(); }
  Eigen::Index num_observed() const { return at_start.centre.size(); }
  /// Numbers of the steps before whose move the weights decide whether to resample, (W).
  std::vector<int> weightings() const;
  /// FNV-1a of all tables, as `Plan::hash`.
  std::uint64_t hash() const;
};

/// Of all plans of a batch; that of a single one is its own.
std::uint64_t hash(std::span<const SmcPlan> plans);

/// @throws std::invalid_argument for parameters out of range (named), an observation that does not fit the prior, sees nothing (A = 0),
///   cannot be met (y outside the range of A without noise), or has a singular noise covariance that is not 0.
SmcPlan smc_plan(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process, const TimeGrid& grid,
                 const SmcSampler& sampler);

/// Human-readable tables.
std::ostream& operator<<(std::ostream& out, const SmcPlan& plan);

}  // namespace gmdiff
