#pragma once

#include <string>
#include <vector>

#include <gmdiff/study/compare.hpp>

// The result of a comparison as a table, as JSON and as CSV.

namespace gmdiff::cli {

/// One JSON object: the settings and a row for each sampler.
std::string compare_json(const CompareSettings& settings, const std::vector<SamplerRow>& rows);

/// A heading and a table for people.
std::string compare_text(const CompareSettings& settings, const std::vector<SamplerRow>& rows);

/// A header and one line for each sampler, with numbers that read back to the same bits (RFC 4180). Absent
/// figures are empty.
std::string compare_csv(const std::vector<SamplerRow>& rows);

/// The first warning of each sampler, since the warnings of many problems would bury the table.
std::vector<std::string> first_warnings(const std::vector<SamplerRow>& rows);

}  // namespace gmdiff::cli
