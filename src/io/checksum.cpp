#include "io/checksum.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gmdiff::io {

namespace {

constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F, prime3 = 0x165667B19E3779F9,
                        prime4 = 0x85EBCA77C2B2AE63, prime5 = 0x27D4EB2F165667C5;
constexpr std::size_t stripe_bytes = 32;

static_assert(std::endian::native == std::endian::little, "words are read as they are");

template <class Word>
std::uint64_t load(const std::byte* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
  return std::rotl(lane + word * prime2, 31) * prime1;
}

std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ round(0, lane)) * prime1 + prime4;
}

/// Mixes in the bytes at the end that fill no stripe.
std::uint64_t add_rest(std::uint64_t hash, std::span<const std::byte> rest) {
  for (; rest.size() >= 8; rest = rest.subspan(8)) {
    hash = std::rotl(hash ^ round(0, load<std::uint64_t>(rest.data())), 27) * prime1 + prime4;
  }
  for (; rest.size() >= 4; rest = rest.subspan(4)) {
    hash = std::rotl(hash ^ (load<std::uint32_t>(rest.data()) * prime1), 23) * prime2 + prime3;
  }
  for (const std::byte byte : rest)
    hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(byte) * prime5), 11) * prime1;
  return hash;
}

std::uint64_t avalanche(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}

}  // namespace

Checksum::Checksum() : lanes_{prime1 + prime2, prime2, 0, 0 - prime1} {}

void Checksum::update(std::span<const std::byte> bytes) {
  const std::size_t filled = length_ % stripe_bytes;
  length_ += bytes.size();
  if (filled + bytes.size() < stripe_bytes) {
    std::copy(bytes.begin(), bytes.end(), rest_.begin() + static_cast<std::ptrdiff_t>(filled));
    return;
  }
  if (filled > 0) {
    const std::size_t missing = stripe_bytes - filled;
    std::copy_n(bytes.begin(), missing, rest_.begin() + static_cast<std::ptrdiff_t>(filled));
    take_stripes(rest_);
    bytes = bytes.subspan(missing);
  }
  const std::size_t whole = bytes.size() / stripe_bytes * stripe_bytes;
  take_stripes(bytes.first(whole));
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end(), rest_.begin());
}

void Checksum::take_stripes(std::span<const std::byte> stripes) {
  std::array<std::uint64_t, 4> lanes = lanes_;
  for (std::size_t i = 0; i < stripes.size(); i += stripe_bytes) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane)
      lanes[lane] = round(lanes[lane], load<std::uint64_t>(&stripes[i + 8 * lane]));
  }
  lanes_ = lanes;
}

std::uint64_t Checksum::value() const {
  std::uint64_t hash = prime5;
  if (length_ >= stripe_bytes) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
           std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = merge(hash, lane);
  }
  hash += length_;
  return avalanche(add_rest(hash, std::span(rest_).first(length_ % stripe_bytes)));
}

}  // namespace gmdiff::io
