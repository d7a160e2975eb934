#include "io/sidecar.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include <gmdiff/io/npy.hpp>

#include "io/checksum.hpp"
#include "io/npz.hpp"
#include "io/output_file.hpp"

namespace gmdiff {

namespace fs = std::filesystem;

namespace io {

namespace {

constexpr std::size_t digits = 16;

std::optional<OrderedJson> parse_sidecar(const fs::path& file) {
  std::error_code none;
  std::ifstream in(file, std::ios::binary);
  if (!fs::is_regular_file(file, none) || !in) return {};
  try {
    OrderedJson json = parse_ordered_json(in, Location(file.string()));
    const auto has = [&](const char* key) { return json.contains(key); };
    constexpr std::array keys{"version", "verb", "plan_hash", "range", "shape"};
    return json.is_object() && std::ranges::all_of(keys, has) ? std::optional(std::move(json)) : std::nullopt;
  } catch (const std::invalid_argument&) {
    return {};
  }
}

/// Checksum of `bytes` bytes that are read in pieces.
template <class Read>
std::uint64_t checksum_of(std::int64_t bytes, Read read) {
  std::vector<char> block(1 << 20);
  Checksum checksum;
  while (bytes > 0) {
    const auto part =
        std::span(block).first(static_cast<std::size_t>(std::min<std::int64_t>(bytes, std::ssize(block))));
    read(part);
    checksum.update(std::as_bytes(part));
    bytes -= std::ssize(part);
  }
  return checksum.value();
}

/// The data's description in a sidecar.
struct Contents {
  std::vector<std::int64_t> shape;  ///< shape of the first array
  std::vector<std::uint64_t> checksums;
};

Contents read_contents(const fs::path& file) {
  if (!is_npz(file)) {
    NpyReader reader(file);
    const std::int64_t value_bytes = reader.precision() == Precision::f32 ? 4 : 8;
    std::int64_t next = 0;
    const auto read = [&](std::span<char> bytes) {
      const std::int64_t values = std::ssize(bytes) / value_bytes;
      reader.read_bytes(std::exchange(next, next + values), values, bytes);
    };
    return {reader.shape(), {checksum_of(reader.size() * value_bytes, read)}};
  }
  NpzReader reader(file);
  Contents contents;
  for (std::size_t i = 0; i < reader.arrays().size(); ++i) {
    const NpzEntry& array = reader.arrays()[i];
    if (i == 0) contents.shape = array.shape;
    reader.open(i);
    contents.checksums.push_back(
        checksum_of(array.bytes(), [&](std::span<char> bytes) { reader.read_bytes(bytes); }));
  }
  return contents;
}

std::string to_digits(std::uint64_t value) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace

fs::path sidecar_path(const fs::path& file) {
  fs::path sidecar = file;
  sidecar += ".json";
  return sidecar;
}

fs::path find_sidecar(const fs::path& file) {
  std::error_code none;
  const fs::path real = fs::canonical(file, none);
  const bool is_link = fs::is_symlink(fs::symlink_status(file, none));
  const fs::path behind = sidecar_path(real);
  return is_link && !real.empty() && fs::exists(behind, none) ? behind : sidecar_path(file);
}

bool is_sidecar(const fs::path& file) { return parse_sidecar(file).has_value(); }

OrderedJson write_checksums(const std::vector<std::uint64_t>& checksums) {
  OrderedJson array = OrderedJson::array();
  for (const std::uint64_t checksum : checksums) array.push_back(to_digits(checksum));
  return array;
}

std::vector<std::uint64_t> read_checksums(const OrderedJson& value, const Location& where) {
  if (!value.is_array()) where.fail("expected an array of checksums");
  std::vector<std::uint64_t> checksums;
  for (const OrderedJson& entry : value) {
    const std::string text = entry.is_string() ? entry.get<std::string>() : std::string();
    const bool is_hex =
        text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!is_hex) where.fail("expected checksums of 16 hexadecimal digits");
    checksums.push_back(std::stoull(text, nullptr, 16));
  }
  return checksums;
}

}  // namespace io

SidecarMatch match_sidecar(const fs::path& file) {
  const fs::path sidecar = io::find_sidecar(file);
  const std::optional<io::OrderedJson> json = io::parse_sidecar(sidecar);
  if (!json) return SidecarMatch::absent;
  const io::Contents contents = io::read_contents(file);
  const bool same = (*json)["shape"] == contents.shape && json->contains(io::checksums_key) &&
                    (*json)[io::checksums_key] == io::write_checksums(contents.checksums);
  return same ? SidecarMatch::matches : SidecarMatch::differs;
}

}  // namespace gmdiff
