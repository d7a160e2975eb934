#include "base/random.hpp"

#include <cmath>
#include <numbers>

#include <Random123/philox.h>

#include "base/check.hpp"

namespace gmdiff {

namespace {

constexpr double two_to_minus_32 = 0x1p-32;
constexpr std::uint64_t max_blocks = std::uint64_t{1} << 32;

std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }

/// `r (cos a, sin a)` for the angle a = quadrant / 4 + turns, |turns| <= 1/8. The quadrant is applied
/// exactly, so that no argument of sin and cos is near a nonzero multiple of pi / 2.
std::array<double, 2> polar(double radius, std::uint64_t quadrant, double turns) {
  const double angle = 2.0 * std::numbers::pi * turns;
  const double c = radius * std::cos(angle);
  const double s = radius * std::sin(angle);
  switch (quadrant & 3) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

/// Two normals from two words: 32 bits of radius, rounded to the u in (0, 1] that float arithmetic gives, and
/// 32 bits of angle.
std::array<double, 2> decode_pair_f32(std::uint32_t radius_word, std::uint32_t angle_word) {
  // The sum is exact in double. Its only rounding is to float and equals that of fma.
  const auto u =
      static_cast<float>(static_cast<double>(static_cast<float>(radius_word)) * two_to_minus_32 + 0x1p-33);
  const std::uint32_t quadrant = (angle_word + (1U << 29)) >> 30;
  const auto rest = static_cast<std::int32_t>(angle_word - (quadrant << 30));
  return polar(std::sqrt(-2.0 * std::log(static_cast<double>(u))), quadrant,
               static_cast<double>(rest) * two_to_minus_32);
}

}  // namespace

Words philox_words(const StreamKey& key, std::uint32_t block) {
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); };
  const std::uint32_t stream = static_cast<std::uint32_t>(key.purpose) << 24 | key.replicate;
  const philox4x32_ctr_t counter = {{low(key.index), high(key.index), block, stream}};
  const philox4x32_key_t philox_key = {{low(key.seed), high(key.seed)}};
  const philox4x32_ctr_t words = philox4x32(counter, philox_key);
  return {words.v[0], words.v[1], words.v[2], words.v[3]};
}

std::array<double, 4> decode_normals_f32(const Words& words) {
  const auto first = decode_pair_f32(words[0], words[1]);
  const auto second = decode_pair_f32(words[2], words[3]);
  return {first[0], first[1], second[0], second[1]};
}

std::array<double, 2> decode_normals_f64(const Words& words) {
  const double u = open_uniform(join(words[0], words[1]));
  const std::uint64_t angle = join(words[2], words[3]) >> 12;
  const std::uint64_t quadrant = (angle + (std::uint64_t{1} << 49)) >> 50;
  const auto rest = static_cast<std::int64_t>(angle - (quadrant << 50));
  return polar(std::sqrt(-2.0 * std::log(u)), quadrant, static_cast<double>(rest) * 0x1p-52);
}

double NormalStream::operator()(std::uint64_t m) {
  const std::uint64_t block = m / per_block_;
  if (block != block_) {
    require(block < max_blocks, "NormalStream: normal number ", m, " needs counter block ", block,
            ", a stream has 2^32");
    const Words words = philox_words(key_, static_cast<std::uint32_t>(block));
    if (per_block_ == 4) {
      normals_ = decode_normals_f32(words);
    } else {
      const auto pair = decode_normals_f64(words);
      normals_ = {pair[0], pair[1], 0.0, 0.0};
    }
    block_ = block;
  }
  return normals_[static_cast<std::size_t>(m % per_block_)];
}

std::uint64_t uniform_u64(const StreamKey& key, std::uint64_t m) {
  const std::uint64_t block = m / 2;
  require(block < max_blocks, "uniform_u64: uniform number ", m, " needs counter block ", block,
          ", a stream has 2^32");
  const Words words = philox_words(key, static_cast<std::uint32_t>(block));
  return m % 2 == 0 ? join(words[0], words[1]) : join(words[2], words[3]);
}

double open_uniform(std::uint64_t U) { return (static_cast<double>(U >> 12) + 0.5) * 0x1p-52; }

double categorical_uniform(std::uint64_t U, Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(U >> 40) * 0x1p-24
                                     : static_cast<double>(U >> 11) * 0x1p-53;
}

std::uint64_t problem_seed(std::uint64_t seed, std::uint64_t problem) {
  if (problem == 0) return seed;
  const Words words = philox_words({.seed = seed, .index = problem, .purpose = Purpose::problem}, 0);
  return join(words[0], words[1]);
}

}  // namespace gmdiff
