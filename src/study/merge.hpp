#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>

#include <gmdiff/device/options.hpp>

#include "study/parts.hpp"

namespace gmdiff::study {

struct MergeOptions {
  bool force = false;                                  ///< overwrite an existing file
  std::function<void(const Progress&)> progress = {};  ///< in bytes
  std::stop_token stop = {};
};

/// Bytes of the values in all parts.
std::int64_t num_bytes(std::span<const Part> parts);

/// Joins the parts of a run, as `load_parts` returns them, in `out`, and writes the sidecar of the whole run.
/// @returns the record of the whole run.
/// @throws std::invalid_argument when the values of a part do not have the checksum in its sidecar;
///   WorkInterrupted, and then no file is left behind; the exceptions of the file readers and writers.
RunRecord merge(std::span<const Part> parts, const std::filesystem::path& out,
                const MergeOptions& options = {});

}  // namespace gmdiff::study
