#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/precision.hpp>
#include <gmdiff/metrics/coverage.hpp>
#include <gmdiff/metrics/distances.hpp>

namespace gmdiff {

/// The outcome of one run of a comparison: one candidate on one problem with one seed.
struct ComparisonRecord {
  std::string problem;     ///< name of the problem
  std::string sampler;     ///< text of the sampler, "draw", or the name of a sampler outside the catalogue
  std::uint64_t seed = 0;  ///< seed of the run, which `gmdiff sample` or `Options::seed` repeats
  std::int64_t count = 0;  ///< number of samples
  Precision precision = Precision::f32;
  std::string device;   ///< device of the run
  std::string judging;  ///< metrics and their parameters, written in one way: "sw:p=1:slices=100:repeats=5"
  /// Hash of the plan, 16 hexadecimal digits. Samples from outside the catalogue have no plan: for a function
  /// it is a hash of the problem and the name, for files one of the problem and the samples. Empty where no
  /// plan could be made.
  std::string plan_hash;
  std::string version;                    ///< version of gmdiff
  std::optional<std::string> error = {};  ///< reason of a failure; then there are no figures
  bool diverged = false;                  ///< the failure was a `NonFiniteError`
  std::vector<Judgement> judgements = {};
  std::optional<double> log_evidence_error = {};  ///< log of the chains' mean evidence, less the exact one
  std::optional<double> log_evidence_sd = {};     ///< standard deviation over the chains
  std::optional<double> ess = {};                 ///< effective sample size as a share of the particles
  std::optional<double> smallest_ess = {};        ///< smallest one of a chain, mean over the chains
  /// Whether intervals of level 0.9 contain a truth drawn with the seed; absent for a prior, and below 10
  /// samples.
  std::optional<CoverageHits> coverage = {};
  double seconds = 0.0;                    ///< time of the sampler
  double evaluations = 0.0;                ///< denoiser evaluations per sample
  std::vector<std::string> warnings = {};  ///< of the run
};

}  // namespace gmdiff
