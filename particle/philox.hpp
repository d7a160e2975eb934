#pragma once

#include "base/purpose.hpp"
#include "particle/arithmetic.hpp"

// Philox4x32-10 (Salmon et al. 2011) for a lane's particle (numerics.md §5).
//
// The type Words holds one word per lane and provides
//   a ^ b, a ^ number
//   multiply(m, a, hi, lo)            m a = hi 2^32 + lo
//   count_not_below(low, high, t, n)  how many of t_0 ... t_{n-1} are <= high 2^32 + low

namespace gmdiff::particle {

/// The part of a stream's key and counter that all lanes share.
struct StreamOrigin {
  std::uint64_t seed;
  Purpose purpose;
  std::uint32_t replicate;
};

/// The streams of the lanes' particles: gives the words of a counter block. The constructor computes the
/// terms of the first two rounds that depend only on the lane.
template <class V>
class Philox {
 public:
  using Words = WordsOf<V>;

  Philox() = default;
  /// Makes the streams of particles first, first + 1, ...; the upper 32 bits of the index must be the same in
  /// all lanes.
  GMDIFF_PARTICLE Philox(const StreamOrigin& origin, std::uint64_t first)
      : key0_(static_cast<std::uint32_t>(origin.seed)),
        key1_(static_cast<std::uint32_t>(origin.seed >> 32)),
        index_high_(static_cast<std::uint32_t>(first >> 32)) {
    const std::uint32_t stream = static_cast<std::uint32_t>(origin.purpose) << 24 | origin.replicate;
    Words hi, lo;
    multiply(multiplier0, Types<V>::words_from(static_cast<std::uint32_t>(first)), hi, lo);
    const Words c2 = hi ^ (stream ^ key1_);
    c2_ = lo ^ (key1_ + weyl1);
    multiply(multiplier1, c2, hi, lo);
    c0_ = hi ^ (key0_ + weyl0);
    c1_ = lo;
  }

  /// Computes the four words of counter block `number`.
  GMDIFF_PARTICLE void block(std::uint32_t number, Words (&w)[4]) const {
    // The rest of rounds 1 and 2, after the constructor's part.
    const std::uint64_t product1 = std::uint64_t{multiplier1} * number;
    const auto x0 = static_cast<std::uint32_t>(product1 >> 32) ^ index_high_ ^ key0_;
    const auto x1 = static_cast<std::uint32_t>(product1);
    const std::uint64_t product0 = std::uint64_t{multiplier0} * x0;
    Words c0 = c0_ ^ x1;
    Words c1 = c1_;
    Words c2 = c2_ ^ static_cast<std::uint32_t>(product0 >> 32);
    Words hi0, lo0, hi1, lo1;
    // Round 3: c3 is still the same number in all lanes.
    std::uint32_t k0 = key0_ + 2 * weyl0;
    std::uint32_t k1 = key1_ + 2 * weyl1;
    multiply(multiplier0, c0, hi0, lo0);
    multiply(multiplier1, c2, hi1, lo1);
    c0 = (hi1 ^ c1) ^ k0;
    c1 = lo1;
    c2 = hi0 ^ (static_cast<std::uint32_t>(product0) ^ k1);
    Words c3 = lo0;
    for (int round = 4; round <= 10; ++round) {
      k0 += weyl0;
      k1 += weyl1;
      multiply(multiplier0, c0, hi0, lo0);
      multiply(multiplier1, c2, hi1, lo1);
      c0 = (hi1 ^ c1) ^ k0;
      c1 = lo1;
      c2 = (hi0 ^ c3) ^ k1;
      c3 = lo0;
    }
    w[0] = c0;
    w[1] = c1;
    w[2] = c2;
    w[3] = c3;
  }

 private:
  static constexpr std::uint32_t multiplier0 = 0xD2511F53;
  static constexpr std::uint32_t multiplier1 = 0xCD9E8D57;
  static constexpr std::uint32_t weyl0 = 0x9E3779B9;
  static constexpr std::uint32_t weyl1 = 0xBB67AE85;

  std::uint32_t key0_, key1_, index_high_;
  Words c0_, c1_, c2_;
};

// --- words of one lane -------------------------------------------------------------------------------------

GMDIFF_PARTICLE OneWord operator^(OneWord a, OneWord b) { return {a.v ^ b.v}; }
GMDIFF_PARTICLE OneWord operator^(OneWord a, std::uint32_t b) { return {a.v ^ b}; }
GMDIFF_PARTICLE void multiply(std::uint32_t m, OneWord a, OneWord& hi, OneWord& lo) {
  const std::uint64_t product = std::uint64_t{m} * a.v;
  hi = {static_cast<std::uint32_t>(product >> 32)};
  lo = {static_cast<std::uint32_t>(product)};
}
GMDIFF_PARTICLE OneWord count_not_below(OneWord low, OneWord high, const std::uint64_t* thresholds,
                                        int count) {
  const std::uint64_t U = std::uint64_t{high.v} << 32 | low.v;
  std::uint32_t reached = 0;
  for (int k = 0; k < count; ++k) reached += U >= thresholds[k] ? 1 : 0;
  return {reached};
}

// --- words of two values side by side ----------------------------------------------------------------------

template <class W>
GMDIFF_PARTICLE Twice<W> operator^(Twice<W> a, std::uint32_t b) {
  return {a.lo ^ b, a.hi ^ b};
}
template <class W>
GMDIFF_PARTICLE void multiply(std::uint32_t m, Twice<W> a, Twice<W>& hi, Twice<W>& lo) {
  multiply(m, a.lo, hi.lo, lo.lo);
  multiply(m, a.hi, hi.hi, lo.hi);
}
template <class W>
GMDIFF_PARTICLE Twice<W> count_not_below(Twice<W> low, Twice<W> high, const std::uint64_t* thresholds,
                                         int count) {
  return {count_not_below(low.lo, high.lo, thresholds, count),
          count_not_below(low.hi, high.hi, thresholds, count)};
}

}  // namespace gmdiff::particle
