#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gmdiff/device/options.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "study/interrupted.hpp"
#include "study/record.hpp"

namespace gmdiff::study {

/// A run of one plan into one file: .npy, or .npz where all particles of SMC chains are kept.
struct FileRun {
  RunRecord record;  ///< what is known before the run
  Options options;   ///< of the whole run: progress counts its particles (of SMC: chains); start is set here
  std::optional<std::filesystem::path> start;
  std::filesystem::path out;
  std::filesystem::path partial;  ///< what an interrupted run finished goes there
  bool force = false;             ///< overwrite an existing `out`
};

/// A run into a file was interrupted. Its finished part [first, end) stands in `partial`, or nothing where first = end.
class FileRunInterrupted : public WorkInterrupted {
 public:
  FileRunInterrupted(const std::string& what, RunRecord finished, std::uint64_t end_of_run)
      : WorkInterrupted(what), finished_(std::move(finished)), end_of_run_(end_of_run) {}
  /// The record of what is finished.
  const RunRecord& finished() const { return finished_; }
  /// End of the range that was asked for.
  std::uint64_t end_of_run() const { return end_of_run_; }

 private:
  RunRecord finished_;
  std::uint64_t end_of_run_;
};

/// Bytes that the disk must have for the output of a run. @throws std::invalid_argument for more than 2^63.
std::uint64_t output_bytes(const Plan& plan, const FileRun& run);
std::uint64_t output_bytes(const SmcPlan& plan, const FileRun& run);

/// Runs the plan in chunks of particles (of SMC: chains) of bounded size (the chunks of a run put together are the run, numerics.md §1) and
/// writes `out` and its sidecar; a run needs disk, not memory.
/// @returns the completed record.
/// @throws FileRunInterrupted when asked to stop; what `run` and writers of files throw.
RunRecord run_to_file(const Plan& plan, FileRun run);
RunRecord run_to_file(const SmcPlan& plan, FileRun run);

}  // namespace gmdiff::study
