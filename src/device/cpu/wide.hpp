#pragma once

#include "particle/wide.hpp"

// Laws of more than four coordinates whose covariances are diagonal in the working coordinates. The state of
// a tile is in cache, one value per coordinate. Sums are in registers, several components or coordinates at a
// time, each with its own accumulator.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::all;
using particle::Family;
using particle::Index;
using particle::LawTable;
using particle::LevelTable;
using particle::MoveTable;
using particle::RealOf;
using particle::Softmax;

/// Scratch of a tile within a step.
template <class V>
struct Scratch {
  V* coordinates;  ///< (2 d); full: (2 + chunk_size) d
  V* weights;      ///< (K)
};

template <class V, Family family>
struct WideLaw {
  using Real = RealOf<V>;
  using Terms = particle::WideTerms<V, family>;
  static constexpr Family kind = family;
  static constexpr bool has_means = false;  ///< whether `means` computes all results at once
  static constexpr int tile = 4;
  /// Number of coordinates that are summed together, with two registers each.
#ifdef __AVX512F__
  static constexpr int wide_tile = 8;
#else
  static constexpr int wide_tile = 6;
#endif

  /// The vector that differences start from: x, scaled for tied covariances so that C is the identity.
  static const V* scaled_state(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x,
                               Scratch<V> scratch) {
    if constexpr (family != Family::tied) return x;
    for (Index i = 0; i < law.dim; ++i) scratch.coordinates[i] = V(level.precision.values[i]) * x[i];
    return scratch.coordinates;
  }

  /// Logits of states y in the form of `scaled_state`.
  static auto logits(const LawTable<Real>& law, const LevelTable<Real>& level, const V* y,
                     Scratch<V> /*scratch*/) {
    return [&law, &level, y](Index first, Index n, V* ell) {
      Index k = 0;
      // A single remaining row joins the last tile: alone it would wait for its own sums.
      for (; k + tile <= n && n - k != tile + 1; k += tile)
        Terms::template quadratics<tile>(law, level, first + k, y, ell + k);
      if (n - k == tile + 1) {
        Terms::template quadratics<tile + 1>(law, level, first + k, y, ell + k);
        k = n;
      }
      for (; k < n; ++k) Terms::template quadratics<1>(law, level, first + k, y, ell + k);
      for (k = 0; k < n; ++k) ell[k] = particle::logit(V(level.constants[first + k]), ell[k]);
    };
  }

  /// Terms of a chunk whose weight is not 0 in every lane. The other terms do not change a sum, except for
  /// the sign of a 0.
  struct Live {
    V e[particle::chunk_size];
    Index row[particle::chunk_size];  ///< begin of the component's row
    Index count = 0;
    void add(V weight, Index begin) {
      e[count] = weight;
      row[count++] = begin;
    }
  };
  /// Like Terms::accumulate, with p (K, d) from component 0 on.
  template <int n>
  static void accumulate(const Real* p, Index i, const Live& live, const V* factor, V* sums) {
    V tiles[n];
    for (int c = 0; c < n; ++c) tiles[c] = factor == nullptr ? V(Real(0)) : sums[i + c] * *factor;
    for (Index k = 0; k < live.count; ++k) {
      const Real* row = p + live.row[k] + i;
      for (int c = 0; c < n; ++c) tiles[c] = fma(live.e[k], V(row[c]), tiles[c]);
    }
    for (int c = 0; c < n; ++c) sums[i + c] = tiles[c];
  }
  static void accumulate(const Real* p, Index d, const Live& live, const V* factor, V* sums) {
    Index i = 0;
    for (; i + wide_tile <= d; i += wide_tile) accumulate<wide_tile>(p, i, live, factor, sums);
    for (; i + 2 <= d; i += 2) accumulate<2>(p, i, live, factor, sums);
    for (; i < d; ++i) accumulate<1>(p, i, live, factor, sums);
  }

  /// D = sum_k r_k m_k, m_k = sigma^2/c mu_k + alpha l/c x (mathematics.md §2.3).
  static Softmax<V> denoiser(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* D,
                             Scratch<V> scratch) {
    const Index d = law.dim;
    V* gains = scratch.coordinates + d;  // diag: sum_k e_k gain(k, i)
    V gain(Real(0));                     // spherical: sum_k e_k gain(k)
    V chunk_factor(Real(1));
    const auto rescale = [&](V factor) {
      gain = gain * factor;
      chunk_factor = factor;
    };
    const auto weigh = [&](Index first, Index n, const V* ell, V maximum, V& total) {
      Live live;
      for (Index k = 0; k < n; ++k) {
        const V difference = ell[k] - maximum;
        if (all(difference <= V(particle::constants::lowest_exponent<Real>))) continue;
        V e = particle::exp_nonpositive(difference);
        total = total + e;
        if constexpr (family == Family::spherical) {
          gain = fma(e, V(level.gain.values[first + k]), gain);
          e = e * V(level.shrink.values[first + k]);
        }
        live.add(e, (first + k) * d);
      }
      const V* factor = first == 0 ? nullptr : &chunk_factor;
      accumulate(family == Family::diag ? level.shrink.values : law.means, d, live, factor, D);
      if constexpr (family == Family::diag) accumulate(level.gain.values, d, live, factor, gains);
    };
    const V* y = scaled_state(law, level, x, scratch);
    const Softmax<V> softmax =
        particle::softmax_of_chunks<V>(law.num_components, logits(law, level, y, scratch), rescale, weigh);

    const V inverse = V(Real(1)) / softmax.total;
    for (Index i = 0; i < d; ++i) {
      const V gain_i = family == Family::diag ? gains[i] : gain;
      D[i] = Terms::denoiser(level, i, x[i], D[i], gain_i, inverse);
    }
    return softmax;
  }

  /// grad log p_t = -sum_k r_k C_k^{-1} (x - alpha mu_k) (mathematics.md §2.2).
  static Softmax<V> score(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* S,
                          Scratch<V> scratch) {
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
      for (; i + tile <= d; i += tile)
        Terms::template accumulate_scores<tile>(law, level, first, n, e, y, i, S);
      for (; i < d; ++i) Terms::template accumulate_scores<1>(law, level, first, n, e, y, i, S);
    };
    const Softmax<V> softmax =
        particle::chunked_softmax<V>(law.num_components, logits(law, level, y, scratch), rescale, add);
    const V scale = V(Real(-2)) / softmax.total;
    for (Index i = 0; i < d; ++i) {
      S[i] = S[i] * scale;
      if constexpr (family == Family::tied) S[i] = S[i] * V(level.precision.values[i]);
    }
    return softmax;
  }

  /// e_k of all components and their sum.
  static V weights(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch) {
    const V* y = scaled_state(law, level, x, scratch);
    return particle::all_weights<V>(law.num_components, logits(law, level, y, scratch), scratch.weights)
        .total;
  }

  /// x <- shift mu_k + gain (x - alpha mu_k) + deviation z for each lane's component.
  template <bool has_gain, class Normal>
  static void move(const LawTable<Real>& law, Real alpha, const MoveTable<Real>& table,
                   particle::BitsOf<V> component, Normal z, V* x, Scratch<V> /*scratch*/) {
    for (Index i = 0; i < law.dim; ++i)
      x[i] = Terms::template moved<has_gain>(law, alpha, table, component, i, x[i], z(i));
  }
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
