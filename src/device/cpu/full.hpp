#pragma once

#include "device/cpu/wide.hpp"
#include "particle/product.hpp"

// Laws of more than four coordinates with full covariances: two products with U_k a component and evaluation.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

template <class V>
struct FullLaw {
  using Real = RealOf<V>;
  /// Rows of a product held in registers: half of all registers, each row being two.
#ifdef __AVX512F__
  static constexpr int rows = 8;
#else
  static constexpr int rows = 4;
#endif

  template <class Start, class Take>
  static void product(const Real* matrix, Index row, Index column, Index d, const V* v, Start start, Take take) {
    Index r = 0;
    for (; r + rows <= d; r += rows) particle::product_rows<rows>(matrix, row, column, r, d, v, start, take);
    for (; r + 2 <= d; r += 2) particle::product_rows<2>(matrix, row, column, r, d, v, start, take);
    for (; r < d; ++r) particle::product_rows<1>(matrix, row, column, r, d, v, start, take);
  }
  /// take(i, (U^T v)_i) for ascending i; U column by column.
  template <class Take>
  static void to_basis(const Real* U, Index d, const V* v, Take take) {
    product(
        U, d, 1, d, v, [](Index) { return V(Real(0)); }, take);
  }

  static const V* scaled_state(const LawTable<Real>& /*law*/, const LevelTable<Real>& /*level*/, const V* x, Scratch<V> /*scratch*/) {
    return x;
  }

  /// take(j, (U z)_j) for ascending j.
  template <class Take>
  static void from_basis(const Real* U, Index d, const V* z, Take take) {
    product(
        U, 1, d, d, z, [](Index) { return V(Real(0)); }, take);
  }

  /// Quadratic forms of a chunk. Keeps `factors` U_k^T (x - alpha mu_k) of each component behind the first 2 d of the scratch; factors
  /// (K, d) are the gains unless given.
  static auto logits(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch,
                     const Real* factors = nullptr) {
    const Real* kept = factors == nullptr ? level.gain.values : factors;
    return [&law, &level, x, scratch, kept](Index first, Index n, V* ell) {
      const Index d = law.dim;
      V* v = scratch.coordinates;
      for (Index k = 0; k < n; ++k) {
        const Index component = first + k;
        const Real* mu = law.means + component * d;
        for (Index i = 0; i < d; ++i) v[i] = fma(V(-level.alpha), V(mu[i]), x[i]);
        V* scaled = scratch.coordinates + (2 + k) * d;
        const Real* precision = level.precision.values + component * d;
        const Real* factor = kept + component * d;
        V q(Real(0));
        to_basis(law.bases + component * d * d, d, v, [&](Index i, V z) {
          q = fma(z * V(precision[i]), z, q);
          scaled[i] = z * V(factor[i]);
        });
        ell[k] = particle::logit(V(level.constants[component]), q);
      }
    };
  }

  /// D = sum_k r_k [mu_k + U_k gain U_k^T (x - alpha mu_k)]
  static Softmax<V> denoiser(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* D, Scratch<V> scratch) {
    const Softmax<V> softmax = sum_of_components</*with_means=*/true>(law, level, x, D, scratch, level.gain.values);
    const V inverse = V(Real(1)) / softmax.total;
    for (Index i = 0; i < law.dim; ++i) D[i] = D[i] * inverse;
    return softmax;
  }

  /// grad log p_t = -sum_k r_k U_k (1 / c) U_k^T (x - alpha mu_k)
  static void score(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* S, Scratch<V> scratch) {
    const Softmax<V> softmax = sum_of_components</*with_means=*/false>(law, level, x, S, scratch, level.precision.values);
    const V scale = V(Real(-2)) / softmax.total;
    for (Index i = 0; i < law.dim; ++i) S[i] = S[i] * scale;
  }

  static V weights(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch) {
    return particle::all_weights<V>(law.num_components, logits(law, level, x, scratch), scratch.weights).total;
  }

  /// x <- shift mu_k + U_k (gain U_k^T (x - alpha mu_k) + deviation z). Every lane has its own matrix, so lanes go one by one and a
  /// register holds coordinates.
  template <bool has_gain, class Normal>
  static void move(const LawTable<Real>& law, Real alpha, const MoveTable<Real>& table, particle::BitsOf<V> component, Normal z, V* x,
                   Scratch<V> scratch) {
    constexpr int lanes = particle::Types<V>::lanes;
    const Index d = law.dim;
    typename particle::Integers<Real>::Unsigned components[lanes];
    particle::Types<V>::store(component, components);
    V* noise = scratch.coordinates;
    for (Index i = 0; i < d; ++i) noise[i] = z(i);
    auto* states = reinterpret_cast<Real*>(x);
    const auto* normals = reinterpret_cast<const Real*>(noise);
    auto* v = reinterpret_cast<Real*>(scratch.coordinates + d);  // 3 d <= lanes d numbers
    for (int lane = 0; lane < lanes; ++lane) {
      const auto k = static_cast<Index>(components[lane]);
      Real* y = v + d;
      Real* scaled = v + 2 * d;
      const Real* U = law.bases + k * d * d;
      for (Index i = 0; i < d; ++i) scaled[i] = Real(0);
      if constexpr (has_gain) {
        for (Index i = 0; i < d; ++i) v[i] = fused(-alpha, law.means[k * d + i], states[i * lanes + lane]);
        lane_to_basis(U, d, v, scaled);
        for (Index i = 0; i < d; ++i) scaled[i] = scaled[i] * table.gain(k, i);
      }
      for (Index i = 0; i < d; ++i) {
        scaled[i] = fused(table.deviation(k, i), normals[i * lanes + lane], scaled[i]);
        y[i] = table.shift * law.means[k * d + i];
      }
      lane_from_basis(U, d, scaled, y);
      for (Index i = 0; i < d; ++i) states[i * lanes + lane] = y[i];
    }
  }

 private:
  /// sums = sum_k e_k [mu_k + U_k factors U_k^T (x - alpha mu_k)], mu_k only when asked for.
  template <bool with_means>
  static Softmax<V> sum_of_components(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* sums, Scratch<V> scratch,
                                      const Real* factors) {
    const Index d = law.dim;
    for (Index i = 0; i < d; ++i) sums[i] = V(Real(0));
    const auto rescale = [&](V factor) {
      for (Index i = 0; i < d; ++i) sums[i] = sums[i] * factor;
    };
    const auto add = [&](Index first, Index n, const V* e) {
      for (Index k = 0; k < n; ++k) {
        const Real* mu = law.means + (first + k) * d;
        V* scaled = scratch.coordinates + (2 + k) * d;
        for (Index i = 0; i < d; ++i) scaled[i] = scaled[i] * e[k];
        const auto begin = [&](Index j) {
          if constexpr (with_means) return fma(e[k], V(mu[j]), sums[j]);
          return sums[j];
        };
        product(law.bases + (first + k) * d * d, 1, d, d, scaled, begin, [&](Index j, V sum) { sums[j] = sum; });
      }
    };
    return particle::chunked_softmax<V>(law.num_components, logits(law, level, x, scratch, factors), rescale, add);
  }

  static Real fused(Real a, Real b, Real c) {
    if constexpr (sizeof(Real) == sizeof(float)) {
      return __builtin_fmaf(a, b, c);
    } else {
      return __builtin_fma(a, b, c);
    }
  }
  /// z = U^T v, four coordinates at a time: each has one accumulator.
  static void lane_to_basis(const Real* U, Index d, const Real* v, Real* z) {
    Index i = 0;
    for (; i + 4 <= d; i += 4) {
      Real sums[4] = {};
      for (Index j = 0; j < d; ++j) {
        for (int c = 0; c < 4; ++c) sums[c] = fused(U[(i + c) * d + j], v[j], sums[c]);
      }
      for (int c = 0; c < 4; ++c) z[i + c] = sums[c];
    }
    for (; i < d; ++i) {
      z[i] = Real(0);
      for (Index j = 0; j < d; ++j) z[i] = fused(U[i * d + j], v[j], z[i]);
    }
  }
  /// y += U z
  static void lane_from_basis(const Real* U, Index d, const Real* z, Real* y) {
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < d; ++j) y[j] = fused(U[i * d + j], z[i], y[j]);
    }
  }
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
