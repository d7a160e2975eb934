#pragma once

#include <array>
#include <cstdint>

#include <gmdiff/base/precision.hpp>

#include "base/purpose.hpp"

// Random-number streams (numerics.md §5), decoded in double, for the reference device and for all other
// random numbers on the host.

namespace gmdiff {

/// Identifies a stream of random numbers, which depends only on these four values.
struct StreamKey {
  std::uint64_t seed;
  std::uint64_t index;  ///< particle
  Purpose purpose;
  std::uint32_t replicate = 0;  ///< 24 bits
};

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32-10 of the counter (index, block, purpose << 24 | replicate) under the key seed.
Words philox_words(const StreamKey& key, std::uint32_t block);

/// The normals of a counter block: four from f32 words, two from f64 words (cosine first, then sine).
std::array<double, 4> decode_normals_f32(const Words& words);
std::array<double, 2> decode_normals_f64(const Words& words);

/// Standard normals 0, 1, 2, ... of a stream. Consecutive normals share a counter block.
class NormalStream {
 public:
  NormalStream(const StreamKey& key, Precision precision)
      : key_(key), per_block_(precision == Precision::f32 ? 4 : 2) {}
  /// Normal number m. @throws std::invalid_argument when its counter block is beyond 2^32.
  double operator()(std::uint64_t m);

 private:
  StreamKey key_;
  std::uint64_t per_block_;
  std::uint64_t block_ = ~std::uint64_t{0};
  std::array<double, 4> normals_{};
};

/// Uniform 64-bit number m of a stream: U(m mod 2) of counter block m / 2.
std::uint64_t uniform_u64(const StreamKey& key, std::uint64_t m);
/// u in (0, 1): the midpoint of one of 2^52 equal intervals, ((U >> 12) + 1/2) 2^-52.
double open_uniform(std::uint64_t U);
/// u in [0, 1) of a categorical choice: the upper 24 (f32) or 53 (f64) bits of U.
double categorical_uniform(std::uint64_t U, Precision precision);

/// The seed of problem p of a batch: the batch's seed for p = 0.
std::uint64_t problem_seed(std::uint64_t seed, std::uint64_t problem);

}  // namespace gmdiff
