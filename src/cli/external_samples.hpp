#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <gmdiff/study/compare.hpp>

namespace gmdiff::cli {

/// The candidate of `--external NAME=PATH`: in PATH, `{problem}` stands for the problem and `{run}` for the
/// number of the run, from 0.
/// @param keys what stands for each problem: the base name of its file, or its seed
/// @throws std::invalid_argument for another form, and where several runs would read one file.
Candidate external_candidate(const std::string& text, const std::vector<std::string>& keys, int runs);

}  // namespace gmdiff::cli
