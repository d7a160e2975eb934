#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

// Output files: checked before any work, complete when they appear.

namespace gmdiff::cli {

/// `file` with `suffix` appended to its name: x.npy, ".json" -> x.npy.json.
std::filesystem::path with_suffix(const std::filesystem::path& file, const std::string& suffix);

/// Finds out, before any work, whether `file` can be written: its folder is there and writable, and nothing stands under its name (or,
/// with `force`, a regular file does). @throws std::invalid_argument naming the file and the reason.
void check_output(const std::filesystem::path& file, bool force);

/// @throws std::runtime_error when the file system of `file` has less than `bytes` free.
void check_free_space(const std::filesystem::path& file, std::uint64_t bytes);

/// Writes beside `file` and renames, so that it appears complete or not at all. @throws std::runtime_error when writing fails.
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace gmdiff::cli
