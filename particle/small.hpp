#pragma once

#include "particle/softmax.hpp"

// Laws of at most four coordinates. The state of a particle is in registers, and one record holds a component
// (tables.hpp).

namespace gmdiff::particle {

/// The entry of each lane's component in a table of records. With few components it is selected by
/// comparisons, with many it is gathered from memory.
template <class V>
GMDIFF_PARTICLE V pick(BitsOf<V> component, Index num_components, const RealOf<V>* entry, int stride) {
  using Unsigned = typename Integers<RealOf<V>>::Unsigned;
  constexpr Index few = 8;
  if (num_components <= few) {
    V value(entry[0]);
    for (Index k = 1; k < num_components; ++k) {
      value = select(component == BitsOf<V>(static_cast<Unsigned>(k)), V(entry[k * stride]), value);
    }
    return value;
  }
  return gather<V>(component, entry, stride);
}

template <class V, int D, bool full>
struct SmallLaw {
  using Real = RealOf<V>;
  static constexpr SmallRecord record{D, full};

  /// x - alpha mu_k
  GMDIFF_PARTICLE static void difference(const Real* r, const V* x, V* v) {
    for (int i = 0; i < D; ++i) v[i] = x[i] - V(r[record.mean() + i]);
  }

  /// 1/2 (x - alpha mu)^T C^{-1} (x - alpha mu)
  GMDIFF_PARTICLE static V quadratic(const Real* r, const V* x) {
    V v[D];
    difference(r, x, v);
    const Real* W = r + record.whitening();
    V sum(Real(0));
    for (int i = 0; i < D; ++i) {
      V z = V(W[full ? i * D : i]) * v[full ? 0 : i];
      if constexpr (full) {
        for (int j = 1; j < D; ++j) z = fma(V(W[i * D + j]), v[j], z);
      }
      sum = i == 0 ? z * z : fma(z, z, sum);
    }
    return sum;
  }

  /// Pointer to the records of the components from `first` on, in their table. A GPU copies the records to
  /// faster memory first and passes its own function.
  GMDIFF_PARTICLE static auto in_place(const LevelTable<Real>& level) {
    return [&level](Index first, Index /*n*/) { return level.records + first * record.size(); };
  }

  /// Logits of a chunk of n components with records at `chunk`.
  GMDIFF_PARTICLE static void logits(const Real* chunk, Index n, const V* x, V* ell) {
    for_each_of_chunk(n, [&](Index k) {
      const Real* r = chunk + k * record.size();
      ell[k] = logit(V(r[record.constant()]), quadratic(r, x));
    });
  }

  /// Adds M x to y for a symmetric M, given by its upper triangle (diag: by its diagonal).
  template <class Entry>
  GMDIFF_PARTICLE static void add_symmetric_product(Entry M, const V* x, V* y) {
    if constexpr (full) {
      for (int i = 0; i < D; ++i) {
        for (int j = 0; j < D; ++j) y[i] = fma(M(upper(i < j ? i : j, i < j ? j : i)), x[j], y[i]);
      }
    } else {
      for (int i = 0; i < D; ++i) y[i] = fma(M(i), x[i], y[i]);
    }
  }

  /// D = E[x_0 | x_t = x] = sum_k r_k (H_k + G_k x)
  template <class Records>
  GMDIFF_PARTICLE static Softmax<V> denoiser(const LawTable<Real>& law, Records records, const V* x,
                                             V* D_out) {
    constexpr int num_sums = D + record.triangle();
    V sums[num_sums];
    for (V& sum : sums) sum = V(Real(0));
    const auto rescale = [&sums](V factor) {
      for (V& sum : sums) sum = sum * factor;
    };
    const Real* chunk = nullptr;
    const auto chunk_logits = [&](Index first, Index n, V* ell) {
      chunk = records(first, n);
      logits(chunk, n, x, ell);
    };
    const auto add = [&](Index /*first*/, Index n, const V* e) {
      for_each_of_chunk(n, [&](Index k) {
        const Real* terms = chunk + k * record.size() + record.offset();
        for (int i = 0; i < num_sums; ++i) sums[i] = fma(e[k], V(terms[i]), sums[i]);
      });
    };
    const Softmax<V> softmax = chunked_softmax<V>(law.num_components, chunk_logits, rescale, add);
    add_symmetric_product([&sums](int i) { return sums[D + i]; }, x, sums);
    const V inverse = V(Real(1)) / softmax.total;
    for (int i = 0; i < D; ++i) D_out[i] = sums[i] * inverse;
    return softmax;
  }

  /// x <- M_k + P_k (x - alpha mu_k) + Q_k z for each lane's component.
  template <bool has_gain>
  GMDIFF_PARTICLE static void move(const LawTable<Real>& law, const LevelTable<Real>& level,
                                   const MoveTable<Real>& table, BitsOf<V> component, const V* z, V* x) {
    constexpr SmallMove entry{D, full, has_gain};
    const auto picked = [&](int i) {
      return pick<V>(component, law.num_components, table.records + i, entry.size());
    };
    V v[D], y[D];
    for (int i = 0; i < D; ++i) y[i] = picked(entry.mean() + i);
    if constexpr (has_gain) {
      for (int i = 0; i < D; ++i)
        v[i] =
            x[i] - pick<V>(component, law.num_components, level.records + record.mean() + i, record.size());
      add_symmetric_product([&](int i) { return picked(entry.gain() + i); }, v, y);
    }
    for (int i = 0; i < D; ++i) {
      if constexpr (full) {
        for (int j = 0; j < D; ++j) y[i] = fma(picked(entry.noise() + i * D + j), z[j], y[i]);
      } else {
        y[i] = fma(picked(entry.noise() + i), z[i], y[i]);
      }
    }
    for (int i = 0; i < D; ++i) x[i] = y[i];
  }

 private:
  /// Index of entry (i, j), i <= j, in an upper triangle.
  static constexpr int upper(int i, int j) { return i * D - i * (i - 1) / 2 + (j - i); }
};

}  // namespace gmdiff::particle
