#pragma once

#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "cli/files.hpp"
#include "study/file_run.hpp"

// A run into a file as the command makes it: with a progress line, warnings on standard error, and stopped by signals.

namespace gmdiff::cli {

/// Checks that everything a run may leave behind is free to write. `inputs` are the files that it reads.
/// @throws std::invalid_argument naming the file and the reason.
void check_outputs(const study::FileRun& run, const InputFiles& inputs);

/// Runs until done. @throws study::WorkInterrupted when a signal came first; its message says how to complete the run.
study::RunRecord watched_run(const Plan& plan, study::FileRun run, bool quiet);
study::RunRecord watched_run(const SmcPlan& plan, study::FileRun run, bool quiet);

}  // namespace gmdiff::cli
