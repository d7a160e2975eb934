#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/json_input.hpp"

// Sidecars: `x.npy.json` beside `x.npy` tells where the data come from and names their checksums.

namespace gmdiff::io {

/// Key of the checksums: of each array's values (row-major, little-endian), in the order of the file, 16 hexadecimal digits each.
constexpr const char* checksums_key = "checksums";

/// Name of the sidecar of `file`.
std::filesystem::path sidecar_path(const std::filesystem::path& file);

/// The sidecar that a reader of `file` takes: that of the file behind links, or where it has none that of the name given.
std::filesystem::path find_sidecar(const std::filesystem::path& file);

/// Whether a file is a sidecar, of whatever data: what is not may be anything of the user's.
bool is_sidecar(const std::filesystem::path& file);

/// Checksums as they stand in sidecars, and back. @throws std::invalid_argument for anything else than an array of 16 digits each.
OrderedJson write_checksums(const std::vector<std::uint64_t>& checksums);
std::vector<std::uint64_t> read_checksums(const OrderedJson& value, const Location& where);

}  // namespace gmdiff::io
