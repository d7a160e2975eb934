#pragma once

#include "device/particle/softmax.hpp"

// Laws of more than four coordinates whose covariances are diagonal in the working coordinates. The state of a block lies in cache, one
// value a coordinate; sums are held in registers, several components or coordinates at a time, each with an accumulator of its own.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::Family;
using particle::Index;
using particle::LawTable;
using particle::LevelTable;
using particle::MoveTable;
using particle::RealOf;
using particle::Softmax;

/// Room of a block for what lives within a step.
template <class V>
struct Scratch {
  V* coordinates;  ///< (2 d); full: (2 + chunk_size) d
  V* weights;      ///< (K)
};

template <class V, Family family>
struct WideLaw {
  using Real = RealOf<V>;
  static constexpr int tile = 4;
  static constexpr int wide_tile = 6;

  /// What the differences are taken from: x, scaled for tied covariances so that C is the identity.
  static const V* scaled_state(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch) {
    if constexpr (family != Family::tied) return x;
    for (Index i = 0; i < law.dim; ++i) scratch.coordinates[i] = V(level.precision.values[i]) * x[i];
    return scratch.coordinates;
  }

  /// What means are multiplied with in the differences: -alpha, scaled as the state.
  GMDIFF_PARTICLE static V slope(const LevelTable<Real>& level, Index i) {
    return V(family == Family::tied ? -level.alpha * level.precision.values[i] : -level.alpha);
  }

  /// 1/2 (x - alpha mu_k)^T C_k^{-1} (x - alpha mu_k) of n components from `first` on.
  template <int n>
  static void quadratics(const LawTable<Real>& law, const LevelTable<Real>& level, Index first, const V* y, V* q) {
    const Index d = law.dim;
    const Real* mu = law.means + first * d;
    V sums[n];
    for (V& sum : sums) sum = V(Real(0));
    for (Index i = 0; i < d; ++i) {
      const V minus_alpha = slope(level, i);
      const V yi = y[i];
      for (int c = 0; c < n; ++c) {
        const V z = fma(minus_alpha, V(mu[c * d + i]), yi);
        if constexpr (family == Family::diag) {
          sums[c] = fma(z * V(level.precision.values[(first + c) * d + i]), z, sums[c]);
        } else {
          sums[c] = fma(z, z, sums[c]);
        }
      }
    }
    for (int c = 0; c < n; ++c) q[c] = family == Family::spherical ? sums[c] * V(level.precision.values[first + c]) : sums[c];
  }

  /// Logits of states y as `scaled_state` makes them.
  static auto logits(const LawTable<Real>& law, const LevelTable<Real>& level, const V* y, Scratch<V> /*scratch*/) {
    return [&law, &level, y](Index first, Index n, V* ell) {
      Index k = 0;
      // One left over joins the last tile: alone it would wait for its own sums.
      for (; k + tile <= n && n - k != tile + 1; k += tile) quadratics<tile>(law, level, first + k, y, ell + k);
      if (n - k == tile + 1) {
        quadratics<tile + 1>(law, level, first + k, y, ell + k);
        k = n;
      }
      for (; k < n; ++k) quadratics<1>(law, level, first + k, y, ell + k);
      for (k = 0; k < n; ++k) ell[k] = particle::logit(V(level.constants[first + k]), ell[k]);
    };
  }

  /// sums_i <- factor sums_i + sum_k e_k p(k, i) over a chunk; p (K, d). Without factor, the first chunk, they start at 0.
  template <int n>
  static void accumulate(const Real* p, Index d, Index i, Index components, const V* e, const V* factor, V* sums) {
    V tiles[n];
    for (int c = 0; c < n; ++c) tiles[c] = factor == nullptr ? V(Real(0)) : sums[i + c] * *factor;
    for (Index k = 0; k < components; ++k) {
      for (int c = 0; c < n; ++c) tiles[c] = fma(e[k], V(p[k * d + i + c]), tiles[c]);
    }
    for (int c = 0; c < n; ++c) sums[i + c] = tiles[c];
  }
  static void accumulate(const Real* p, Index d, Index components, const V* e, const V* factor, V* sums) {
    Index i = 0;
    for (; i + wide_tile <= d; i += wide_tile) accumulate<wide_tile>(p, d, i, components, e, factor, sums);
    for (; i + 2 <= d; i += 2) accumulate<2>(p, d, i, components, e, factor, sums);
    for (; i < d; ++i) accumulate<1>(p, d, i, components, e, factor, sums);
  }

  /// D = sum_k r_k m_k, m_k = sigma^2/c mu_k + alpha l/c x (mathematics.md §2.3).
  static Softmax<V> denoiser(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* D, Scratch<V> scratch) {
    const Index d = law.dim;
    V* gains = scratch.coordinates + d;  // diag: sum_k e_k gain(k, i)
    V gain(Real(0));                     // spherical: sum_k e_k gain(k)
    V chunk_factor(Real(1));
    const auto rescale = [&](V factor) {
      gain = gain * factor;
      chunk_factor = factor;
    };
    const auto add = [&](Index first, Index n, V* e) {
      if constexpr (family == Family::spherical) {
        for (Index k = 0; k < n; ++k) {
          gain = fma(e[k], V(level.gain.values[first + k]), gain);
          e[k] = e[k] * V(level.shrink.values[first + k]);
        }
      }
      const V* factor = first == 0 ? nullptr : &chunk_factor;
      accumulate((family == Family::diag ? level.shrink.values : law.means) + first * d, d, n, e, factor, D);
      if constexpr (family == Family::diag) accumulate(level.gain.values + first * d, d, n, e, factor, gains);
    };
    const V* y = scaled_state(law, level, x, scratch);
    const Softmax<V> softmax = particle::chunked_softmax<V>(law.num_components, logits(law, level, y, scratch), rescale, add);

    const V inverse = V(Real(1)) / softmax.total;
    for (Index i = 0; i < d; ++i) {
      if constexpr (family == Family::tied) {
        D[i] = fma(V(level.gain.values[i]), x[i], V(level.shrink.values[i]) * (D[i] * inverse));
      } else {
        D[i] = fma(family == Family::diag ? gains[i] : gain, x[i], D[i]) * inverse;
      }
    }
    return softmax;
  }

  /// Adds sum_k e_k C_k^{-1} (x - alpha mu_k) / 2 of a chunk, without the scale of tied covariances.
  template <int n>
  static void accumulate_scores(const LawTable<Real>& law, const LevelTable<Real>& level, Index first, Index components, const V* e,
                                const V* y, Index i, V* sums) {
    const Index d = law.dim;
    V tiles[n];
    for (int c = 0; c < n; ++c) tiles[c] = sums[i + c];
    for (Index k = 0; k < components; ++k) {
      const Real* mu = law.means + (first + k) * d + i;
      for (int c = 0; c < n; ++c) {
        const V z = fma(slope(level, i + c), V(mu[c]), y[i + c]);
        const V weight = family == Family::diag ? e[k] * V(level.precision.values[(first + k) * d + i + c]) : e[k];
        tiles[c] = fma(weight, z, tiles[c]);
      }
    }
    for (int c = 0; c < n; ++c) sums[i + c] = tiles[c];
  }

  /// grad log p_t = -sum_k r_k C_k^{-1} (x - alpha mu_k) (mathematics.md §2.2).
  static void score(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* S, Scratch<V> scratch) {
    const Index d = law.dim;
    const V* y = scaled_state(law, level, x, scratch);
    for (Index i = 0; i < d; ++i) S[i] = V(Real(0));
    const auto rescale = [&](V factor) {
      for (Index i = 0; i < d; ++i) S[i] = S[i] * factor;
    };
    const auto add = [&](Index first, Index n, V* e) {
      if constexpr (family == Family::spherical) {
        for (Index k = 0; k < n; ++k) e[k] = e[k] * V(level.precision.values[first + k]);
      }
      Index i = 0;
      for (; i + tile <= d; i += tile) accumulate_scores<tile>(law, level, first, n, e, y, i, S);
      for (; i < d; ++i) accumulate_scores<1>(law, level, first, n, e, y, i, S);
    };
    const Softmax<V> softmax = particle::chunked_softmax<V>(law.num_components, logits(law, level, y, scratch), rescale, add);
    const V scale = V(Real(-2)) / softmax.total;
    for (Index i = 0; i < d; ++i) {
      S[i] = S[i] * scale;
      if constexpr (family == Family::tied) S[i] = S[i] * V(level.precision.values[i]);
    }
  }

  /// e_k of all components and their sum.
  static V weights(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch) {
    const V* y = scaled_state(law, level, x, scratch);
    return particle::all_weights<V>(law.num_components, logits(law, level, y, scratch), scratch.weights);
  }

  /// x <- shift mu_k + gain (x - alpha mu_k) + deviation z for each lane's component.
  template <bool has_gain, class Normal>
  static void move(const LawTable<Real>& law, Real alpha, const MoveTable<Real>& table, particle::BitsOf<V> component, Normal z, V* x,
                   Scratch<V> /*scratch*/) {
    for (Index i = 0; i < law.dim; ++i) {
      const auto of_component = [&](const particle::Spectrum<Real>& spectrum) {
        return particle::gather<V>(component, spectrum.values + i * spectrum.stride_i, spectrum.stride_k);
      };
      const V mean = particle::gather<V>(component, law.means + i, law.dim);
      V y = V(table.shift) * mean;
      if constexpr (has_gain) y = fma(of_component(table.gain), fma(V(-alpha), mean, x[i]), y);
      x[i] = fma(of_component(table.deviation), z(i), y);
    }
  }
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
