#pragma once

#include <gmdiff/study/compare.hpp>

namespace gmdiff::study {

/// Checks the settings of a comparison, and that every file of samples exists and has the shape of its run
/// (reads headers only).
/// @throws std::invalid_argument naming the setting or the file, what was expected and what was given; as
///   `NpyReader` for files that are not .npy files of floating-point numbers
void check_settings(const CompareSettings& settings);

}  // namespace gmdiff::study
