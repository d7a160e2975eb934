#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/study/compare.hpp>

// The report of a comparison: one HTML file with its table and pictures.

namespace gmdiff::cli {

/// Samples of a sampler that a report shows.
constexpr std::int64_t report_samples = 1000;

/// Finds out before any work whether the report can be written. @throws std::invalid_argument as
/// `check_output`, and when it is one of the problem files.
void check_report(const std::string& file, bool force, const std::vector<std::string>& problem_files);

/// Writes the report; a comparison in which every sampler failed has none.
void write_report(const std::string& file, bool force, const CompareSettings& settings,
                  const std::vector<SamplerRow>& rows);

}  // namespace gmdiff::cli
