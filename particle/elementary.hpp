#pragma once

#include <limits>

#include "particle/arithmetic.hpp"
#include "particle/fast.hpp"

// exp, log, sine and cosine with the same bits on every device, at most 2 ulp off (numerics.md §3). The
// coefficients are minimax fits by tools/elementary_coefficients.py. The arithmetic of fast mode has
// functions of its own; fast.hpp is included first so that they are found.

namespace gmdiff::particle {

namespace constants {
inline constexpr double log2_e = 0x1.71547652b82fep+0;
// log 2 = ln_2 + ln_2_rest
template <class Real>
inline constexpr Real ln_2 = 0;
template <>
inline constexpr float ln_2<float> = 0x1.62e43p-1F;
template <>
inline constexpr double ln_2<double> = 0x1.62e42fefa39efp-1;
template <class Real>
inline constexpr Real ln_2_rest = 0;
template <>
inline constexpr float ln_2_rest<float> = -0x1.05c610p-29F;
template <>
inline constexpr double ln_2_rest<double> = 0x1.abc9e3b39803fp-56;
/// 1.5 * 2^(bits of the mantissa). Adding it to a small number rounds the number to an integer, which the low
/// bits then hold.
template <class Real>
inline constexpr Real to_integer = static_cast<Real>(1.5) / std::numeric_limits<Real>::epsilon();
template <class Real>
inline constexpr int mantissa_bits = std::numeric_limits<Real>::digits - 1;
/// e^x is 0 for this number and all smaller ones. So neither a weight nor its product with a factor of a law,
/// down to 10^-7 (double: 10^-12), is a subnormal number; some processors take a hundred cycles to multiply
/// one. The omitted weights are below 2^-100 (double: 2^-981), while the largest weight is 1.
template <class Real>
inline constexpr Real lowest_exponent = 0;
template <>
inline constexpr float lowest_exponent<float> = -70;
template <>
inline constexpr double lowest_exponent<double> = -680;
/// Bits of 1.
template <class Real>
inline constexpr typename Integers<Real>::Unsigned one_bits = 0;
template <>
inline constexpr std::uint32_t one_bits<float> = 0x3f800000;
template <>
inline constexpr std::uint64_t one_bits<double> = 0x3ff0000000000000;
/// Bits of sqrt(1/2).
template <class Real>
inline constexpr typename Integers<Real>::Unsigned sqrt_half_bits = 0;
template <>
inline constexpr std::uint32_t sqrt_half_bits<float> = 0x3f3504f3;
template <>
inline constexpr std::uint64_t sqrt_half_bits<double> = 0x3fe6a09e667f3bcd;
}  // namespace constants

/// (e^r - 1 - r) / r^2 on |r| <= log(2) / 2.
template <class V>
GMDIFF_PARTICLE V exp_remainder(V r) {
  if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
    return polynomial(r, 0x1p-1F, 0x1.555466p-3F, 0x1.5552fep-5F, 0x1.12585ep-7F, 0x1.6ffd58p-10F);
  } else {
    return polynomial(r, 0x1.000000000000ap-1, 0x1.5555555555503p-3, 0x1.5555555550609p-5,
                      0x1.1111111124f4p-7, 0x1.6c16c184b2b7ap-10, 0x1.a01a0139f7eafp-13,
                      0x1.a019989717ca1p-16, 0x1.71df0b683c958p-19, 0x1.28af1f6e6123p-22,
                      0x1.ad9d260347f5dp-26);
  }
}

/// e^x for x <= 0; weights need no other x. The result is 0 from `lowest_exponent` down and a normal number
/// above it; NaN stays NaN.
template <class V>
GMDIFF_PARTICLE V exp_nonpositive(V x) {
  using Real = RealOf<V>;
  // x = n log 2 + r. The bias moves the integer n to the bits that hold the exponent of 2^n.
  constexpr Real shifter = constants::to_integer<Real> + (std::numeric_limits<Real>::max_exponent - 1);
  const V shifted = fma(x, V(static_cast<Real>(constants::log2_e)), V(shifter));
  const V n = shifted - V(shifter);
  const V r = fma(n, V(-constants::ln_2_rest<Real>), fma(n, V(-constants::ln_2<Real>), x));
  const V p = fma(r * r, exp_remainder(r), r) + V(Real(1));
  const V power = from_bits<V>(to_bits(shifted) << constants::mantissa_bits<Real>);
  return select(x <= V(constants::lowest_exponent<Real>), V(Real(0)), p * power);
}

/// log(1 + f) - f + f^2 / 2 on sqrt(1/2) <= 1 + f < sqrt(2).
template <class V>
GMDIFF_PARTICLE V log_remainder(V f) {
  const V f2 = f * f;
  if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
    return f2 * f *
           polynomial(f, 0x1.555564p-2F, -0x1.00023cp-2F, 0x1.99986p-3F, -0x1.54679p-3F, 0x1.236438p-3F,
                      -0x1.0e6826p-3F, 0x1.025beap-3F, -0x1.2d3636p-4F);
  } else {
    // With s = f / (2 + f): log(1 + f) = 2 artanh s = 2 s + s^3 R(s^2), and 2 s = f - f^2 / 2 + s f^2 / 2.
    const V s = f / (V(2.0) + f);
    const V s2 = s * s;
    const V R =
        polynomial(s2, 0x1.5555555555592p-1, 0x1.999999997ff1fp-2, 0x1.24924941e0e36p-2, 0x1.c71c5214b727p-3,
                   0x1.74663cd7c4bap-3, 0x1.39a1eafbab186p-3, 0x1.2f03a427a7a22p-3);
    return s * fma(s2, R, V(0.5) * f2);
  }
}

/// log x of a positive normal number.
template <class V>
GMDIFF_PARTICLE V log_normal_number(V x) {
  using Real = RealOf<V>;
  // x = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2)
  constexpr auto half = constants::sqrt_half_bits<Real>;
  constexpr auto mantissa = (typename Integers<Real>::Unsigned{1} << constants::mantissa_bits<Real>)-1;
  constexpr Real bias = std::numeric_limits<Real>::max_exponent - 1;
  const auto shifted = to_bits(x) + BitsOf<V>(constants::one_bits<Real> - half);
  const V e = convert<V>(shifted >> constants::mantissa_bits<Real>) - V(bias);
  const V f = from_bits<V>((shifted & BitsOf<V>(mantissa)) + BitsOf<V>(half)) - V(Real(1));
  const V small = fma(e, V(constants::ln_2_rest<Real>), log_remainder(f));
  return fma(e, V(constants::ln_2<Real>), f + fma(V(Real(-0.5)) * f, f, small));
}

/// log x for every x: -inf at 0, NaN below 0, inf at inf.
template <class V>
GMDIFF_PARTICLE V log(V x) {
  using Real = RealOf<V>;
  constexpr Real smallest = std::numeric_limits<Real>::min();
  constexpr Real infinity = std::numeric_limits<Real>::infinity();
  constexpr Real up = 1 / std::numeric_limits<Real>::epsilon();
  constexpr Real log_up = static_cast<Real>(constants::mantissa_bits<Real> * constants::ln_2<double>);
  const auto subnormal = x < V(smallest);
  V result = log_normal_number(select(subnormal, x * V(up), x)) - select(subnormal, V(log_up), V(Real(0)));
  result = select(x < V(infinity), result, x);  // inf and NaN
  result = select(x == V(Real(0)), V(-infinity), result);
  return select(x < V(Real(0)), V(std::numeric_limits<Real>::quiet_NaN()), result);
}

/// Sine and cosine of 2 pi `turns`, |turns| <= 1/8.
template <class V>
struct SineCosine {
  V sine, cosine;
};
template <class V>
GMDIFF_PARTICLE SineCosine<V> sine_cosine_turns(V turns) {
  const V t2 = turns * turns;
  if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
    const V sine = turns * polynomial(t2, 0x1.921fb6p+2F, -0x1.4abc24p+5F, 0x1.4680a4p+6F, -0x1.33198ep+6F);
    return {sine, polynomial(t2, 1.0F, -0x1.3bd3ccp+4F, 0x1.03c1bp+6F, -0x1.55b2b6p+6F, 0x1.d4f7eep+5F)};
  } else {
    const V sine = turns * polynomial(t2, 0x1.921fb54442d18p+2, -0x1.4abbce625bdaep+5, 0x1.466bc6774afcep+6,
                                      -0x1.32d2ccd46a41ap+6, 0x1.507821d4dfca5p+5, -0x1.e2f3f0f0ef819p+3,
                                      0x1.dfc5b7d4f91a7p+1);
    return {sine, polynomial(t2, 1.0, -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5a52p+6, -0x1.55d3c7e3bfe56p+6,
                             0x1.e1f50675b20cap+5, -0x1.a6d1e238ee8c8p+4, 0x1.f9c4adc0aeeb1p+2,
                             -0x1.b0345ecd0f0ffp+0)};
  }
}

/// e^x for every x: inf above the largest exponent, 0 far below 0, NaN for NaN.
template <class V>
GMDIFF_PARTICLE V exp(V x) {
  using Real = RealOf<V>;
  // Beyond these numbers the result is inf or 0. A NaN passes both comparisons.
  constexpr Real highest = sizeof(Real) == sizeof(float) ? Real(90) : Real(712);
  constexpr Real lowest = sizeof(Real) == sizeof(float) ? Real(-105) : Real(-746);
  constexpr Real bias = std::numeric_limits<Real>::max_exponent - 1;
  constexpr Real rounder = constants::to_integer<Real>;
  x = smaller(larger(x, V(lowest)), V(highest));
  // x = n log 2 + r; 2^n is the product of two powers, because it may be no normal number.
  const V n = fma(x, V(static_cast<Real>(constants::log2_e)), V(rounder)) - V(rounder);
  const V r = fma(n, V(-constants::ln_2_rest<Real>), fma(n, V(-constants::ln_2<Real>), x));
  const V p = fma(r * r, exp_remainder(r), r) + V(Real(1));
  const V half = fma(n, V(Real(0.5)), V(rounder)) - V(rounder);
  const auto power = [](V exponent) {
    return from_bits<V>(to_bits(exponent + V(rounder + bias)) << constants::mantissa_bits<Real>);
  };
  return p * power(half) * power(n - half);
}

namespace constants {
/// pi / 2 = the sum of three parts; the first two have few enough bits that their products with small
/// integers are exact.
template <class Real>
inline constexpr Real half_pi[3] = {};
template <>
inline constexpr float half_pi<float>[3] = {0x1.92p+0F, 0x1.fb4p-12F, 0x1.4442d2p-24F};
template <>
inline constexpr double half_pi<double>[3] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};
}  // namespace constants

/// Sine and cosine of r radians, |r| <= pi / 4.
template <class V>
GMDIFF_PARTICLE SineCosine<V> sine_cosine_radians(V r) {
  const V r2 = r * r;
  V P, Q;
  if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
    P = polynomial(r2, -0x1.555546p-3F, 0x1.11077ep-7F, -0x1.9956b2p-13F);
    Q = polynomial(r2, 0x1.55554ap-5F, -0x1.6c0c1ap-10F, 0x1.99e0eep-16F);
  } else {
    P = polynomial(r2, -0x1.5555555555549p-3, 0x1.111111110f8a5p-7, -0x1.a01a019c15e6cp-13,
                   0x1.71de357ae4092p-19, -0x1.ae5e686c4e059p-26, 0x1.5d93941fd06f8p-33);
    Q = polynomial(r2, 0x1.555555555554cp-5, -0x1.6c16c16c1521ep-10, 0x1.a01a019cbf387p-16,
                   -0x1.27e4f8128eacep-22, 0x1.1ee9f1327a16cp-29, -0x1.8fb11e2cf5b6fp-37);
  }
  using Real = RealOf<V>;
  return {fma(r * r2, P, r), fma(r2 * r2, Q, fma(V(Real(-0.5)), r2, V(Real(1))))};
}

/// Sine and cosine of x radians, at most 2 ulp off for |x| up to 2^13 (double: 2^20), but for an absolute
/// error of 2^-33 (double: 2^-80) near zeros. For larger numbers the phase loses digits; from 2^22 (double:
/// 2^51) on it has no meaning. NaN for NaN and infinite x.
template <class V>
GMDIFF_PARTICLE SineCosine<V> sine_cosine(V x) {
  using Real = RealOf<V>;
  using Unsigned = typename Integers<Real>::Unsigned;
  constexpr Real rounder = constants::to_integer<Real>;
  constexpr Real two_over_pi = static_cast<Real>(0x1.45f306dc9c883p-1);
  constexpr int sign_bit = static_cast<int>(8 * sizeof(Unsigned)) - 1;
  // x = (pi / 2) n + r
  const V shifted = fma(x, V(two_over_pi), V(rounder));
  const V n = shifted - V(rounder);
  const V first = fma(n, V(-constants::half_pi<Real>[0]), x);  // exact
  const V second = n * V(constants::half_pi<Real>[1]);         // exact
  const V high = first - second;
  const V low = (first - high) - second;
  const V r = high + fma(n, V(-constants::half_pi<Real>[2]), low);
  const V bound(static_cast<Real>(0.8));  // reached only without a meaningful phase
  const SineCosine<V> of = sine_cosine_radians(smaller(larger(r, -bound), bound));
  // The low bits of the shifted number are the number of the quadrant, modulo 4.
  const auto quadrant = to_bits(shifted);
  const auto odd = (quadrant & BitsOf<V>(Unsigned{1})) == BitsOf<V>(Unsigned{1});
  const V sine = select(odd, of.cosine, of.sine);
  const V cosine = select(odd, of.sine, of.cosine);
  const auto sign_of = [](BitsOf<V> number) { return (number >> 1) << sign_bit; };
  return {from_bits<V>(to_bits(sine) ^ sign_of(quadrant)),
          from_bits<V>(to_bits(cosine) ^ sign_of(quadrant + BitsOf<V>(Unsigned{1})))};
}

/// |x|; 0 has the positive sign.
template <class V>
GMDIFF_PARTICLE V abs(V x) {
  return larger(x, -x) + V(RealOf<V>(0));
}

/// (tanh(x) - x) / x^3 as a polynomial in t = x^2, |x| <= 0.5625.
template <class V>
GMDIFF_PARTICLE V tanh_remainder(V t) {
  if constexpr (sizeof(RealOf<V>) == sizeof(float)) {
    return polynomial(t, -0x1.555554p-2F, 0x1.110fb4p-3F, -0x1.b9902cp-5F, 0x1.5c60f8p-6F, -0x1.aba8fp-8F);
  } else {
    return polynomial(t, -0x1.5555555555555p-2, 0x1.1111111110fbep-3, -0x1.ba1ba1b9f19ap-5,
                      0x1.664f48727bbfdp-6, -0x1.226e32212f8e9p-7, 0x1.d6d30f918e945p-9,
                      -0x1.7d9545835e3e5p-10, 0x1.34ad2f7abd75ap-11, -0x1.eaf47874aab53p-13,
                      0x1.616f17dcc6fd8p-14, -0x1.4ffe31971aeb8p-16);
  }
}

/// Hyperbolic tangent: 1 - 2 E / (1 + E) of |x| with E = e^-2|x|, and a polynomial near 0.
template <class V>
GMDIFF_PARTICLE V tanh(V x) {
  using Real = RealOf<V>;
  const V one(Real(1)), two(Real(2)), bound(static_cast<Real>(0.5625));
  const V size = abs(x);
  const V E = exp_nonpositive(-two * size);
  const V large = one - two * E / (one + E);
  const V near = smaller(size, bound);
  const V small = fma(near * near * near, tanh_remainder(near * near), near);
  const V of_size = select(size <= bound, small, large);
  return select(x < V(Real(0)), -of_size, of_size);
}

/// Parts of the logistic functions of u, from one exponential and without overflow.
template <class V>
struct Logistic {
  V positive;    ///< max(u, 0)
  V normaliser;  ///< 1 + e^-|u|
  V sigmoid;     ///< 1 / (1 + e^-u)

  GMDIFF_PARTICLE explicit Logistic(V u) {
    using Real = RealOf<V>;
    const V zero(Real(0)), one(Real(1));
    const V e = exp_nonpositive(smaller(u, -u));
    positive = larger(u, zero);
    normaliser = one + e;
    sigmoid = select(u < zero, e, one) / normaliser;
  }
};

/// log(1 + e^u)
template <class V>
GMDIFF_PARTICLE V softplus(V u) {
  const Logistic<V> of(u);
  return of.positive + log_normal_number(of.normaliser);
}

template <class V>
GMDIFF_PARTICLE V sigmoid(V u) {
  return Logistic<V>(u).sigmoid;
}

}  // namespace gmdiff::particle
