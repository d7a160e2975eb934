#pragma once

#include "device/cpu/wide.hpp"
#include "particle/product.hpp"

// Laws of more than four coordinates with full covariances: two products with U_k per component and
// evaluation.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

template <class V>
struct FullLaw {
  using Real = RealOf<V>;
  static constexpr Family kind = Family::full;
  static constexpr bool has_means = true;
  /// Rows of a product held in registers: half of all registers, each row being two.
#ifdef __AVX512F__
  static constexpr int rows = 8;
#else
  static constexpr int rows = 4;
#endif

  template <class Start, class Take>
  static void product(const Real* matrix, Index row, Index column, Index d, const V* v, Start start,
                      Take take) {
    Index r = 0;
    for (; r + rows <= d; r += rows) particle::product_rows<rows>(matrix, row, column, r, d, v, start, take);
    for (; r + 2 <= d; r += 2) particle::product_rows<2>(matrix, row, column, r, d, v, start, take);
    for (; r < d; ++r) particle::product_rows<1>(matrix, row, column, r, d, v, start, take);
  }
  /// Calls take(i, (U^T v)_i) for ascending i and reads U column by column.
  template <class Take>
  static void to_basis(const Real* U, Index d, const V* v, Take take) {
    product(
        U, d, 1, d, v, [](Index) { return V(Real(0)); }, take);
  }

  static const V* scaled_state(const LawTable<Real>& /*law*/, const LevelTable<Real>& /*level*/, const V* x,
                               Scratch<V> /*scratch*/) {
    return x;
  }

  /// Calls take(j, (U z)_j) for ascending j.
  template <class Take>
  static void from_basis(const Real* U, Index d, const V* z, Take take) {
    product(
        U, 1, d, d, z, [](Index) { return V(Real(0)); }, take);
  }

  /// Quadratic forms of a chunk. Keeps U_k^T (x - alpha mu_k) of each component after the first 2 d entries
  /// of the scratch.
  static auto logits(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x,
                     Scratch<V> scratch) {
    return [&law, &level, x, scratch](Index first, Index n, V* ell) {
      const Index d = law.dim;
      V* v = scratch.coordinates;
      for (Index k = 0; k < n; ++k) {
        const Index component = first + k;
        const Real* mu = law.means + component * d;
        for (Index i = 0; i < d; ++i) v[i] = fma(V(-level.alpha), V(mu[i]), x[i]);
        V* rotated = scratch.coordinates + (2 + k) * d;
        const Real* precision = level.precision.values + component * d;
        V q(Real(0));
        to_basis(law.bases + component * d * d, d, v, [&](Index i, V z) {
          q = fma(z * V(precision[i]), z, q);
          rotated[i] = z;
        });
        ell[k] = particle::logit(V(level.constants[component]), q);
      }
    };
  }

  /// D = sum_k r_k [mu_k + U_k gain U_k^T (x - alpha mu_k)]
  static Softmax<V> denoiser(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* D,
                             Scratch<V> scratch) {
    return means(law, level, x, D, nullptr, nullptr, scratch);
  }

  /// grad log p_t = -sum_k r_k U_k (1 / c) U_k^T (x - alpha mu_k)
  static Softmax<V> score(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* S,
                          Scratch<V> scratch) {
    return means(law, level, x, nullptr, S, nullptr, scratch);
  }

  /// Denoiser, score and logits (K), each unless null, with one product U_k^T (x - alpha mu_k) for all of
  /// them.
  static Softmax<V> means(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, V* D, V* S,
                          V* ell, Scratch<V> scratch) {
    const Index d = law.dim;
    const auto for_each_sum = [&](auto body) {
      for (V* sums : {D, S}) {
        if (sums == nullptr) continue;
        for (Index i = 0; i < d; ++i) body(sums[i], sums == D);
      }
    };
    for_each_sum([](V& sum, bool /*is_denoiser*/) { sum = V(Real(0)); });
    const auto rescale = [&](V factor) {
      for_each_sum([factor](V& sum, bool /*is_denoiser*/) { sum = sum * factor; });
    };
    const auto add = [&](Index first, Index n, const V* e) {
      for (Index k = 0; k < n; ++k) {
        if (all(e[k] <= V(Real(0)))) continue;
        const Index row = (first + k) * d;
        const V* rotated = scratch.coordinates + (2 + k) * d;
        if (D != nullptr)
          add_component</*with_mean=*/true>(law, first + k, rotated, level.gain.values + row, e[k], D,
                                            scratch);
        if (S != nullptr)
          add_component</*with_mean=*/false>(law, first + k, rotated, level.precision.values + row, e[k], S,
                                             scratch);
      }
    };
    const auto keep_logits = [&, compute = logits(law, level, x, scratch)](Index first, Index n, V* chunk) {
      compute(first, n, chunk);
      for (Index k = 0; ell != nullptr && k < n; ++k) ell[first + k] = chunk[k];
    };
    const Softmax<V> softmax = particle::chunked_softmax<V>(law.num_components, keep_logits, rescale, add);
    const V inverse = V(Real(1)) / softmax.total;
    const V scale = V(Real(-2)) / softmax.total;
    for_each_sum([&](V& sum, bool is_denoiser) { sum = sum * (is_denoiser ? inverse : scale); });
    return softmax;
  }

  static V weights(const LawTable<Real>& law, const LevelTable<Real>& level, const V* x, Scratch<V> scratch) {
    return particle::all_weights<V>(law.num_components, logits(law, level, x, scratch), scratch.weights)
        .total;
  }

  /// x <- shift mu_k + U_k (gain U_k^T (x - alpha mu_k) + deviation z). Every lane has its own matrix, so
  /// lanes are processed one by one, and a register holds coordinates.
  template <bool has_gain, class Normal>
  static void move(const LawTable<Real>& law, Real alpha, const MoveTable<Real>& table,
                   particle::BitsOf<V> component, Normal z, V* x, Scratch<V> scratch) {
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
  /// sums += e_k [mu_k + U_k factors U_k^T (x - alpha mu_k)], mu_k only `with_mean`.
  template <bool with_mean>
  static void add_component(const LawTable<Real>& law, Index k, const V* rotated, const Real* factors, V e,
                            V* sums, Scratch<V> scratch) {
    const Index d = law.dim;
    const Real* mu = law.means + k * d;
    V* scaled = scratch.coordinates;
    for (Index i = 0; i < d; ++i) scaled[i] = (rotated[i] * V(factors[i])) * e;
    const auto begin = [&](Index j) {
      if constexpr (with_mean) return fma(e, V(mu[j]), sums[j]);
      return sums[j];
    };
    product(law.bases + k * d * d, 1, d, d, scaled, begin, [&](Index j, V sum) { sums[j] = sum; });
  }

  static Real fused(Real a, Real b, Real c) {
    if constexpr (sizeof(Real) == sizeof(float)) {
      return __builtin_fmaf(a, b, c);
    } else {
      return __builtin_fma(a, b, c);
    }
  }
  /// z = U^T v, four coordinates at a time, each with one accumulator.
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
