#pragma once

#include <string>
#include <vector>

#include <gmdiff/study/comparison_record.hpp>

#include "report/figure.hpp"

namespace gmdiff::report {

/// Pictures of a report are this wide, so that they can be read on a telephone and stand side by side on a
/// screen.
constexpr double report_picture_width = 376.0;

/// A comparison as one HTML file that needs no other file and no script: a table of the records, pictures of
/// distance over cost for every quantity, and the pictures given, below a note on them. Light or dark as the
/// reader's system.
/// @throws std::invalid_argument when no record has figures.
std::string html_report(const std::string& title, const std::vector<ComparisonRecord>& records,
                        const std::vector<Picture>& pictures = {}, const std::string& pictures_note = "");

}  // namespace gmdiff::report
