#pragma once

#include <exception>

namespace gmdiff::cli {

/// Exit codes of the command.
enum ExitCode { done = 0, failed = 1, wrong_usage = 2, interrupted = 130 };

/// The exit code for an exception of a verb: `wrong_usage` for bad input and for a device that is not
/// available, `interrupted` for an interrupted run, `failed` for everything else (memory, a device's failure,
/// a failed write, a non-finite result).
ExitCode exit_code_of(const std::exception& error);

}  // namespace gmdiff::cli
