#pragma once

#include <filesystem>

#include <gmdiff/study/compare.hpp>

namespace gmdiff::study {

/// Checks that every file of a candidate exists and has the shape of its run. Reads headers only.
/// @throws std::invalid_argument naming file, expected and given shape; as `NpyReader`.
void check_sample_files(const Candidate& candidate, const CompareSettings& settings);

}  // namespace gmdiff::study
