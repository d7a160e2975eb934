#pragma once

#include <filesystem>
#include <optional>

#include <gmdiff/device/options.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "cli/files.hpp"
#include "cli/record.hpp"

namespace gmdiff::cli {

/// A run of one plan into one file: .npy, or .npz where all particles of SMC chains are kept.
struct FileRun {
  RunRecord record;  ///< what is known before the run
  Options options;   ///< of the whole run; start, progress and stop are set here
  std::optional<std::filesystem::path> start;
  std::filesystem::path out;
  InputFiles inputs;  ///< none of which is written to
  bool force = false;
  bool quiet = false;
};

/// Rows of the .npy file of given start states: (n, d), or (n) where d = 1.
/// @throws std::invalid_argument naming the file when it has another shape or no row.
std::int64_t count_start_states(const std::filesystem::path& file, Eigen::Index dim);

/// Runs the plan in chunks of particles (of SMC: chains) of bounded size (the chunks of a run put together are the run, numerics.md §1) and
/// writes `out` and its sidecar; a run needs disk, not memory. Checks the outputs and the free disk space before. Prints warnings and
/// notes.
/// @returns the completed record.
/// @throws CommandInterrupted when asked to stop: finished particles stand as `out`.partial, whose sidecar says so.
RunRecord run_to_file(const Plan& plan, FileRun run);
RunRecord run_to_file(const SmcPlan& plan, FileRun run);

}  // namespace gmdiff::cli
