#pragma once

#include "particle/elementary.hpp"

// Resampling, effective sample size and evidence in 64-bit integers (numerics.md §6): sums of integers do not
// depend on their order, so every device and every split of a chain gives the same ancestors. `e` is
// exp(lw - max), so that the largest e is 1.

namespace gmdiff::particle {

/// Number of bits that the number needs; 0 for 0.
GMDIFF_PARTICLE int bit_width(std::uint64_t number) {
#ifdef __CUDA_ARCH__
  return 64 - __clzll(static_cast<long long>(number));
#else
  return number == 0 ? 0 : 64 - __builtin_clzll(number);
#endif
}

/// The upper 64 bits of a product of 64-bit numbers.
GMDIFF_PARTICLE std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#ifdef __CUDA_ARCH__
  return __umul64hi(a, b);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{a} * b) >> 64);
#endif
}

// --- weights -----------------------------------------------------------------------------------------------

/// The scale b_0, for which the first sum S_0 of a chain of N particles stays below 2^62.
GMDIFF_PARTICLE int first_scale(std::uint64_t N) { return 62 - bit_width(N); }
/// The scale b, for which the sum S lies in [2^60, 2^62).
GMDIFF_PARTICLE int final_scale(std::uint64_t first_sum, std::uint64_t N) {
  return first_scale(N) + 62 - bit_width(first_sum + N);
}

/// floor(2^b e) for 0 <= e <= 1, from the bits of e.
template <class Real>
GMDIFF_PARTICLE std::uint64_t integer_weight(Real e, int b) {
  using Unsigned = typename Integers<Real>::Unsigned;
  constexpr int mantissa = constants::mantissa_bits<Real>;
  constexpr int bias = sizeof(Real) == sizeof(float) ? 127 : 1023;
  constexpr Unsigned hidden = Unsigned{1} << mantissa;
  const Unsigned bits = to_bits(One<Real>(e));
  const std::uint64_t m = (bits & (hidden - 1)) | hidden;
  // Uses no branches: large and small weights come in no predictable order.
  const int shift = b - bias - mantissa + static_cast<int>(bits >> mantissa);
  const int left = shift > 0 ? shift : 0;
  const int right = left - shift < 63 ? left - shift : 63;
  return (m << left) >> right;
}

/// The same by the processor's conversion of 2^b e. The product is exact in double and below 2^63.
template <class Real>
std::uint64_t converted_weight(Real e, double power_of_b) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<double>(e) * power_of_b));
}

/// An integer with the order of the number; NaN is above all numbers.
GMDIFF_PARTICLE std::uint64_t order_key(double x) {
  if (x != x) return ~std::uint64_t{0};
  const std::uint64_t bits = to_bits(One<double>(x));
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  // no branch: signs come in no predictable order
  const std::uint64_t all_if_negative = ~(bits >> 63) + 1;
  return bits ^ (all_if_negative | sign);
}
GMDIFF_PARTICLE double from_order_key(std::uint64_t key) {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return from_bits<One<double>>((key & sign) != 0 ? key & ~sign : ~key).v;
}

// --- sums of weights ---------------------------------------------------------------------------------------

/// Sums over a chain: of the weights, and of the squares of their upper bits in two halves.
struct WeightSums {
  std::uint64_t sum;
  std::uint64_t squares_high, squares_low;
};
/// Number of lowest bits that are dropped before squaring.
GMDIFF_PARTICLE int dropped_bits(int b) { return b > 30 ? b - 30 : 0; }
GMDIFF_PARTICLE void add_weight(WeightSums& sums, std::uint64_t weight, int b) {
  const std::uint64_t v = weight >> dropped_bits(b);
  const std::uint64_t square = v * v;
  sums.sum += weight;
  sums.squares_high += square >> 32;
  sums.squares_low += square & 0xffffffffU;
}

/// 2^-n
GMDIFF_PARTICLE double power_of_half(int n) {
  return from_bits<One<double>>(static_cast<std::uint64_t>(1023 - n) << 52).v;
}

/// Effective sample size (sum w)^2 / sum w^2.
GMDIFF_PARTICLE double effective_sample_size(const WeightSums& sums, int b) {
  using D = One<double>;
  const D scaled = D(static_cast<double>(sums.sum)) * D(power_of_half(dropped_bits(b)));
  const D squares =
      fma(D(static_cast<double>(sums.squares_high)), D(0x1p32), D(static_cast<double>(sums.squares_low)));
  return (scaled * scaled / squares).v;
}
/// log of the sum of e: log S - b log 2.
GMDIFF_PARTICLE double log_sum(std::uint64_t sum, int b) {
  using D = One<double>;
  return (log(D(static_cast<double>(sum))) - D(static_cast<double>(b)) * D(0x1.62e42fefa39efp-1)).v;
}

// --- ancestors ---------------------------------------------------------------------------------------------
// The ancestor of a point p in [0, S) is the smallest j whose inclusive sum C_j exceeds p.

/// t in [0, S) from a uniform 64-bit number.
GMDIFF_PARTICLE std::uint64_t point_below(std::uint64_t S, std::uint64_t U) { return multiply_high(S, U); }

/// The points floor((n S + t) / N) of systematic resampling (one t) and stratified resampling (one t per
/// point).
class SpacedPoints {
 public:
  GMDIFF_PARTICLE SpacedPoints(std::uint64_t S, std::uint64_t N) : quotient_(S / N), rest_(S % N), N_(N) {}
  GMDIFF_PARTICLE std::uint64_t operator()(std::uint64_t n, std::uint64_t t) const {
    return n * quotient_ + (n * rest_ + t) / N_;
  }

 private:
  std::uint64_t quotient_, rest_, N_;
};

/// The same points for one t in ascending order from n on, without a division per point.
class AscendingPoints {
 public:
  AscendingPoints(std::uint64_t S, std::uint64_t N, std::uint64_t n, std::uint64_t t)
      : quotient_(S / N),
        rest_(S % N),
        N_(N),
        point_(n * quotient_ + (n * rest_ + t) / N),
        left_((n * rest_ + t) % N) {}
  std::uint64_t next() {
    const std::uint64_t point = point_;
    left_ += rest_;
    const bool carry = left_ >= N_;
    left_ -= carry ? N_ : 0;
    point_ += quotient_ + (carry ? 1 : 0);
    return point;
  }

 private:
  std::uint64_t quotient_, rest_, N_;
  std::uint64_t point_, left_;  // the next point, and the remainder of its division
};

/// Share of a particle in residual resampling: floor(N w / S) copies, and the rest of N w as its weight in
/// the multinomial draws. The rest drops its lowest bits, so that the sum over the chain stays below 2^62.
struct ResidualShare {
  std::uint64_t copies, rest;
};
GMDIFF_PARTICLE ResidualShare residual_share(std::uint64_t weight, std::uint64_t S, std::uint64_t N) {
  using D = One<double>;
  const D estimate = D(static_cast<double>(weight)) * D(static_cast<double>(N)) / D(static_cast<double>(S));
  auto copies = static_cast<std::uint64_t>(estimate.v);
  auto rest = static_cast<std::int64_t>(N * weight - copies * S);
  if (rest < 0) {
    --copies;
    rest += static_cast<std::int64_t>(S);
  } else if (rest >= static_cast<std::int64_t>(S)) {
    ++copies;
    rest -= static_cast<std::int64_t>(S);
  }
  return {copies, static_cast<std::uint64_t>(rest) >> bit_width(N - 1)};
}

/// Smallest j < count with sums_j > point.
GMDIFF_PARTICLE std::int64_t ancestor_of(const std::uint64_t* sums, std::int64_t count, std::uint64_t point) {
  std::int64_t first = 0;
  while (count > 0) {
    const std::int64_t half = count / 2;
    if (sums[first + half] > point) {
      count = half;
    } else {
      first += half + 1;
      count -= half + 1;
    }
  }
  return first;
}

}  // namespace gmdiff::particle
