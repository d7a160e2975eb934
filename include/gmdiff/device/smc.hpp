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

// Runs of sequential Monte Carlo, and their results.

namespace gmdiff {

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

/// Executes plans of one dimension and number of particles: (count, ...), or (problems, count, ...) for several.
SmcSamples run(std::span<const SmcPlan> plans, const Options& options = {});
SmcSamples run(const SmcPlan& plan, const Options& options = {});

}  // namespace gmdiff
