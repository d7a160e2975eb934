#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/sampler/smc.hpp>

// Runs of sequential Monte Carlo and their results.

namespace gmdiff {

/// Record of the W weightings of each chain, in the order of the run (`Options::smc_history`).
struct SmcHistory {
  std::vector<int> steps;               ///< (W): number of each weighting's step, from 0
  std::vector<double> ess;              ///< (chains, W): effective sample size before resampling
  std::vector<std::uint8_t> resampled;  ///< (chains, W): whether the chain was resampled
  std::vector<double> log_weights;      ///< (chains, W, N): normalised, before resampling
  /// (chains, W, N): the particle that each one continues; itself without resampling
  std::vector<std::uint32_t> ancestors;
};

/// Diagnostics of each chain: arrays of shape (chains), all problems one after the other.
struct ChainReport {
  /// log p_hat(y). p_hat(y) itself is unbiased for any number of particles and any resampling scheme (§6).
  std::vector<double> log_evidence;
  /// Smallest effective sample size over all weightings and the final weights; near 1, one particle had all
  /// the weight.
  std::vector<double> smallest_ess;
  /// Step (from 0) at which the smallest effective sample size occurred first; for the final weights, the
  /// last step.
  std::vector<int> smallest_ess_step;
};

/// Result of an SMC run: samples, with the evidence and the weights of their chains.
class SmcSamples : public Samples {
 public:
  /// @param log_weights (chains, N), or empty.
  SmcSamples(Samples samples, ChainReport chains, std::vector<double> log_weights, SmcHistory history)
      : Samples(std::move(samples)),
        chains_(std::move(chains)),
        log_weights_(std::move(log_weights)),
        history_(std::move(history)) {}

  /// Diagnostics of each chain. `provenance()` has a warning if most chains collapse or their evidences
  /// disagree (§7.7).
  const ChainReport& chains() const { return chains_; }
  const std::vector<double>& log_evidence() const { return chains_.log_evidence; }
  const std::vector<double>& smallest_ess() const { return chains_.smallest_ess; }
  /// Logarithm of the mean of p_hat(y) over the chains of one problem.
  double mean_log_evidence(std::int64_t problem = 0) const;
  /// Standard deviation of log p_hat(y) over the chains of one problem; NaN for a single chain.
  double log_evidence_sd(std::int64_t problem = 0) const;
  /// Weights (chains) proportional to p_hat(y), normalised over the chains of each problem. Expectations
  /// under these weights do not have the O(1/N) bias of a single chain (§7.6).
  std::vector<double> chain_weights() const;
  /// Normalised log-weights of the particles, (chains, N); empty for `SmcOutput::draw`.
  const std::vector<double>& log_weights() const { return log_weights_; }
  /// Record of the weights; the states of kept levels are rows of the samples.
  const SmcHistory& history() const { return history_; }

 private:
  std::int64_t chains_per_problem() const;
  std::span<const double> log_evidence_of(std::int64_t problem) const;

  ChainReport chains_;
  std::vector<double> log_weights_;
  SmcHistory history_;
};

/// `Interrupted` for an SMC run; holds the finished chains.
class SmcInterrupted : public Interrupted {
 public:
  SmcInterrupted(const std::string& what, SmcSamples finished)
      : Interrupted(what, finished), finished_(std::move(finished)) {}
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

/// SMC samples of the posterior; shape (count, d), or (count, N, d) with `SmcOutput::particles`, and then
/// with `Options::history` (count, M, N, d). The last step of MCGdiff to an observation with little or no
/// noise takes the exact transition (§7.4); the result's notes say so.
/// @throws std::invalid_argument for parameters out of range, A = 0, a y outside the range of A without
///   noise, and history with `SmcOutput::draw`; WeightError, which names chain and step; all
///   exceptions of `run` in sample.hpp.
SmcSamples sample(const Mixture& prior, const LinearObservation& observation, const ForwardProcess& process,
                  const TimeGrid& grid, const SmcSampler& sampler, const Options& options = {});
/// Many observations of one prior in one call; shape (problems, count, ...), or (count, ...) for a single
/// observation.
SmcSamples sample(const Mixture& prior, std::span<const LinearObservation> observations,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options = {});
/// Chains of `bootstrap` under an observation with a map (mathematics.md §10.4).
SmcSamples sample(const Mixture& prior, const NonlinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options = {});
/// Chains by a custom denoiser in place of the prior's (mathematics.md §7.9), in the dimension of the
/// observation; the sampler needs start = gaussian and kernel = ddim. The function gets the particles of
/// several chains at once.
/// @throws std::invalid_argument as above and as `smc_plan`, and for a `DeviceDenoiser`.
SmcSamples sample(const Denoiser& denoiser, const LinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options = {});
/// Chains of `bootstrap` by a custom denoiser under an observation with a map (mathematics.md §10.5).
SmcSamples sample(const Denoiser& denoiser, const NonlinearObservation& observation,
                  const ForwardProcess& process, const TimeGrid& grid, const SmcSampler& sampler,
                  const Options& options = {});
/// Many problems of one dimension in one call. Each problem's result equals its single run with the seed in
/// `Provenance::problem_seeds`.
SmcSamples sample(std::span<const SmcProblem> problems, const ForwardProcess& process,
                  const SmcSampler& sampler, const Options& options = {});

/// Executes plans of equal dimension and number of particles: (count, ...), or (problems, count, ...) for
/// several.
SmcSamples run(std::span<const SmcPlan> plans, const Options& options = {});
SmcSamples run(const SmcPlan& plan, const Options& options = {});

}  // namespace gmdiff
