#pragma once

#include <string_view>

// The work of a fuzz target for one input. Bad input ends in std::invalid_argument, which is caught here. Any
// other event is a finding: another exception, a sanitizer's report, a result that cannot be written and read
// back.

namespace gmdiff::fuzz {

/// Reads the bytes as a problem file and as a sampler of the command line.
void run_problem(std::string_view bytes);
/// Reads the bytes as a .npy file.
void run_npy(std::string_view bytes);
/// Reads all arrays of the bytes as a .npz archive.
void run_npz(std::string_view bytes);

}  // namespace gmdiff::fuzz
