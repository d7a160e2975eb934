#pragma once

#include "particle/elementary.hpp"
#include "particle/philox.hpp"

// Normals and uniforms from the words of a stream (numerics.md §5).

namespace gmdiff::particle {

/// The radius sqrt(-2 log u) of Box and Muller for u in (0, 1].
template <class V>
GMDIFF_PARTICLE V normal_radius(V u) {
  return sqrt(V(RealOf<V>(-2)) * log_normal_number(u));
}

/// radius (cos, sin) of `angle` 2^-32 turns; in double of `angle` 2^-64 turns, whose last 12 bits are
/// ignored. The quadrant is applied exactly, so that sine and cosine get at most an eighth of a turn.
template <class V>
GMDIFF_PARTICLE void rotate(V radius, BitsOf<V> angle, V* normals) {
  using Unsigned = typename Integers<RealOf<V>>::Unsigned;
  constexpr int width = static_cast<int>(8 * sizeof(Unsigned));
  constexpr int unused = width == 32 ? 0 : 12;
  constexpr Unsigned eighth = Unsigned{1} << (width - 3);
  constexpr Unsigned quarter = eighth << 1;
  constexpr Unsigned sign = Unsigned{1} << (width - 1);
  // The upper two bits are the number of the quadrant; the others, minus an eighth of a turn, are the rest.
  const auto shifted = (unused == 0 ? angle : (angle >> unused) << unused) + BitsOf<V>(eighth);
  const auto rest = ((shifted & BitsOf<V>(quarter - 1)) >> unused) - BitsOf<V>(eighth >> unused);
  const V turns = convert<V>(rest) * V(static_cast<RealOf<V>>(width == 32 ? 0x1p-32 : 0x1p-52));
  const SineCosine<V> of = sine_cosine_turns(turns);
  const auto odd = (shifted & BitsOf<V>(quarter)) == BitsOf<V>(quarter);
  const V cosine = select(odd, of.sine, of.cosine);
  const V sine = select(odd, of.cosine, of.sine);
  normals[0] = radius * from_bits<V>(to_bits(cosine) ^ ((shifted + BitsOf<V>(quarter)) & BitsOf<V>(sign)));
  normals[1] = radius * from_bits<V>(to_bits(sine) ^ (shifted & BitsOf<V>(sign)));
}

/// u in (0, 1] from a 32-bit word: fma((float) word, 2^-32, 2^-33), where the word is rounded to the nearest
/// float.
template <class V>
GMDIFF_PARTICLE V radius_uniform(BitsOf<V> word) {
  return fma(Types<V>::convert_word(word), V(0x1p-32F), V(0x1p-33F));
}

/// Two normals from a pair of words, in float.
template <class V>
GMDIFF_PARTICLE void pair_normals(const WordsOf<V>& w0, const WordsOf<V>& w1, V* normals) {
  rotate(normal_radius(radius_uniform<V>(Types<V>::to_bits(w0))), Types<V>::to_bits(w1), normals);
}
/// u = ((U >> 12) + 1/2) 2^-52 in (0, 1) from a 64-bit word, in double.
template <class V>
GMDIFF_PARTICLE V open_uniform(BitsOf<V> U) {
  // U >> 12 is the mantissa of a number in [2^52, 2^53).
  return (from_bits<V>((U >> 12) | BitsOf<V>(0x4330000000000000U)) - V(0x1p52 - 0.5)) * V(0x1p-52);
}
/// Two normals from a counter block, in double.
template <class V>
GMDIFF_PARTICLE void pair_normals(const WordsOf<V> (&w)[4], V* normals) {
  const V u = open_uniform<V>(Types<V>::join(w[0], w[1]));
  rotate(normal_radius(u), Types<V>::join(w[2], w[3]), normals);
}

/// array[i]. On a GPU the entry is chosen by selections, because the compiler puts an array that is indexed
/// at run time into memory instead of registers.
#ifdef __CUDA_ARCH__
template <class X>
GMDIFF_PARTICLE X entry(const X (&array)[2], int i) {
  return select(i == 0, array[0], array[1]);
}
template <class X>
GMDIFF_PARTICLE X entry(const X (&array)[4], int i) {
  return select(i < 2, select(i == 0, array[0], array[1]), select(i == 2, array[2], array[3]));
}
#else
template <class X, int n>
GMDIFF_PARTICLE const X& entry(const X (&array)[n], int i) {
  return array[i];
}
#endif

/// Number of pairs of normals in a counter block.
template <class V>
inline constexpr int pairs_per_block = sizeof(RealOf<V>) == sizeof(float) ? 2 : 1;

/// Normals m, m + 1, ... of a particle's stream, for all lanes at once. Counter blocks and pairs that
/// consecutive normals share are computed once.
template <class V>
class Normals {
 public:
  Normals() = default;
  GMDIFF_PARTICLE Normals(const StreamOrigin& origin, std::uint64_t first) : philox_(origin, first) {}

  GMDIFF_PARTICLE V operator()(std::uint64_t m) {
    const std::uint64_t pair = m / 2;
    if (pair != pair_) {
      const std::uint64_t block = pair / pairs;
      if (block != block_) {
        philox_.block(static_cast<std::uint32_t>(block), words_);
        block_ = block;
      }
      if constexpr (pairs == 2) {
        const int place = static_cast<int>(pair % pairs) * 2;
        pair_normals<V>(entry(words_, place), entry(words_, place + 1), normals_);
      } else {
        pair_normals<V>(words_, normals_);
      }
      pair_ = pair;
    }
    return entry(normals_, static_cast<int>(m % 2));
  }

 private:
  static constexpr std::uint64_t pairs = pairs_per_block<V>;
  Philox<V> philox_;
  std::uint64_t block_ = ~std::uint64_t{0};
  std::uint64_t pair_ = ~std::uint64_t{0};
  WordsOf<V> words_[4] = {};
  V normals_[2];
};

/// Normals m ... m + count - 1 of a stream, one counter block after the other.
template <class V>
GMDIFF_PARTICLE void fill_normals(const Philox<V>& stream, std::uint64_t m, std::ptrdiff_t count, V* to) {
  constexpr std::ptrdiff_t per_block = 2 * pairs_per_block<V>;
  for (std::ptrdiff_t done = 0; done < count;) {
    const std::uint64_t number = m + static_cast<std::uint64_t>(done);
    const auto skipped = static_cast<std::ptrdiff_t>(number % per_block);
    const bool whole = skipped == 0 && count - done >= per_block;
    V part[per_block];
    V* block = whole ? to + done : part;
    WordsOf<V> words[4];
    stream.block(static_cast<std::uint32_t>(number / per_block), words);
    if constexpr (per_block == 4) {
      // Computes both pairs side by side, so that their latencies overlap.
      Twice<V> normals[2];
      pair_normals<Twice<V>>({words[0], words[2]}, {words[1], words[3]}, normals);
      for (int n = 0; n < 2; ++n) block[n] = normals[n].lo;
      for (int n = 0; n < 2; ++n) block[2 + n] = normals[n].hi;
    } else {
      pair_normals<V>(words, block);
    }
    if (whole) {
      done += per_block;
    } else {
      for (std::ptrdiff_t n = skipped; n < per_block && done < count; ++n) to[done++] = part[n];
    }
  }
}

/// A 64-bit uniform number U = high 2^32 + low.
template <class V>
struct Uniform {
  WordsOf<V> low, high;

  /// Component of a draw: the smallest k with U < thresholds[k], or `last`, the last component of positive
  /// weight.
  GMDIFF_PARTICLE BitsOf<V> component(const std::uint64_t* thresholds, int last) const {
    const WordsOf<V> reached = count_not_below(low, high, thresholds, last);
    if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
      return Types<V>::to_bits(reached);
    } else {
      return Types<V>::join(reached, reached ^ reached);
    }
  }

  /// u in (0, 1) of a Metropolis step, in double.
  GMDIFF_PARTICLE V open() const { return open_uniform<V>(Types<V>::join(low, high)); }

  /// u in [0, 1) of a categorical choice: the upper 24 bits (float) or 53 bits (double) of U.
  GMDIFF_PARTICLE V real() const {
    if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
      return convert<V>(Types<V>::to_bits(high) >> 8) * V(0x1p-24F);
    } else {
      // Both terms are exact, and so is their sum.
      const auto U = Types<V>::join(low, high);
      return fma(convert<V>(U >> 32), V(0x1p-32),
                 convert<V>((U & BitsOf<V>(0xffffffffU)) >> 11) * V(0x1p-53));
    }
  }
};

/// Uniform numbers of a stream: number m is one half of counter block m / 2.
template <class V>
class Uniforms {
 public:
  GMDIFF_PARTICLE Uniforms(const StreamOrigin& origin, std::uint64_t first) : philox_(origin, first) {}

  GMDIFF_PARTICLE Uniform<V> operator()(std::uint64_t m) {
    if (m / 2 != block_) {
      philox_.block(static_cast<std::uint32_t>(m / 2), words_);
      block_ = m / 2;
    }
    const int place = static_cast<int>(m % 2) * 2;
    return {entry(words_, place), entry(words_, place + 1)};
  }

 private:
  Philox<V> philox_;
  std::uint64_t block_ = ~std::uint64_t{0};
  WordsOf<V> words_[4] = {};
};

}  // namespace gmdiff::particle
