#pragma once

#include <string_view>

// What a fuzz target does with one input. Bad input ends in std::invalid_argument, which is caught here; whatever else happens (another
// exception, a sanitizer's report, a result that cannot be written and read back) is a finding.

namespace gmdiff::fuzz {

/// The bytes as a problem file and as a sampler of the command line.
void run_problem(std::string_view bytes);
/// The bytes as a .npy file.
void run_npy(std::string_view bytes);

}  // namespace gmdiff::fuzz
