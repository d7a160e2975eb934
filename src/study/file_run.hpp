#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/device/options.hpp>
#include <gmdiff/device/paths.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "study/interrupted.hpp"
#include "study/record.hpp"

namespace gmdiff::study {

/// Log-density of a target at the states of a trace, (count, kept).
using TraceDensity = std::function<Points(const Samples&)>;

/// A run of one plan into one file: .npy, or .npz for points with weights or moments.
struct FileRun {
  RunRecord record;  ///< the entries that are known before the run
  /// Options of the whole run: progress counts its particles (of SMC: chains); given start states are set
  /// here.
  Options options;
  /// A .npy file of first states, or an archive with `samples` and, of kinetic chains, `velocities`
  std::optional<std::filesystem::path> start;
  /// Computes the log-density of the target of a trace for the array `log_density`; or none
  TraceDensity log_density = {};
  /// Texts of the observables that the record of Markov chains estimates; none: x_j and x_j^2
  std::vector<std::string> estimates = {};
  std::filesystem::path out;
  std::filesystem::path partial;  ///< takes the finished part of an interrupted run
  bool force = false;             ///< overwrite an existing `out`
};

/// A run into a file was interrupted. `partial` holds its finished part [first, end); no file is written when
/// first = end.
class FileRunInterrupted : public WorkInterrupted {
 public:
  FileRunInterrupted(const std::string& what, RunRecord finished, std::uint64_t end_of_run)
      : WorkInterrupted(what), finished_(std::move(finished)), end_of_run_(end_of_run) {}
  /// The record of the finished part.
  const RunRecord& finished() const { return finished_; }
  /// End of the requested range.
  std::uint64_t end_of_run() const { return end_of_run_; }

 private:
  RunRecord finished_;
  std::uint64_t end_of_run_;
};

/// Bytes of disk space that the output of a run needs. @throws std::invalid_argument for more than 2^63.
std::uint64_t output_bytes(const Plan& plan, const FileRun& run);
std::uint64_t output_bytes(const SmcPlan& plan, const FileRun& run);
std::uint64_t output_bytes(const PathPlan& plan, const FileRun& run);

/// Runs the plan in chunks of a bounded number of particles (of SMC: chains) and writes `out` and its
/// sidecar. Chunks put together are the run (numerics.md §1), so a run needs disk space, not memory.
/// @returns the completed record.
/// @throws FileRunInterrupted when asked to stop; the exceptions of `run` and of the file writers.
RunRecord run_to_file(const Plan& plan, FileRun run);
RunRecord run_to_file(const SmcPlan& plan, FileRun run);
RunRecord run_to_file(const PathPlan& plan, FileRun run);

}  // namespace gmdiff::study
