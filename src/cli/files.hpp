#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Output files are checked before any work and are complete when they appear.

namespace gmdiff::cli {

/// `file` with `suffix` appended to its name: x.npy, ".json" -> x.npy.json.
std::filesystem::path with_suffix(const std::filesystem::path& file, const std::string& suffix);

/// Finds out, before any work, whether `file` can be written: its folder exists and is writable, and no file
/// has its name (or, with `force`, a regular file has it). @throws std::invalid_argument naming the file and
/// the reason.
void check_output(const std::filesystem::path& file, bool force);

/// `check_output` for a file of data and its sidecar.
void check_output_with_sidecar(const std::filesystem::path& file, bool force);

/// `check_output` for a file without a sidecar, since a sidecar of earlier data under this name would be
/// removed.
void check_output_without_sidecar(const std::filesystem::path& file, bool force);

/// A flag and the file that it names, if it was given.
struct OutputFlag {
  const char* flag;
  std::optional<std::string> file;
};

/// @throws std::invalid_argument when two flags name the same file.
void check_distinct(const std::vector<OutputFlag>& outputs);

/// Files that a verb reads; standard input is `standard_input`.
using InputFiles = std::vector<std::filesystem::path>;
constexpr const char* standard_input = "/dev/stdin";

/// Adds a file of data and its sidecar.
void add_data(InputFiles& inputs, const std::filesystem::path& file);

/// @throws std::invalid_argument when `file`, its sidecar or the partial file of an interrupted run is one
///   of the inputs, under any name.
void check_not_input(const std::filesystem::path& file, const InputFiles& inputs);

/// @throws std::runtime_error when the file system of `file` has less than `bytes` free.
void check_free_space(const std::filesystem::path& file, std::uint64_t bytes);

/// Writes beside `file` and renames, so that it appears complete or not at all. @throws std::runtime_error
/// when writing fails, and as `io::OutputFile`.
void write_text(const std::filesystem::path& file, const std::string& text, bool force);

/// Name of the partial file of an interrupted run, beside the file that links lead to.
std::filesystem::path partial_name(const std::filesystem::path& file);

}  // namespace gmdiff::cli
