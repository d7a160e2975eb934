#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/metrics/coverage.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/sampler/problem.hpp>
#include <gmdiff/study/comparison_record.hpp>

// Compares samplers with the exact laws of problems; each sampler has one row.

namespace gmdiff {

/// A problem with a prior, whose law is the posterior if it has an observation, or a problem with a target.
struct NamedProblem {
  std::string name;
  AnyProblem problem;
};

/// Exact draws of the law: what a perfect sampler would score.
struct ExactDraws {};

/// A sampler outside the catalogue: returns `options.count` samples of the problem's law, shape (count, d).
/// It takes its random numbers from `options.seed`, so that its results can be recorded and repeated. A run
/// with non-finite values counts as diverged. An exception makes the row of the candidate fail, except for
/// `Interrupted` and `DeviceUnavailable`, which end the comparison.
using CustomSampler = std::function<Points(const AnyProblem&, const Options&)>;

/// Samples that were made elsewhere: .npy files of shape (count, d), where run r of problem p reads file
/// p runs + r.
struct SampleFiles {
  std::vector<std::filesystem::path> files;
};

/// A candidate that is compared with the exact law.
struct Candidate {
  std::string name;  ///< name in the rows and records
  std::variant<ExactDraws, AnySampler, CustomSampler, SampleFiles> method = ExactDraws{};
};

/// Problems, candidates and options of a comparison.
struct CompareSettings {
  std::vector<NamedProblem> problems = {};
  std::vector<Candidate> candidates = {};
  /// Number of runs of each candidate on each problem. Run r has the seed `options.seed + r`, and there
  /// problem p the seed that it has in a batch (numerics.md §5).
  int runs = 1;
  /// Count, seed, device and precision of the runs. Progress counts samples of all candidates, problems and
  /// runs. `first`, `start`, `history`, `smc_history`, `math` and `keep_on_device` must have their defaults.
  Options options = {};
  std::vector<Metric> metrics = {Metric::sliced_wasserstein};
  JudgeOptions judging = {};  ///< options of all metrics; `metric`, `seed` and `spread` are not read
  /// File of records (one JSON line per run); empty: none. Runs that it holds are not repeated, other runs
  /// are appended as soon as they are judged. A run is identified by the hash of its plan, its seed, count
  /// and precision, the metrics with their options, and the version. A `CustomSampler` has no plan: its name
  /// and the problem take the place of the hash, so change the name when the function changes. Several
  /// processes may use one file.
  std::filesystem::path results = {};
  /// Number of samples of the first run on the first problem that a row keeps, for pictures.
  std::int64_t kept_samples = 0;
};

/// A candidate's figures in one quantity of the metrics, over its units: the problems, each with the mean of
/// its runs, or for a single problem the runs.
struct QuantityFigures {
  std::string quantity;                       ///< as `Judgement::quantity`
  double value = 0.0;                         ///< mean
  std::optional<double> standard_error = {};  ///< of the mean; absent for one unit
  double median = 0.0;
  double floor = 0.0;  ///< mean of the floors
  /// standard deviation for one set of exact draws, root mean square over the runs; 0 for sw_1
  double floor_sd = 0.0;
  double ratio = 0.0;  ///< of the means of value and floor
};

/// A candidate's row: means over the problems and runs. A candidate that failed has no figures.
struct SamplerRow {
  std::string sampler;
  /// Reason of its failure, with the problem. A candidate that fails is left out of the following runs.
  std::optional<std::string> error = {};
  std::vector<QuantityFigures> quantities = {};  ///< in the order of the metrics
  std::optional<double> log_evidence_error = {};
  std::optional<double> log_evidence_sd = {};  ///< standard deviation over the chains of a run
  std::optional<double> ess = {};              ///< effective sample size as a share of the particles
  /// The smallest effective sample size of a chain, as a share of the particles, mean over the chains.
  std::optional<double> smallest_ess = {};
  /// Intervals of level 0.9 that contain a truth of the posterior, over the runs, in observed directions and
  /// in those of the null space (`coverage_hits`); absent without such directions.
  std::optional<Coverage> coverage_observed = {};
  std::optional<Coverage> coverage_null_space = {};
  /// Denoiser evaluations per sample; absent for samples from outside the catalogue.
  std::optional<double> evaluations = {};
  /// Effective samples per second of the runs that gave figures. The samples of a run are independent, chains
  /// give one each; of weighted samples their effective number counts. Absent without a time.
  std::optional<double> ess_per_second = {};
  double seconds = 0.0;      ///< sum over the runs
  std::size_t problems = 0;  ///< number of problems with a run that gave figures
  std::size_t runs = 0;      ///< number of runs that gave figures
  /// Number of runs that ended with a `NonFiniteError`. The figures leave them out; if there is no other run,
  /// the candidate failed.
  std::size_t diverged = 0;
  std::size_t reused = 0;  ///< number of runs that the results file held before
  /// Warnings of its runs, problem by problem: "on NAME: ...".
  std::vector<std::string> warnings = {};
  std::vector<ComparisonRecord> records = {};  ///< one for each run, problem by problem
  Points samples = {};                         ///< as `CompareSettings::kept_samples` asks
};

/// Runs every candidate on every problem and judges its samples against the posterior, against the prior of a
/// problem without an observation, or against the law of a target (`TargetLaw`). The exact draws that judging
/// needs are made once for all candidates.
/// The rows are the same whether they are computed in one call or in several calls with one results file,
/// apart from `seconds` and `reused`.
/// @returns one row per candidate, in their order.
/// @throws std::invalid_argument for settings out of range, for sample files that are missing or have another
///   shape, for a results file that is damaged or of another kind, and where a candidate has no plan for the
///   first problem, all before anything runs; DeviceUnavailable when the device is not available;
///   std::runtime_error when the results file cannot be written.
std::vector<SamplerRow> compare(const CompareSettings& settings);

/// Number of samples of all candidates, problems and runs together, which is the total of the progress.
std::int64_t num_samples(const CompareSettings& settings);

}  // namespace gmdiff
