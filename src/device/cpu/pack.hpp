#pragma once

#include <immintrin.h>

#include "particle/philox.hpp"

// SIMD packs: an arithmetic type (particle/arithmetic.hpp) of as many lanes as a register of this unit's
// instruction set holds. Only the units unit_*.cpp include it. Each is compiled for one instruction set and
// has a namespace of its own (GMDIFF_CPU_UNIT). A function that the compiler does not inline therefore has a
// name that no other unit has, so that the linker cannot use a version with wide instructions elsewhere.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::Integers;

#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#define GMDIFF_INTRINSIC(name) _mm512_##name
#elif defined(__AVX2__)
inline constexpr int register_bytes = 32;
#define GMDIFF_INTRINSIC(name) _mm256_##name
#else
inline constexpr int register_bytes = 16;
#define GMDIFF_INTRINSIC(name) _mm_##name
#endif

/// GCC's vector type of a register, and the same type without alignment.
template <class T>
struct Register;
#define GMDIFF_REGISTER(T)                                                                           \
  template <>                                                                                        \
  struct Register<T> {                                                                               \
    typedef T Vector __attribute__((vector_size(register_bytes)));                                   \
    typedef T Unaligned __attribute__((vector_size(register_bytes), aligned(sizeof(T)), may_alias)); \
  }
GMDIFF_REGISTER(float);
GMDIFF_REGISTER(double);
GMDIFF_REGISTER(std::int32_t);
GMDIFF_REGISTER(std::uint32_t);
GMDIFF_REGISTER(std::uint64_t);

/// A register of numbers or integers. The operators are those of GCC's vector extensions.
template <class T>
struct Pack {
  static constexpr int lanes = register_bytes / static_cast<int>(sizeof(T));
  using Vector = typename Register<T>::Vector;
  using Unaligned = typename Register<T>::Unaligned;
  Vector v;

  Pack() = default;
  GMDIFF_PARTICLE explicit Pack(Vector vector) : v(vector) {}
  /// The subtraction broadcasts the number and costs no instruction: x - 0 is x, also for -0.
  GMDIFF_PARTICLE explicit Pack(T number) : v(number - Vector{}) {}
  GMDIFF_PARTICLE static Pack load(const T* from) {
    return Pack(static_cast<Vector>(*reinterpret_cast<const Unaligned*>(from)));
  }
  /// Uses insertions, because a vector load of numbers that were just stored would wait for the stores.
  GMDIFF_PARTICLE static Pack load_each(const T* const* from, std::ptrdiff_t offset) {
    Vector values;
    for (int lane = 0; lane < lanes; ++lane) values[lane] = from[lane][offset];
    return Pack(values);
  }
  GMDIFF_PARTICLE void store(T* to) const { *reinterpret_cast<Unaligned*>(to) = v; }

  GMDIFF_PARTICLE friend Pack operator+(Pack a, Pack b) { return Pack(a.v + b.v); }
  GMDIFF_PARTICLE friend Pack operator-(Pack a, Pack b) { return Pack(a.v - b.v); }
  GMDIFF_PARTICLE friend Pack operator*(Pack a, Pack b) { return Pack(a.v * b.v); }
  GMDIFF_PARTICLE friend Pack operator/(Pack a, Pack b) { return Pack(a.v / b.v); }
  GMDIFF_PARTICLE friend Pack operator-(Pack a) { return Pack(-a.v); }
  GMDIFF_PARTICLE friend Pack operator&(Pack a, Pack b) { return Pack(a.v & b.v); }
  GMDIFF_PARTICLE friend Pack operator|(Pack a, Pack b) { return Pack(a.v | b.v); }
  GMDIFF_PARTICLE friend Pack operator^(Pack a, Pack b) { return Pack(a.v ^ b.v); }
  GMDIFF_PARTICLE friend Pack operator<<(Pack a, int n) { return Pack(a.v << n); }
  GMDIFF_PARTICLE friend Pack operator>>(Pack a, int n) { return Pack(a.v >> n); }
  GMDIFF_PARTICLE friend auto operator<(Pack a, Pack b) { return mask(a.v < b.v); }
  GMDIFF_PARTICLE friend auto operator<=(Pack a, Pack b) { return mask(a.v <= b.v); }
  GMDIFF_PARTICLE friend auto operator==(Pack a, Pack b) { return mask(a.v == b.v); }

 private:
  template <class M>
  GMDIFF_PARTICLE static auto mask(M vector);
};

/// Truth values: all bits of a lane are set, or none.
template <class M>
struct Mask {
  M v;
  GMDIFF_PARTICLE friend Mask operator&(Mask a, Mask b) { return {a.v & b.v}; }
};
template <class M>
GMDIFF_PARTICLE bool all(Mask<M> mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask.v) == 0xffff;
#elif defined(__AVX2__)
  return _mm256_movemask_epi8((__m256i)mask.v) == -1;
#else
  return _mm_movemask_epi8((__m128i)mask.v) == 0xffff;
#endif
}
template <class T>
template <class M>
auto Pack<T>::mask(M vector) {
  return Mask<M>{vector};
}
template <class M, class T>
GMDIFF_PARTICLE Pack<T> select(Mask<M> mask, Pack<T> a, Pack<T> b) {
  return Pack<T>(mask.v ? a.v : b.v);
}

GMDIFF_PARTICLE Pack<float> fma(Pack<float> a, Pack<float> b, Pack<float> c) {
  return Pack<float>(static_cast<Pack<float>::Vector>(GMDIFF_INTRINSIC(fmadd_ps)(a.v, b.v, c.v)));
}
GMDIFF_PARTICLE Pack<double> fma(Pack<double> a, Pack<double> b, Pack<double> c) {
  return Pack<double>(static_cast<Pack<double>::Vector>(GMDIFF_INTRINSIC(fmadd_pd)(a.v, b.v, c.v)));
}
GMDIFF_PARTICLE Pack<float> sqrt(Pack<float> a) {
  return Pack<float>(static_cast<Pack<float>::Vector>(GMDIFF_INTRINSIC(sqrt_ps)(a.v)));
}
GMDIFF_PARTICLE Pack<double> sqrt(Pack<double> a) {
  return Pack<double>(static_cast<Pack<double>::Vector>(GMDIFF_INTRINSIC(sqrt_pd)(a.v)));
}

/// particle::larger and smaller. The instructions return their second operand when one operand is NaN or both
/// are zeros.
GMDIFF_PARTICLE Pack<float> larger(Pack<float> a, Pack<float> b) {
  return Pack<float>(static_cast<Pack<float>::Vector>(GMDIFF_INTRINSIC(max_ps)(b.v, a.v)));
}
GMDIFF_PARTICLE Pack<double> larger(Pack<double> a, Pack<double> b) {
  return Pack<double>(static_cast<Pack<double>::Vector>(GMDIFF_INTRINSIC(max_pd)(b.v, a.v)));
}
GMDIFF_PARTICLE Pack<float> smaller(Pack<float> a, Pack<float> b) {
  return Pack<float>(static_cast<Pack<float>::Vector>(GMDIFF_INTRINSIC(min_ps)(b.v, a.v)));
}
GMDIFF_PARTICLE Pack<double> smaller(Pack<double> a, Pack<double> b) {
  return Pack<double>(static_cast<Pack<double>::Vector>(GMDIFF_INTRINSIC(min_pd)(b.v, a.v)));
}

template <class T>
GMDIFF_PARTICLE Pack<typename Integers<T>::Unsigned> to_bits(Pack<T> x) {
  using Bits = Pack<typename Integers<T>::Unsigned>;
  return Bits((typename Bits::Vector)x.v);
}

/// Puts lane k_l of x into lane l, with k_l below the number of lanes, where one instruction does it.
#if defined(__AVX512F__)
GMDIFF_PARTICLE Pack<float> permuted(Pack<float> x, Pack<std::uint32_t> k) {
  return Pack<float>(static_cast<Pack<float>::Vector>(_mm512_permutexvar_ps((__m512i)k.v, x.v)));
}
GMDIFF_PARTICLE Pack<double> permuted(Pack<double> x, Pack<std::uint64_t> k) {
  return Pack<double>(static_cast<Pack<double>::Vector>(_mm512_permutexvar_pd((__m512i)k.v, x.v)));
}
#elif defined(__AVX2__)
GMDIFF_PARTICLE Pack<float> permuted(Pack<float> x, Pack<std::uint32_t> k) {
  return Pack<float>(static_cast<Pack<float>::Vector>(_mm256_permutevar8x32_ps(x.v, (__m256i)k.v)));
}
#endif

/// Gathers lane by lane, which on most processors is as fast as the gather instruction.
template <class T>
GMDIFF_PARTICLE Pack<T> gather_lanes(Pack<typename Integers<T>::Unsigned> k, const T* p, std::ptrdiff_t n) {
  typename Pack<T>::Vector values;
  for (int lane = 0; lane < Pack<T>::lanes; ++lane)
    values[lane] = p[static_cast<std::ptrdiff_t>(k.v[lane]) * n];
  return Pack<T>(values);
}

// --- words -------------------------------------------------------------------------------------------------

/// 32-bit words in lanes of 64 bits whose upper halves are ignored, as the multiplication of 32-bit numbers
/// reads them.
struct Words64 {
  Pack<std::uint64_t> v;

  GMDIFF_PARTICLE friend Words64 operator^(Words64 a, Words64 b) { return {a.v ^ b.v}; }
  GMDIFF_PARTICLE friend Words64 operator^(Words64 a, std::uint32_t b) {
    return {a.v ^ Pack<std::uint64_t>(std::uint64_t{b})};
  }
};

GMDIFF_PARTICLE void multiply(std::uint32_t m, Words64 a, Words64& hi, Words64& lo) {
  using Vector = Pack<std::uint64_t>::Vector;
  const Vector factor = Pack<std::uint64_t>(std::uint64_t{m}).v;
#if defined(__AVX512F__)
  const auto product = (Vector)_mm512_mul_epu32((__m512i)a.v.v, (__m512i)factor);
#elif defined(__AVX2__)
  const auto product = (Vector)_mm256_mul_epu32((__m256i)a.v.v, (__m256i)factor);
#else
  const auto product = (Vector)_mm_mul_epu32((__m128i)a.v.v, (__m128i)factor);
#endif
  lo = {Pack<std::uint64_t>(product)};
  hi = {Pack<std::uint64_t>(product >> 32)};
}

/// first, first + step, ...
GMDIFF_PARTICLE Words64 ascending_words(std::uint32_t first, std::uint32_t step) {
  Pack<std::uint64_t>::Vector index;
  for (int lane = 0; lane < Pack<std::uint64_t>::lanes; ++lane)
    index[lane] = first + static_cast<std::uint32_t>(lane) * step;
  return {Pack<std::uint64_t>(index)};
}

GMDIFF_PARTICLE Pack<std::uint64_t> join(Words64 low, Words64 high) {
  return (high.v << 32) | (low.v & Pack<std::uint64_t>(std::uint64_t{0xffffffff}));
}

GMDIFF_PARTICLE Words64 count_not_below(Words64 low, Words64 high, const std::uint64_t* thresholds,
                                        int count) {
  using Vector = Pack<std::uint64_t>::Vector;
  const Vector U = join(low, high).v;
  Vector reached{};
  for (int k = 0; k < count; ++k) reached -= (Vector)(U >= Pack<std::uint64_t>(thresholds[k]).v);
  return {Pack<std::uint64_t>(reached)};
}

/// The words of the even and of the odd lanes of a float pack.
struct EvenOddWords {
  Words64 even, odd;

  GMDIFF_PARTICLE friend EvenOddWords operator^(EvenOddWords a, EvenOddWords b) {
    return {a.even ^ b.even, a.odd ^ b.odd};
  }
  GMDIFF_PARTICLE friend EvenOddWords operator^(EvenOddWords a, std::uint32_t b) {
    return {a.even ^ b, a.odd ^ b};
  }
};

GMDIFF_PARTICLE void multiply(std::uint32_t m, EvenOddWords a, EvenOddWords& hi, EvenOddWords& lo) {
  multiply(m, a.even, hi.even, lo.even);
  multiply(m, a.odd, hi.odd, lo.odd);
}
GMDIFF_PARTICLE EvenOddWords count_not_below(EvenOddWords low, EvenOddWords high,
                                             const std::uint64_t* thresholds, int count) {
  return {count_not_below(low.even, high.even, thresholds, count),
          count_not_below(low.odd, high.odd, thresholds, count)};
}

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT

namespace gmdiff::particle {

template <>
struct Types<cpu::GMDIFF_CPU_UNIT::Pack<float>> {
  using V = cpu::GMDIFF_CPU_UNIT::Pack<float>;
  using Real = float;
  static constexpr int lanes = V::lanes;
  using Bits = cpu::GMDIFF_CPU_UNIT::Pack<std::uint32_t>;
  using Words = cpu::GMDIFF_CPU_UNIT::EvenOddWords;
  using WidePack = cpu::GMDIFF_CPU_UNIT::Pack<double>;
  using Wide = Twice<WidePack>;

  GMDIFF_PARTICLE static V from_bits(Bits bits) { return V((V::Vector)bits.v); }
  GMDIFF_PARTICLE static V convert(Bits bits) {
    using Signed = cpu::GMDIFF_CPU_UNIT::Register<std::int32_t>::Vector;
    return V(__builtin_convertvector((Signed)bits.v, V::Vector));
  }
  /// No such instruction exists before AVX-512. Both halves are exact, so only one rounding is left.
  GMDIFF_PARTICLE static V convert_word(Bits word) {
#if defined(__AVX512F__)
    return V(static_cast<V::Vector>(_mm512_cvtepu32_ps((__m512i)word.v)));
#else
    return fma(convert(word >> 16), V(65536.0F), convert(word & Bits(0xffffU)));
#endif
  }
  GMDIFF_PARTICLE static Words words_from(std::uint32_t first) {
    return {cpu::GMDIFF_CPU_UNIT::ascending_words(first, 2),
            cpu::GMDIFF_CPU_UNIT::ascending_words(first + 1, 2)};
  }
  GMDIFF_PARTICLE static Bits to_bits(Words words) {
    using Wide = cpu::GMDIFF_CPU_UNIT::Pack<std::uint64_t>;
    const Wide both = (words.even.v & Wide(std::uint64_t{0xffffffff})) | (words.odd.v << 32);
    return Bits((Bits::Vector)both.v);
  }
  GMDIFF_PARTICLE static void store(Bits bits, Integers<Real>::Unsigned* to) { bits.store(to); }
  GMDIFF_PARTICLE static V gather(Bits k, const Real* p, std::ptrdiff_t n) {
    return cpu::GMDIFF_CPU_UNIT::gather_lanes(k, p, n);
  }
  GMDIFF_PARTICLE static Wide widen(V x) {
    Half halves[2];
    std::memcpy(halves, &x.v, sizeof(x.v));
    return {WidePack(__builtin_convertvector(halves[0], WidePack::Vector)),
            WidePack(__builtin_convertvector(halves[1], WidePack::Vector))};
  }
  GMDIFF_PARTICLE static V narrow(Wide x) {
    const Half halves[2] = {__builtin_convertvector(x.lo.v, Half), __builtin_convertvector(x.hi.v, Half)};
    V::Vector both;
    std::memcpy(&both, halves, sizeof(both));
    return V(both);
  }

 private:
  typedef float Half __attribute__((vector_size(cpu::GMDIFF_CPU_UNIT::register_bytes / 2)));
};

template <>
struct Types<cpu::GMDIFF_CPU_UNIT::Pack<double>> {
  using V = cpu::GMDIFF_CPU_UNIT::Pack<double>;
  using Real = double;
  static constexpr int lanes = V::lanes;
  using Bits = cpu::GMDIFF_CPU_UNIT::Pack<std::uint64_t>;
  using Words = cpu::GMDIFF_CPU_UNIT::Words64;
  using Wide = V;

  GMDIFF_PARTICLE static V from_bits(Bits bits) { return V((V::Vector)bits.v); }
  /// No such instruction exists before AVX-512, so the integer is added to the mantissa of 1.5 2^52.
  GMDIFF_PARTICLE static V convert(Bits bits) {
    return from_bits(bits + Bits(std::uint64_t{0x4338000000000000})) - V(0x1.8p52);
  }
  GMDIFF_PARTICLE static Words words_from(std::uint32_t first) {
    return cpu::GMDIFF_CPU_UNIT::ascending_words(first, 1);
  }
  GMDIFF_PARTICLE static Bits join(Words low, Words high) { return cpu::GMDIFF_CPU_UNIT::join(low, high); }
  GMDIFF_PARTICLE static void store(Bits bits, Integers<Real>::Unsigned* to) { bits.store(to); }
  GMDIFF_PARTICLE static V gather(Bits k, const Real* p, std::ptrdiff_t n) {
    return cpu::GMDIFF_CPU_UNIT::gather_lanes(k, p, n);
  }
  GMDIFF_PARTICLE static Wide widen(V x) { return x; }
  GMDIFF_PARTICLE static V narrow(Wide x) { return x; }
};

}  // namespace gmdiff::particle
