#pragma once

#include "cli/run_plan.hpp"

namespace gmdiff::cli {

/// Writes the moments over the paths of `plan` instead of the paths, and prints a report.
/// @param inputs the files of the problem
/// @param record of the verb
/// @param history number of levels
void run_moments(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const Plan& plan,
                 int history);

}  // namespace gmdiff::cli
