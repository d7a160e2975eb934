#pragma once

#include <limits>

#include "particle/elementary.hpp"
#include "particle/line_tables.hpp"

// One-dimensional mixtures of normal laws, in double (mathematics.md §9.1). Every function takes a sign: with
// -1 it computes for the law of -X. Distances use that law for the upper half of the points, because its
// lower tail is the upper tail of X. No tail is one minus the other one.

namespace gmdiff::particle {

/// In units of the deviation. Beyond it a tail is below half a rounding of 1, and counts as 0.
inline constexpr double upper_end = 9.0;
/// Phi(-t) e^(t^2/2) for t >= 0. The coefficients are a fit by tools/elementary_coefficients.py.
template <class V>
GMDIFF_PARTICLE V scaled_normal_tail(V t) {
  const V r = V(1.0) / (t + V(5.0));
  const V y = fma(V(-10.0), r, V(1.0));  // (t - 5) / (t + 5)
  return r * polynomial(
                 y, 0x1.89d3abe1f95aep-1, -0x1.54ad03f27ca17p-1, 0x1.fb31653876f92p-2, -0x1.410ed5f875a85p-2,
                 0x1.51f6329f0171ep-3, -0x1.1b1c254c99e8bp-4, 0x1.54b4d4f4c511ep-6, -0x1.88590eab49716p-9,
                 -0x1.a25037dc79cdp-11, 0x1.1daf1d4fc84f5p-11, -0x1.f2145fdfd5bd4p-15, -0x1.a170d25216a98p-15,
                 0x1.17dd09c920f56p-16, 0x1.0b26d911af57p-18, -0x1.73ab1fe49c4b4p-19, -0x1.6953c53876a56p-22,
                 0x1.d0e9a77b4fdcep-22, 0x1.6990eb9e16b58p-25, -0x1.1ad198b314e3cp-24, -0x1.3a33e415385dap-27,
                 0x1.0771b8d6722dfp-27, 0x1.d04c40671584p-30, -0x1.8d6f2393e8a27p-33);
}

/// Values of a law at a point x (relative to the centre).
template <class V>
struct LineValues {
  V cdf;       ///< F(x)
  V density;   ///< f(x); components without variance count only at their mean
  V integral;  ///< G(x) = int_{-inf}^x F
  V second;    ///< 2 int_{-inf}^x G, where it is asked for
};

/// Component by component: F = Phi(z), G = (x - m) Phi(z) + s phi(z), 2 int G = ((x - m)^2 + s^2) Phi(z) +
/// s (x - m) phi(z), with z = (x - m) / s.
template <bool with_second, class V>
GMDIFF_PARTICLE LineValues<V> line_values(const LineLaw& law, double sign, V x) {
  constexpr double inverse_sqrt_2_pi = 0x1.9884533d43651p-2;
  LineValues<V> sum{V(0.0), V(0.0), V(0.0), V(0.0)};
  for (Index k = 0; k < law.num_components; ++k) {
    const V weight(law.weights[k]);
    const V rate(law.rates[k]);
    const V difference = x - V(sign * law.means[k]);
    const V z = difference * rate;
    // Far below a component nothing is added, and far above it exact numbers: both give the bits of the
    // general case.
    if (all(z <= V(-lower_end))) continue;
    const auto above = V(upper_end) <= z;
    if (all(above)) {
      sum.cdf = sum.cdf + weight;
      sum.integral = fma(weight, difference, sum.integral);
      if constexpr (with_second) {
        const V s(law.deviations[k]);
        sum.second = fma(weight, fma(difference, difference, s * s), sum.second);
      }
      continue;
    }
    const V t = smaller(larger(z, -z), V(lower_end));
    const V e = select(above, V(0.0), exp_nonpositive(V(-0.5) * t * t));
    const V tail = e * scaled_normal_tail(t);
    const V cdf = select(z < V(0.0), tail, V(1.0) - tail);
    const V density = V(inverse_sqrt_2_pi) * e;
    const V s(law.deviations[k]);
    sum.cdf = fma(weight, cdf, sum.cdf);
    sum.density = fma(weight * rate, density, sum.density);
    sum.integral = fma(weight, fma(difference, cdf, s * density), sum.integral);
    if constexpr (with_second) {
      const V square = fma(difference, difference, s * s);
      sum.second = fma(weight, fma(square, cdf, s * difference * density), sum.second);
    }
  }
  return sum;
}

template <class V>
struct LineQuantile {
  V x;
  LineValues<V> values;  ///< at x
};

/// The x in [low, high] with F(x) = u: Newton's method on log F, inside a bracket that shrinks. At a step of
/// F beyond u, x is where the step is. `start` lies in [low, high], and 0 < u < 1.
/// Every lane ends where it would end alone.
template <bool with_second, class V>
GMDIFF_PARTICLE LineQuantile<V> line_quantile(const LineLaw& law, double sign, V u, V start, V low, V high) {
  constexpr double rounding = std::numeric_limits<double>::epsilon();
  constexpr int most = 300;  // bisections alone need 110
  LineQuantile<V> result{start, {}};
  const V narrow = V(rounding) * (high - low);
  const V close = V(32.0 * rounding) * u;
  V done(0.0);
  for (int iteration = 0; iteration < most; ++iteration) {
    result.values = line_values<with_second>(law, sign, result.x);
    const V error = result.values.cdf - u;
    low = select(error < V(0.0), result.x, low);
    high = select(V(0.0) < error, result.x, high);
    done = select(larger(error, -error) <= close, V(1.0), done);
    done = select(high - low <= narrow, V(1.0), done);
    if (all(V(1.0) <= done)) break;
    const V step = log(result.values.cdf / u) * (result.values.cdf / result.values.density);
    const V newton = result.x - step;
    const V middle = fma(V(0.5), high - low, low);
    V next = select(low < newton, newton, middle);
    next = select(next < high, next, middle);
    // Newton's method may approach from one side only, and slowly.
    if (iteration >= 8 && iteration % 2 == 1) next = middle;
    result.x = select(V(1.0) <= done, result.x, next);
  }
  return result;
}

}  // namespace gmdiff::particle
