#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

// The arithmetic types of the per-particle mathematics (numerics.md §3). The computations of a particle are
// written once, as templates over an arithmetic type V. Every fast device instantiates them: the CPU with
// packs of several particles (src/device/cpu/pack.hpp), a GPU thread with `One`.
//
// A value of an arithmetic type holds one number per lane; a lane is a particle:
//   V(number), V::load(p), x.store(p)           the same number in every lane; one number per lane
//   + - * / unary -, fma, sqrt                  correctly rounded
//   V::load_each(p, n)                          number p[lane][n] in each lane; of one register
//   < <= ==, select(mask, a, b)                 lane by lane
//   all(mask)                                   whether it is set in every lane
//   to_bits(x)                                  the same bits as integers of the lanes
// Types<V> holds the constants and functions that belong to V. These operations have the same bits on every
// device; no others may be used.

#ifdef __FAST_MATH__
#error "gmdiff's numerics exclude fast-math (numerics.md §3)"
#endif

#ifdef __CUDACC__
#define GMDIFF_PARTICLE __host__ __device__ __forceinline__
#else
#define GMDIFF_PARTICLE [[gnu::always_inline]] inline
#endif

namespace gmdiff::particle {

/// Constants and functions of an arithmetic type:
///   Real, lanes        float or double; numbers in a value
///   Bits               integers of the same size, lane by lane
///   Words              32-bit words of Philox, lane by lane (philox.hpp)
///   from_bits(bits)    the numbers with these bits
///   convert(bits)      signed integers as numbers, rounded to nearest; in double below 2^51 in size
///   convert_word(bits) float: the same for unsigned ones
///   words_from(first)  words first, first + 1, ...
///   to_bits(words)     float: words as integers of the lanes
///   join(low, high)    double: integers high 2^32 + low
///   gather(k, p, n)    p[k n], k integers of the lanes
///   store(bits, p)     one integer per lane
///   Wide               the type with as many lanes in double; double: V itself
///   widen(x)           the same numbers as `Wide`
///   narrow(wide)       numbers of `Wide`, rounded to nearest
template <class V>
struct Types;

template <class V>
using RealOf = typename Types<V>::Real;
template <class V>
using BitsOf = typename Types<V>::Bits;
template <class V>
using WordsOf = typename Types<V>::Words;
template <class V>
using WideOf = typename Types<V>::Wide;

template <class V>
GMDIFF_PARTICLE V from_bits(BitsOf<V> bits) {
  return Types<V>::from_bits(bits);
}
template <class V>
GMDIFF_PARTICLE V convert(BitsOf<V> bits) {
  return Types<V>::convert(bits);
}
template <class V>
GMDIFF_PARTICLE WideOf<V> widen(V x) {
  return Types<V>::widen(x);
}
template <class V>
GMDIFF_PARTICLE V narrow(WideOf<V> x) {
  return Types<V>::narrow(x);
}
template <class V>
GMDIFF_PARTICLE V gather(BitsOf<V> k, const RealOf<V>* p, std::ptrdiff_t n) {
  return Types<V>::gather(k, p, n);
}

/// Integers of the size of a real number.
template <class Real>
struct Integers;
template <>
struct Integers<float> {
  using Unsigned = std::uint32_t;
  using Signed = std::int32_t;
};
template <>
struct Integers<double> {
  using Unsigned = std::uint64_t;
  using Signed = std::int64_t;
};

/// Maximum and minimum as every device computes them. A NaN in `a` is returned.
template <class V>
GMDIFF_PARTICLE V larger(V a, V b) {
  return select(a < b, b, a);
}
template <class V>
GMDIFF_PARTICLE V smaller(V a, V b) {
  return select(b < a, b, a);
}

/// The polynomial c_0 + c_1 x + ... by Horner's rule, with one fma per coefficient.
template <class V>
GMDIFF_PARTICLE V polynomial(V /*x*/, RealOf<V> c) {
  return V(c);
}
template <class V, class... Rest>
GMDIFF_PARTICLE V polynomial(V x, RealOf<V> c, Rest... rest) {
  return fma(x, polynomial(x, rest...), V(c));
}

// --- one lane ----------------------------------------------------------------------------------------------

/// Correctly rounded operations on one number. On a GPU they are the intrinsics that the compiler never
/// contracts, whatever its flags.
struct Exact {
#ifdef __CUDA_ARCH__
#define GMDIFF_EXACT(host, device) device
#else
#define GMDIFF_EXACT(host, device) host
#endif
  GMDIFF_PARTICLE static float add(float a, float b) { return GMDIFF_EXACT(a + b, __fadd_rn(a, b)); }
  GMDIFF_PARTICLE static double add(double a, double b) { return GMDIFF_EXACT(a + b, __dadd_rn(a, b)); }
  GMDIFF_PARTICLE static float subtract(float a, float b) { return GMDIFF_EXACT(a - b, __fsub_rn(a, b)); }
  GMDIFF_PARTICLE static double subtract(double a, double b) { return GMDIFF_EXACT(a - b, __dsub_rn(a, b)); }
  GMDIFF_PARTICLE static float multiply(float a, float b) { return GMDIFF_EXACT(a * b, __fmul_rn(a, b)); }
  GMDIFF_PARTICLE static double multiply(double a, double b) { return GMDIFF_EXACT(a * b, __dmul_rn(a, b)); }
  GMDIFF_PARTICLE static float divide(float a, float b) { return GMDIFF_EXACT(a / b, __fdiv_rn(a, b)); }
  GMDIFF_PARTICLE static double divide(double a, double b) { return GMDIFF_EXACT(a / b, __ddiv_rn(a, b)); }
  GMDIFF_PARTICLE static float fma(float a, float b, float c) {
    return GMDIFF_EXACT(std::fma(a, b, c), __fmaf_rn(a, b, c));
  }
  GMDIFF_PARTICLE static double fma(double a, double b, double c) {
    return GMDIFF_EXACT(std::fma(a, b, c), __fma_rn(a, b, c));
  }
  GMDIFF_PARTICLE static float sqrt(float a) { return GMDIFF_EXACT(std::sqrt(a), __fsqrt_rn(a)); }
  GMDIFF_PARTICLE static double sqrt(double a) { return GMDIFF_EXACT(std::sqrt(a), __dsqrt_rn(a)); }
#undef GMDIFF_EXACT
};

/// A value with one lane. `Arithmetic` has the operations on its number.
template <class T, class Arithmetic = Exact>
struct One {
  static constexpr int lanes = 1;
  T v;

  One() = default;
  GMDIFF_PARTICLE explicit One(T value) : v(value) {}
  GMDIFF_PARTICLE static One load(const T* from) { return One(*from); }
  GMDIFF_PARTICLE static One load_each(const T* const* from, std::ptrdiff_t offset) {
    return One(from[0][offset]);
  }
  GMDIFF_PARTICLE void store(T* to) const { *to = v; }

  GMDIFF_PARTICLE friend One operator+(One a, One b) { return One(Arithmetic::add(a.v, b.v)); }
  GMDIFF_PARTICLE friend One operator-(One a, One b) { return One(Arithmetic::subtract(a.v, b.v)); }
  GMDIFF_PARTICLE friend One operator*(One a, One b) { return One(Arithmetic::multiply(a.v, b.v)); }
  GMDIFF_PARTICLE friend One operator/(One a, One b) { return One(Arithmetic::divide(a.v, b.v)); }
  GMDIFF_PARTICLE friend One operator-(One a) { return One(-a.v); }
  GMDIFF_PARTICLE friend bool operator<(One a, One b) { return a.v < b.v; }
  GMDIFF_PARTICLE friend bool operator<=(One a, One b) { return a.v <= b.v; }
  GMDIFF_PARTICLE friend bool operator==(One a, One b) { return a.v == b.v; }
  GMDIFF_PARTICLE friend One fma(One a, One b, One c) { return One(Arithmetic::fma(a.v, b.v, c.v)); }
  GMDIFF_PARTICLE friend One sqrt(One a) { return One(Arithmetic::sqrt(a.v)); }
};

template <class X>
GMDIFF_PARTICLE X select(bool mask, X a, X b) {
  return mask ? a : b;
}
GMDIFF_PARTICLE bool all(bool mask) { return mask; }

/// One word of Philox.
struct OneWord {
  std::uint32_t v;
};

template <class T, class Arithmetic>
struct Types<One<T, Arithmetic>> {
  using Real = T;
  using Value = One<T, Arithmetic>;
  static constexpr int lanes = 1;
  using Bits = typename Integers<T>::Unsigned;
  using Words = OneWord;
  using Wide = One<double>;

  GMDIFF_PARTICLE static Value from_bits(Bits bits) {
    Value x;
    std::memcpy(&x.v, &bits, sizeof(bits));
    return x;
  }
  GMDIFF_PARTICLE static Value convert(Bits bits) {
    return Value(static_cast<T>(static_cast<typename Integers<T>::Signed>(bits)));
  }
  GMDIFF_PARTICLE static Value convert_word(Bits word) { return Value(static_cast<T>(word)); }
  GMDIFF_PARTICLE static Words words_from(std::uint32_t first) { return {first}; }
  GMDIFF_PARTICLE static Bits to_bits(Words words) { return words.v; }
  GMDIFF_PARTICLE static Bits join(Words low, Words high) { return Bits{high.v} << 32 | low.v; }
  GMDIFF_PARTICLE static void store(Bits bits, Bits* to) { *to = bits; }
  GMDIFF_PARTICLE static Wide widen(Value x) { return Wide(static_cast<double>(x.v)); }
  GMDIFF_PARTICLE static Value narrow(Wide x) { return Value(static_cast<T>(x.v)); }
  GMDIFF_PARTICLE static Value gather(Bits k, const T* p, std::ptrdiff_t n) {
    return Value(p[static_cast<std::ptrdiff_t>(k) * n]);
  }
};

template <class T, class Arithmetic>
GMDIFF_PARTICLE typename Integers<T>::Unsigned to_bits(One<T, Arithmetic> x) {
  typename Integers<T>::Unsigned bits;
  std::memcpy(&bits, &x.v, sizeof(T));
  return bits;
}

// --- two values side by side -------------------------------------------------------------------------------

/// Two values of X side by side. Every operation acts on both, so that twice the particles share one stream
/// of instructions and latencies overlap.
template <class X>
struct Twice {
  static constexpr int lanes = 2 * X::lanes;
  X lo, hi;

  Twice() = default;
  GMDIFF_PARTICLE Twice(X low, X high) : lo(low), hi(high) {}
  template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  GMDIFF_PARTICLE explicit Twice(Number value) : lo(value), hi(value) {}
  template <class Number>
  GMDIFF_PARTICLE static Twice load(const Number* from) {
    return {X::load(from), X::load(from + X::lanes)};
  }
  template <class Number>
  GMDIFF_PARTICLE void store(Number* to) const {
    lo.store(to);
    hi.store(to + X::lanes);
  }

  GMDIFF_PARTICLE friend Twice operator+(Twice a, Twice b) { return {a.lo + b.lo, a.hi + b.hi}; }
  GMDIFF_PARTICLE friend Twice operator-(Twice a, Twice b) { return {a.lo - b.lo, a.hi - b.hi}; }
  GMDIFF_PARTICLE friend Twice operator*(Twice a, Twice b) { return {a.lo * b.lo, a.hi * b.hi}; }
  GMDIFF_PARTICLE friend Twice operator/(Twice a, Twice b) { return {a.lo / b.lo, a.hi / b.hi}; }
  GMDIFF_PARTICLE friend Twice operator-(Twice a) { return {-a.lo, -a.hi}; }
  GMDIFF_PARTICLE friend Twice operator&(Twice a, Twice b) { return {a.lo & b.lo, a.hi & b.hi}; }
  GMDIFF_PARTICLE friend Twice operator|(Twice a, Twice b) { return {a.lo | b.lo, a.hi | b.hi}; }
  GMDIFF_PARTICLE friend Twice operator^(Twice a, Twice b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }
  GMDIFF_PARTICLE friend Twice operator<<(Twice a, int n) { return {a.lo << n, a.hi << n}; }
  GMDIFF_PARTICLE friend Twice operator>>(Twice a, int n) { return {a.lo >> n, a.hi >> n}; }
  GMDIFF_PARTICLE friend auto operator<(Twice a, Twice b) {
    return Twice<decltype(a.lo < b.lo)>(a.lo < b.lo, a.hi < b.hi);
  }
  GMDIFF_PARTICLE friend auto operator<=(Twice a, Twice b) {
    return Twice<decltype(a.lo <= b.lo)>(a.lo <= b.lo, a.hi <= b.hi);
  }
  GMDIFF_PARTICLE friend auto operator==(Twice a, Twice b) {
    return Twice<decltype(a.lo == b.lo)>(a.lo == b.lo, a.hi == b.hi);
  }
  GMDIFF_PARTICLE friend Twice fma(Twice a, Twice b, Twice c) {
    return {fma(a.lo, b.lo, c.lo), fma(a.hi, b.hi, c.hi)};
  }
  GMDIFF_PARTICLE friend Twice sqrt(Twice a) { return {sqrt(a.lo), sqrt(a.hi)}; }
};

template <class X>
struct Types<Twice<X>> {
  using Real = RealOf<X>;
  static constexpr int lanes = Twice<X>::lanes;
  using Bits = Twice<BitsOf<X>>;
  using Words = Twice<WordsOf<X>>;
  using Wide = Twice<WideOf<X>>;

  GMDIFF_PARTICLE static Twice<X> from_bits(Bits bits) {
    return {Types<X>::from_bits(bits.lo), Types<X>::from_bits(bits.hi)};
  }
  GMDIFF_PARTICLE static Twice<X> convert(Bits bits) {
    return {Types<X>::convert(bits.lo), Types<X>::convert(bits.hi)};
  }
  GMDIFF_PARTICLE static Twice<X> convert_word(Bits word) {
    return {Types<X>::convert_word(word.lo), Types<X>::convert_word(word.hi)};
  }
  GMDIFF_PARTICLE static Words words_from(std::uint32_t first) {
    return {Types<X>::words_from(first), Types<X>::words_from(first + X::lanes)};
  }
  GMDIFF_PARTICLE static Bits to_bits(Words words) {
    return {Types<X>::to_bits(words.lo), Types<X>::to_bits(words.hi)};
  }
  GMDIFF_PARTICLE static Bits join(Words low, Words high) {
    return {Types<X>::join(low.lo, high.lo), Types<X>::join(low.hi, high.hi)};
  }
  GMDIFF_PARTICLE static void store(Bits bits, typename Integers<Real>::Unsigned* to) { bits.store(to); }
  GMDIFF_PARTICLE static Wide widen(Twice<X> x) { return {Types<X>::widen(x.lo), Types<X>::widen(x.hi)}; }
  GMDIFF_PARTICLE static Twice<X> narrow(Wide x) { return {Types<X>::narrow(x.lo), Types<X>::narrow(x.hi)}; }
  GMDIFF_PARTICLE static Twice<X> gather(Bits k, const Real* p, std::ptrdiff_t n) {
    return {Types<X>::gather(k.lo, p, n), Types<X>::gather(k.hi, p, n)};
  }
};

template <class Mask, class X>
GMDIFF_PARTICLE Twice<X> select(Twice<Mask> mask, Twice<X> a, Twice<X> b) {
  return {select(mask.lo, a.lo, b.lo), select(mask.hi, a.hi, b.hi)};
}
template <class Mask>
GMDIFF_PARTICLE bool all(Twice<Mask> mask) {
  return all(mask.lo & mask.hi);
}
template <class X>
GMDIFF_PARTICLE auto to_bits(Twice<X> x) {
  return Twice<BitsOf<X>>(to_bits(x.lo), to_bits(x.hi));
}
template <class X>
GMDIFF_PARTICLE Twice<X> larger(Twice<X> a, Twice<X> b) {
  return {larger(a.lo, b.lo), larger(a.hi, b.hi)};
}
template <class X>
GMDIFF_PARTICLE Twice<X> smaller(Twice<X> a, Twice<X> b) {
  return {smaller(a.lo, b.lo), smaller(a.hi, b.hi)};
}

}  // namespace gmdiff::particle
