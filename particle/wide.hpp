#pragma once

#include "particle/softmax.hpp"

// Laws of more than four coordinates with covariances that are diagonal in the working coordinates. Several
// sums over coordinates or components are held in registers side by side, each with an accumulator of its
// own. States, weights and sums are any types with operator[].

namespace gmdiff::particle {

template <class V, Family family>
struct WideTerms {
  using Real = RealOf<V>;

  /// The factor of the means in the differences x - alpha mu: -alpha, scaled like the state.
  GMDIFF_PARTICLE static V slope(const LevelTable<Real>& level, Index i) {
    return V(family == Family::tied ? -level.alpha * level.precision.values[i] : -level.alpha);
  }

  /// Adds a coordinate of the quadratic form to `sum`. `precision` is 1 / (2 c) of diagonal covariances.
  GMDIFF_PARTICLE static V add_square(V slope, Real mu, Real precision, V y, V sum) {
    const V z = fma(slope, V(mu), y);
    if constexpr (family == Family::diag) return fma(z * V(precision), z, sum);
    return fma(z, z, sum);
  }

  /// 1/2 (x - alpha mu_k)^T C_k^{-1} (x - alpha mu_k) of n components from `first` on.
  template <int n, class Vector>
  GMDIFF_PARTICLE static void quadratics(const LawTable<Real>& law, const LevelTable<Real>& level,
                                         Index first, Vector y, V* q) {
    const Index d = law.dim;
    const Real* mu = law.means + first * d;
    V sums[n];
    for (V& sum : sums) sum = V(Real(0));
    for (Index i = 0; i < d; ++i) {
      const V minus_alpha = slope(level, i);
      const V yi = y[i];
      for (int c = 0; c < n; ++c) {
        const Real precision = family == Family::diag ? level.precision.values[(first + c) * d + i] : Real(0);
        sums[c] = add_square(minus_alpha, mu[c * d + i], precision, yi, sums[c]);
      }
    }
    for (int c = 0; c < n; ++c)
      q[c] = family == Family::spherical ? sums[c] * V(level.precision.values[first + c]) : sums[c];
  }

  /// sums_i <- factor sums_i + sum_k e_k p(k, i) over a chunk; p (K, d). Without factor, in the first chunk,
  /// the sums start at 0.
  template <int n, class Weights, class Vector>
  GMDIFF_PARTICLE static void accumulate(const Real* p, Index d, Index i, Index components, Weights e,
                                         const V* factor, Vector sums) {
    V tiles[n];
    for (int c = 0; c < n; ++c) tiles[c] = factor == nullptr ? V(Real(0)) : sums[i + c] * *factor;
    for (Index k = 0; k < components; ++k) {
      for (int c = 0; c < n; ++c) tiles[c] = fma(e[k], V(p[k * d + i + c]), tiles[c]);
    }
    for (int c = 0; c < n; ++c) sums[i + c] = tiles[c];
  }

  /// Adds sum_k e_k C_k^{-1} (x - alpha mu_k) / 2 over a chunk, without the scale of tied covariances.
  template <int n, class Weights, class Points, class Vector>
  GMDIFF_PARTICLE static void accumulate_scores(const LawTable<Real>& law, const LevelTable<Real>& level,
                                                Index first, Index components, Weights e, Points y, Index i,
                                                Vector sums) {
    const Index d = law.dim;
    V tiles[n];
    for (int c = 0; c < n; ++c) tiles[c] = sums[i + c];
    for (Index k = 0; k < components; ++k) {
      const Real* mu = law.means + (first + k) * d + i;
      for (int c = 0; c < n; ++c) {
        const V z = fma(slope(level, i + c), V(mu[c]), y[i + c]);
        const V weight =
            family == Family::diag ? e[k] * V(level.precision.values[(first + k) * d + i + c]) : e[k];
        tiles[c] = fma(weight, z, tiles[c]);
      }
    }
    for (int c = 0; c < n; ++c) sums[i + c] = tiles[c];
  }

  /// Computes D_i from sums over the components: `sum` is that of shrink (times mu), `gain` that of gain
  /// (diag: of gain_i).
  GMDIFF_PARTICLE static V denoiser(const LevelTable<Real>& level, Index i, V x, V sum, V gain, V inverse) {
    if constexpr (family == Family::tied) {
      return fma(V(level.gain.values[i]), x, V(level.shrink.values[i]) * (sum * inverse));
    } else {
      return fma(gain, x, sum) * inverse;
    }
  }

  /// x_i <- shift mu + gain (x - alpha mu) + deviation z for each lane's component.
  template <bool has_gain>
  GMDIFF_PARTICLE static V moved(const LawTable<Real>& law, Real alpha, const MoveTable<Real>& table,
                                 BitsOf<V> component, Index i, V x, V z) {
    const auto of_component = [&](const Spectrum<Real>& spectrum) {
      return gather<V>(component, spectrum.values + i * spectrum.stride_i, spectrum.stride_k);
    };
    const V mean = gather<V>(component, law.means + i, law.dim);
    V y = V(table.shift) * mean;
    if constexpr (has_gain) y = fma(of_component(table.gain), fma(V(-alpha), mean, x), y);
    return fma(of_component(table.deviation), z, y);
  }
};

}  // namespace gmdiff::particle
