#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/json_input.hpp"

// Sidecars: `x.npy.json` beside `x.npy` holds the provenance of the data and their checksums.

namespace gmdiff::io {

/// Key of the checksums: of each array's values (row-major, little-endian), in the order of the file, 16
/// hexadecimal digits each.
constexpr const char* checksums_key = "checksums";

/// Name of the sidecar of `file`.
std::filesystem::path sidecar_path(const std::filesystem::path& file);

/// The sidecar for a reader of `file`: that of the file behind links or, if it has none, that of the given
/// name.
std::filesystem::path find_sidecar(const std::filesystem::path& file);

/// Whether a file is a sidecar of any data. Other files of such a name belong to the user.
bool is_sidecar(const std::filesystem::path& file);

/// Converts checksums to their form in sidecars, and back. @throws std::invalid_argument unless the array
/// holds strings of 16 digits.
OrderedJson write_checksums(const std::vector<std::uint64_t>& checksums);
std::vector<std::uint64_t> read_checksums(const OrderedJson& value, const Location& where);

}  // namespace gmdiff::io
