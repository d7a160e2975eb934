#pragma once

#include "particle/arithmetic.hpp"

// The arithmetic of fast mode (`MathMode::fast`, numerics.md §3): float on a GPU. The compiler may fuse a
// product and a sum, and functions are those of the hardware. No operation is exact, and bits are not
// promised. No other device has this mode; on the host, where the tests run it, the functions are those of
// the C library. Every quantity is computed from the same random words as with `Exact`.
//
// Kernels that use it are compiled with approximate division and square root, and with subnormal numbers
// flushed to 0.

namespace gmdiff::particle {

struct Fast {
#ifdef __CUDA_ARCH__
#define GMDIFF_FAST(host, device) device
#else
#define GMDIFF_FAST(host, device) host
#endif
  GMDIFF_PARTICLE static float add(float a, float b) { return a + b; }
  GMDIFF_PARTICLE static float subtract(float a, float b) { return a - b; }
  GMDIFF_PARTICLE static float multiply(float a, float b) { return a * b; }
  GMDIFF_PARTICLE static float divide(float a, float b) { return GMDIFF_FAST(a / b, __fdividef(a, b)); }
  GMDIFF_PARTICLE static float fma(float a, float b, float c) {
    return GMDIFF_FAST(std::fma(a, b, c), fmaf(a, b, c));
  }
  GMDIFF_PARTICLE static float sqrt(float a) { return GMDIFF_FAST(std::sqrt(a), sqrtf(a)); }

  GMDIFF_PARTICLE static float larger(float a, float b) { return GMDIFF_FAST(std::fmax(a, b), fmaxf(a, b)); }
  GMDIFF_PARTICLE static float smaller(float a, float b) { return GMDIFF_FAST(std::fmin(a, b), fminf(a, b)); }
  GMDIFF_PARTICLE static float magnitude(float a) { return GMDIFF_FAST(std::fabs(a), fabsf(a)); }
  GMDIFF_PARTICLE static float exp(float a) { return GMDIFF_FAST(std::exp(a), __expf(a)); }
  GMDIFF_PARTICLE static float log2(float a) { return GMDIFF_FAST(std::log2(a), __log2f(a)); }
  GMDIFF_PARTICLE static float sine(float a) { return GMDIFF_FAST(std::sin(a), __sinf(a)); }
  GMDIFF_PARTICLE static float cosine(float a) { return GMDIFF_FAST(std::cos(a), __cosf(a)); }
#undef GMDIFF_FAST
};

using FastOne = One<float, Fast>;

/// Whether the numbers of an arithmetic type are `FastOne`.
template <class V>
inline constexpr bool is_fast = false;
template <>
inline constexpr bool is_fast<FastOne> = true;
template <class X>
inline constexpr bool is_fast<Twice<X>> = is_fast<X>;
template <class V>
concept FastValue = is_fast<V>;

/// Applies the function to the numbers of each lane.
template <class Function, class... Numbers>
GMDIFF_PARTICLE FastOne each(Function function, One<Numbers, Fast>... x) {
  return FastOne(function(x.v...));
}
template <class Function, class X, class... Values>
GMDIFF_PARTICLE Twice<X> each(Function function, Twice<X> x, Values... rest) {
  return {each(function, x.lo, rest.lo...), each(function, x.hi, rest.hi...)};
}

// --- fast versions of functions that are exact elsewhere ---------------------------------------------------

/// A NaN operand is ignored. A state that is NaN or infinite still stays so, through the gains that multiply
/// it.
template <FastValue V>
GMDIFF_PARTICLE V larger(V a, V b) {
  return each([](float x, float y) { return Fast::larger(x, y); }, a, b);
}
template <FastValue V>
GMDIFF_PARTICLE V smaller(V a, V b) {
  return each([](float x, float y) { return Fast::smaller(x, y); }, a, b);
}

/// The error is 2 + 1.2 |x| ulp, which is less than 2^-22 of the largest weight, e^0.
template <FastValue V>
GMDIFF_PARTICLE V exp_nonpositive(V x) {
  return each([](float a) { return Fast::exp(a); }, x);
}

/// For u > 1/2 the logarithm to base 2 has an absolute error of 2^-22 and may have the wrong sign near u = 1.
/// The error of a radius r is then 2^-22 / r + 2^-21 r, but never more than 2^-10. For other u the logarithm
/// has a relative error of 2^-22, and the radius an error of 2^-21 r.
template <FastValue V>
GMDIFF_PARTICLE V normal_radius(V u) {
  constexpr float minus_2_ln_2 = -0x1.62e43p+0F;
  const V square = V(minus_2_ln_2) * each([](float a) { return Fast::log2(a); }, u);
  return sqrt(each([](float a) { return Fast::magnitude(a); }, square));
}

/// Sine and cosine have an error of 2^-20: half of it is the functions' own error, half that of the angle in
/// radians.
template <FastValue V>
GMDIFF_PARTICLE void rotate(V radius, BitsOf<V> angle, V* normals) {
  constexpr float two_pi = 0x1.921fb6p+2F;
  const V radians = convert<V>(angle) * V(two_pi * 0x1p-32F);  // at most half a turn in either direction
  normals[0] = radius * each([](float a) { return Fast::cosine(a); }, radians);
  normals[1] = radius * each([](float a) { return Fast::sine(a); }, radians);
}

}  // namespace gmdiff::particle
