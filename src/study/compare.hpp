#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/sampler/problem.hpp>
#include <gmdiff/study/comparison_record.hpp>

// Compares samplers with the exact laws of problems; each sampler has one row.

namespace gmdiff::study {

struct NamedProblem {
  std::string name;
  Problem problem;
};

/// A candidate that is compared with the exact law: a sampler, or exact draws.
struct Candidate {
  std::string name;  ///< name as on the command line
  std::optional<AnySampler> sampler;
};

/// Candidates, problems and options of a comparison.
struct CompareSettings {
  std::vector<NamedProblem> problems;
  std::vector<Candidate> candidates;
  Options options;  ///< progress counts samples of all candidates and problems
  JudgeOptions judging;
  std::int64_t kept_samples = 0;  ///< number of samples of the first problem that a row keeps
};

/// A candidate's row: means over the problems. A candidate that failed on a problem has no numbers.
struct SamplerRow {
  std::string sampler;
  std::optional<std::string> error;  ///< reason of its failure, with the problem
  double value = 0.0;
  std::optional<double> standard_error;  ///< of the value over the problems; absent for one problem
  double median = 0.0;
  double floor = 0.0;
  /// standard deviation for one pair of exact draws, root mean square over the problems
  double floor_sd = 0.0;
  double ratio = 0.0;
  std::optional<double> log_evidence_error;
  std::optional<double> log_evidence_sd;  ///< standard deviation over the chains of a problem
  std::optional<double> ess;              ///< effective sample size as a share of the particles
  /// The smallest effective sample size of a chain, as a share of the particles, mean over the chains.
  std::optional<double> smallest_ess;
  double seconds = 0.0;      ///< sum
  std::size_t problems = 0;  ///< number of problems that it sampled
  /// Warnings of its runs, problem by problem: "on NAME: ...".
  std::vector<std::string> warnings;
  std::vector<ComparisonRecord> records;  ///< one for each problem that it was run on
  Points samples;                         ///< the first `CompareSettings::kept_samples` of the first problem
};

/// Runs every candidate on every problem; a problem has the seed that a batch gives it. A candidate that
/// fails on a problem is left out of the following ones, and its row says so.
/// @throws std::invalid_argument where a candidate has no plan for the first problem, before anything runs;
///   DeviceUnavailable when the device is not available
std::vector<SamplerRow> compare(const CompareSettings& settings);

/// Number of samples of all candidates and problems together, which is the total of the progress.
std::int64_t num_samples(const CompareSettings& settings);

}  // namespace gmdiff::study
