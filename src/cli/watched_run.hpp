#pragma once

#include <gmdiff/device/paths.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "cli/files.hpp"
#include "study/file_run.hpp"

// A run of the command that writes a file, with a progress line, warnings on standard error, and a stop on
// signals.

namespace gmdiff::cli {

/// Checks that all files that a run may leave behind can be written. `inputs` are the files that it reads.
/// @throws std::invalid_argument naming the file and the reason.
void check_outputs(const study::FileRun& run, const InputFiles& inputs);

/// Runs to the end. @throws study::WorkInterrupted after a signal; its message says how to complete the run.
study::RunRecord watched_run(const Plan& plan, study::FileRun run, bool quiet);
study::RunRecord watched_run(const SmcPlan& plan, study::FileRun run, bool quiet);
study::RunRecord watched_run(const PathPlan& plan, study::FileRun run, bool quiet);

}  // namespace gmdiff::cli
