#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmdiff/error.hpp>
#include <gmdiff/mixture.hpp>
#include <gmdiff/observation.hpp>
#include <gmdiff/options.hpp>
#include <gmdiff/process.hpp>
#include <gmdiff/sampler.hpp>
#include <gmdiff/samples.hpp>
#include <gmdiff/time_grid.hpp>

// Sequential Monte Carlo along the reverse chain: samples of the posterior of `y = A x + e` and its log-evidence (mathematics.md §6, §7).
//
// A chain is N particles that are weighted, resampled and moved together; `Options::count`, `first` and `progress` count chains.

namespace gmdiff {

/// Resampling schemes; each gives particle j N W_j offspring on average (§6).
enum class Resampling {
  systematic,   ///< one uniform a chain: points (i + u) / N
  stratified,   ///< one uniform a point: (i + u_i) / N
  multinomial,  ///< N independent draws
  residual,     ///< floor(N W_j) copies of each, the rest multinomial
};

/// How particles move from one level to the next.
enum class SmcKernel {
  ddim,   ///< the DDIM step with noise eta (Song, Meng & Ermon 2021): the target is the posterior of the discretised chain
  exact,  ///< the exact reverse transition of the mixture (§5.1, §7.5): the target is the exact posterior on any grid
};

/// What a chain returns.
enum class SmcOutput {
  draw,       ///< one particle, drawn by the final weights: samples (count, d)
  particles,  ///< all of them with their weights: samples (count, N, d), log_weights (count, N)
};

/// MCGdiff (Cardoso, Janati El Idrissi, Le Corff & Moulines 2024) with the corrections of §7. Particles are tilted towards the observation
/// by Gaussian potentials g_s, moved by the kernel that is optimal for them, and weighted before they move.
///
/// The paper's own setting is variant A with `kernel = ddim`, `eta = 1`, a Gaussian start, multinomial resampling in every step, and a grid
/// that holds the levels tau_i (`McgdiffGrid`); with an exact observation (noise_std = 0) its Algorithm 1. The defaults differ where
/// something is better: variant C needs no kappa, systematic resampling has less variance, and the exact start no bias.
struct Mcgdiff {
  static constexpr const char* name = "mcgdiff";
  /// N, from 1 to 2^30.
  int particles = 256;
  /// C: the diffused likelihood N(x_i; alpha_s y_i, sigma_s^2 + alpha_s^2 n_i^2) at every level. A: coordinate i is pinned without noise at
  /// the level where sigma / alpha = n_i = sigma_y / s_i, which is inserted into the grid, and is free below. The same where n_i = 0. A
  /// coordinate with n_i above that of the grid's first level, or below half of that before its last one, is treated by C.
  enum class Variant { C, A } variant = Variant::C;  // NOLINT(readability-identifier-naming): the names of mathematics.md
  /// A: variance of a pin, >= 0. Not used where n_i = 0.
  double kappa = 1e-4;
  SmcKernel kernel = SmcKernel::ddim;
  /// DDIM's noise, in (0, 1]; smaller values raise the variance of the weights.
  double eta = 1.0;
  Start start = Start::exact;
  Resampling resampling = Resampling::systematic;
  /// Resample when the effective sample size is below ess_threshold N: 1 always, 0 never.
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
};

/// The bootstrap filter (Gordon, Salmond & Smith 1993) on the same chain: particles move as without observation, and are then weighted by
/// the diffused likelihoods of variant C. The baseline that MCGdiff's kernels are measured against. Needs noise on every observed
/// direction.
struct Bootstrap {
  static constexpr const char* name = "bootstrap";
  int particles = 256;
  SmcKernel kernel = SmcKernel::ddim;
  double eta = 1.0;
  Start start = Start::exact;
  Resampling resampling = Resampling::systematic;
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
};

using SmcSampler = std::variant<Mcgdiff, Bootstrap>;

/// What happened at the W weightings of each chain, in the order of the run; `Options::smc_history`.
struct SmcHistory {
  std::vector<int> steps;                ///< (W): number of the step, from 0, that each weighting belongs to
  std::vector<double> ess;               ///< (chains, W): effective sample size before resampling
  std::vector<std::uint8_t> resampled;   ///< (chains, W): whether it was below the threshold
  std::vector<double> log_weights;       ///< (chains, W, N): normalised, before resampling
  std::vector<std::uint32_t> ancestors;  ///< (chains, W, N): the particle each continues; itself where nothing was resampled
};

/// What each chain tells, (chains) each, of all problems one after the other.
struct ChainReport {
  /// log p_hat(y): exp of it is unbiased, for any number of particles and any scheme (§6).
  std::vector<double> log_evidence;
  /// Smallest effective sample size, of all weightings and the final weights; near 1 a single particle had all the weight.
  std::vector<double> smallest_ess;
  /// Number of the step, from 0, before whose move that was (the first, where it was several times); of the final weights the last step.
  std::vector<int> smallest_ess_step;
};

/// Samples of SMC: those of `Samples`, and what weighting told.
class SmcSamples : public Samples {
 public:
  /// `log_weights` (chains, N) or empty.
  SmcSamples(Samples samples, ChainReport chains, std::vector<double> log_weights, SmcHistory history)
      : Samples(std::move(samples)), chains_(std::move(chains)), log_weights_(std::move(log_weights)), history_(std::move(history)) {}

  /// What each chain tells. Where most chains collapse or their evidences disagree (§7.7), a warning of `provenance()` says so.
  const ChainReport& chains() const { return chains_; }
  const std::vector<double>& log_evidence() const { return chains_.log_evidence; }
  const std::vector<double>& smallest_ess() const { return chains_.smallest_ess; }
  /// log of the mean of the chains' p_hat(y), of one problem.
  double mean_log_evidence(std::int64_t problem = 0) const;
  /// Standard deviation of log p_hat(y) over the chains of one problem; NaN of a single chain.
  double log_evidence_sd(std::int64_t problem = 0) const;
  /// Weights (chains) proportional to the chains' p_hat(y), which sum to 1 over the chains of a problem: an expectation weighted by them
  /// has none of the O(1/N) bias of a single chain (§7.6).
  std::vector<double> chain_weights() const;
  /// Normalised log-weights of the particles, (chains, N); empty for `SmcOutput::draw`.
  const std::vector<double>& log_weights() const { return log_weights_; }
  const SmcHistory& history() const { return history_; }

 private:
  std::int64_t chains_per_problem() const;
  std::span<const double> log_evidence_of(std::int64_t problem) const;

  ChainReport chains_;
  std::vector<double> log_weights_;
  SmcHistory history_;
};

/// As `Interrupted`, with what the finished chains told.
class SmcInterrupted : public Interrupted {
 public:
  SmcInterrupted(const std::string& what, SmcSamples finished) : Interrupted(what, finished), finished_(std::move(finished)) {}
  const SmcSamples& finished_chains() const { return finished_; }

 private:
  SmcSamples finished_;
};

/// One posterior to sample.
struct SmcProblem {
  Mixture prior;
  LinearObservation observation;
  TimeGrid grid;
};

/// SMC samples of the posterior; shape (count, d), or (count, N, d) with `SmcOutput::particles`. A last step of MCGdiff to an observation
/// with little noise, or none, takes the exact transition (§7.4), and the result's notes say so.
/// @throws std::invalid_argument for parameters out of range, an A that sees nothing, a y outside the range of A without noise, options
///   that SMC does not have (start, history, keep_on_device); WeightError, which names chain and step; what `run` of sample.hpp throws.
SmcSamples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process, const TimeGrid& grid,
                  const SmcSampler& sampler, const Options& options = {});
/// Many observations of one prior in one call; shape (problems, count, ...), of a single one (count, ...).
SmcSamples sample(const Mixture& prior, std::span<const LinearObservation> observations, const ForwardProcess& process,
                  const TimeGrid& grid, const SmcSampler& sampler, const Options& options = {});
/// Many problems of one dimension in one call. Each equals its single run with the seed in `Provenance::problem_seeds`.
SmcSamples sample(std::span<const SmcProblem> problems, const ForwardProcess& process, const SmcSampler& sampler,
                  const Options& options = {});

}  // namespace gmdiff
