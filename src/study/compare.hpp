#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/sampler/problem.hpp>

// Samplers against the exact law of problems, a row each.

namespace gmdiff::study {

struct NamedProblem {
  std::string name;
  Problem problem;
};

/// What is compared with the exact law: a sampler, or exact draws.
struct Candidate {
  std::string name;  ///< as on the command line
  std::optional<AnySampler> sampler;
};

/// What is compared, and how.
struct CompareSettings {
  std::vector<NamedProblem> problems;
  std::vector<Candidate> candidates;
  Options options;  ///< progress counts samples of all candidates and problems
  JudgeOptions judging;
};

/// A candidate's row: means over the problems. Of one that failed on a problem there are no numbers.
struct SamplerRow {
  std::string sampler;
  std::optional<std::string> error;  ///< why and on which problem it failed
  double value = 0.0;
  std::optional<double> standard_error;  ///< of the value, over the problems; of one problem none
  double median = 0.0;
  double floor = 0.0;
  double floor_sd = 0.0;  ///< of one pair of exact draws: root mean square over the problems
  double ratio = 0.0;
  std::optional<double> log_evidence_error;
  std::optional<double> log_evidence_sd;  ///< over the chains of a problem
  std::optional<double> ess;              ///< share of the particles
  std::optional<double>
      smallest_ess;          ///< share of the particles: the smallest of a chain, mean over the chains
  double seconds = 0.0;      ///< sum
  std::size_t problems = 0;  ///< that it sampled
  /// Warnings of its runs, problem by problem: "on NAME: ...".
  std::vector<std::string> warnings;
};

/// Runs every candidate on every problem, each problem with the seed that a batch gives it. A candidate that fails on one is left out of
/// those after it; its row says so.
/// @throws std::invalid_argument where a candidate has no plan for the first problem, before anything runs; DeviceUnavailable when the
///   device is not available
std::vector<SamplerRow> compare(const CompareSettings& settings);

/// Samples of all candidates and problems together: the total of the progress.
std::int64_t num_samples(const CompareSettings& settings);

}  // namespace gmdiff::study
