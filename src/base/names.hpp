#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Foreign text, unknown names and hashes in messages and files.

namespace gmdiff {

/// The first `limit` characters, where `?` replaces those that are not printable ASCII; `...` follows a longer
/// text.
std::string printable(std::string_view text, std::size_t limit);
/// Text in double quotes for a message: printable, at most 60 characters.
std::string in_quotes(std::string_view text);
/// `unknown <what> "<name>"` with the nearest known name and all known ones.
std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);
/// 16 hexadecimal digits.
std::string hex(std::uint64_t value);

}  // namespace gmdiff
