#pragma once

#include <filesystem>
#include <string>

#include "cli/output.hpp"
#include "study/record.hpp"

// The report that verbs which write samples print at their end.

namespace gmdiff::cli {

/// The object that `--json` prints: the record with `file` and `particle_steps_per_second` (for a draw, which
/// has no steps, `particles_per_second`).
Json result_json(const study::RunRecord& record, const std::filesystem::path& file);
/// The record as a table.
std::string result_text(const study::RunRecord& record, const std::filesystem::path& file);

}  // namespace gmdiff::cli
