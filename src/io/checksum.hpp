#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gmdiff::io {

/// XXH64 with seed 0 of bytes that arrive in pieces (Collet, xxHash, doc/xxhash_spec.md). The value does not
/// depend on the sizes of the pieces. It detects accidents, not forgeries.
class Checksum {
 public:
  Checksum();
  void update(std::span<const std::byte> bytes);
  /// Checksum of all bytes so far.
  std::uint64_t value() const;

 private:
  void take_stripes(std::span<const std::byte> stripes);

  std::array<std::uint64_t, 4> lanes_;
  std::array<std::byte, 32> rest_{};  // bytes that do not fill a stripe yet
  std::uint64_t length_ = 0;
};

}  // namespace gmdiff::io
