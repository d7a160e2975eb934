#pragma once

namespace gmdiff::cli {

/// The gmdiff command: parses the arguments, runs the verb, writes results to standard output and everything
/// else to standard error.
/// @returns the exit code: 0 done, 1 failed (memory of the host or of a GPU, a failing CUDA call, a failed
///   write, a non-finite result), 2 wrong usage or input (also an output that exists, a device that is not
///   available), 130 interrupted (interrupt.hpp). On an error standard output stays empty.
int run_command(int argc, char** argv);

}  // namespace gmdiff::cli
