#pragma once

#include "kernels/four.cuh"
#include "kernels/tile_law.cuh"
#include "particle/product.hpp"

// Laws of more than four coordinates with full covariances, on a tile. The vectors z = U_k^T (x - alpha mu_k)
// of a chunk of components are kept; they give the logits and are then multiplied by the same U_k.

namespace gmdiff::kernels {

template <class V, class Tile>
class FullTile {
 public:
  using Real = RealOf<V>;
  using Shape = typename Tile::Shape;
  using Vector = typename Tile::Vector;
  static constexpr Family kind = Family::full;

  GMDIFF_PARTICLE FullTile(Tile& tile, const LawTable<Real>& law, const TileRoom& room, Vector sums)
      : tile_(tile), law_(law), sums_(sums), weights_(tile, room.weights) {
    for (Vector& v : differences_) v = tile.take(law.dim);
    z_ = tile.take(room.products);
  }

  GMDIFF_PARTICLE TileWeights<V, Tile>& weights() { return weights_; }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, Vector point) {
    const auto softmax = sum_of_components</*with_means=*/true>(level, point, level.gain.values);
    inverse_ = V(Real(1)) / softmax.total;
  }
  GMDIFF_PARTICLE V denoised(const LevelTable<Real>& /*level*/, Index i, V /*point*/) const {
    return sums_[i] * inverse_;
  }

  GMDIFF_PARTICLE particle::Softmax<V> score(const LevelTable<Real>& level, Vector point) {
    const auto softmax = sum_of_components</*with_means=*/false>(level, point, level.precision.values);
    inverse_ = V(Real(-2)) / softmax.total;
    return softmax;
  }
  GMDIFF_PARTICLE V scored(const LevelTable<Real>& /*level*/, Index i) const { return sums_[i] * inverse_; }

  GMDIFF_PARTICLE void all_logits(const LevelTable<Real>& level, Vector point) {
    weights_.all_logits(law_.num_components, [&](Index first, Index n) {
      logits(level, point, first, n, level.precision.values, weights_.ell().from(first));
    });
  }

  /// x <- shift mu_k + U_k (gain U_k^T (x - alpha mu_k) + deviation z), where each particle has its own U_k.
  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(Real alpha, const MoveTable<Real>& table, BitsOf<V> component, Normal z,
                            Vector x) {
    const Index d = law_.dim;
    const Vector v = differences_[0];
    const Vector scaled = differences_[1];
    const auto mean = [&](Index i) { return particle::gather<V>(component, law_.means + i, d); };
    const auto basis = [&](Index i, Index j) {
      return particle::gather<V>(component, law_.bases + j * d + i, d * d);
    };
    const auto of_component = [&](const particle::Spectrum<Real>& spectrum, Index i) {
      return particle::gather<V>(component, spectrum.values + i * spectrum.stride_i, spectrum.stride_k);
    };
    if constexpr (has_gain) {
      tile_.for_each_own(d, [&](Index i) { v[i] = fma(V(-alpha), mean(i), x[i]); });
      tile_.sync();
    }
    tile_.for_each_own(d, [&](Index i) {
      V sum(Real(0));
      if constexpr (has_gain) {
        for (Index j = 0; j < d; ++j) sum = fma(basis(j, i), V(v[j]), sum);
        sum = sum * of_component(table.gain, i);
      }
      scaled[i] = fma(of_component(table.deviation, i), z(i), sum);
    });
    tile_.sync();
    tile_.for_each_own(d, [&](Index i) {
      V y = V(table.shift) * mean(i);
      for (Index j = 0; j < d; ++j) y = fma(basis(i, j), V(scaled[j]), y);
      x[i] = y;
    });
  }

 private:
  /// sums = sum_k e_k [mu_k + U_k factors U_k^T (x - alpha mu_k)], with mu_k only if `with_means`.
  template <bool with_means>
  GMDIFF_PARTICLE particle::Softmax<V> sum_of_components(const LevelTable<Real>& level, Vector point,
                                                         const Real* factors) {
    tile_.for_each_own(law_.dim, [&](Index i) { sums_[i] = V(Real(0)); });
    const auto no_term = [](Index, Index, V) {};
    const auto add = [&](Index first, Index n, const V* factor) {
      if (factor != nullptr) tile_.for_each_own(law_.dim, [&](Index i) { sums_[i] = sums_[i] * *factor; });
      tile_.for_each_own(n * law_.dim,
                         [&](Index row) { z_[row] = V(z_[row]) * weights_.e()[row / law_.dim]; });
      tile_.sync();
      for (Index k = 0; k < n; ++k) add_component<with_means>(first + k, k);
      tile_.sync();  // z is read before the next chunk's is written
    };
    return weights_.chunked(
        law_.num_components,
        [&](Index first, Index n) { logits(level, point, first, n, factors, weights_.ell()); }, no_term, add);
  }

  /// sums += e mu + U scaled, for this worker's coordinates.
  template <bool with_means>
  GMDIFF_PARTICLE void add_component(Index component, Index k) {
    const Index d = law_.dim;
    const Real* mu = law_.means + component * d;
    const V e = weights_.e()[k];
    const auto begin = [&](Index j) -> V {
      if constexpr (with_means) return fma(e, V(mu[j]), sums_[j]);
      return sums_[j];
    };
    multiply</*transposed=*/false>(law_.bases + component * d * d, z_.from(k * d), begin,
                                   [&](Index j, V sum) { sums_[j] = sum; });
  }

  /// Logits of a chunk; z <- factors U_k^T (x - alpha mu_k) of its components.
  GMDIFF_PARTICLE void logits(const LevelTable<Real>& level, Vector point, Index first, Index n,
                              const Real* factors, Vector ell) {
    const Index d = law_.dim;
    for (Index k = 0; k < n; ++k) {
      const Real* mu = law_.means + (first + k) * d;
      const Vector v = k % 2 == 0 ? differences_[0] : differences_[1];
      tile_.for_each_own(d, [&](Index i) { v[i] = fma(V(-level.alpha), V(mu[i]), point[i]); });
      tile_.sync();  // One barrier per component suffices, because the next differences use the other buffer.
      const Vector z = z_.from(k * d);
      multiply</*transposed=*/true>(
          law_.bases + (first + k) * d * d, v, [](Index) { return V(Real(0)); },
          [&](Index i, V value) { z[i] = value; });
    }
    tile_.sync();
    for_each_own_component<Shape>(tile_.worker(), n, [&](Index k) {
      const Real* precision = level.precision.values + (first + k) * d;
      const Real* factor = factors + (first + k) * d;
      const Vector z = z_.from(k * d);
      V q(Real(0));
      for (Index i = 0; i < d; ++i) {
        const V value = z[i];
        q = fma(value * V(precision[i]), value, q);
        z[i] = value * V(factor[i]);
      }
      ell[k] = particle::logit(V(level.constants[first + k]), q);
    });
  }

  /// This worker's rows of U^T v or of U v; U is column-major.
  template <bool transposed, class Start, class Take>
  GMDIFF_PARTICLE void multiply(const Real* U, Vector v, Start start, Take take) const {
    const Index d = law_.dim;
    if (has_rows_of_fours(d)) {
      tile_.for_each_run(
          d, [](Index) {},
          [&](Index r, auto /*run*/) { multiply_by_fours<transposed>(U, r, v, start, take); });
      return;
    }
    const Index row = transposed ? d : 1;
    const Index column = transposed ? 1 : d;
    tile_.for_each_run(
        d, [&](Index r) { particle::product_rows<1>(U, row, column, r, d, v, start, take); },
        [&](Index r, auto run) {
          particle::product_rows<decltype(run)::value>(U, row, column, r, d, v, start, take);
        });
  }
  /// Like particle::product_rows for four rows, with 4 x 4 entries of the matrix at a time.
  template <bool transposed, class Start, class Take>
  GMDIFF_PARTICLE void multiply_by_fours(const Real* U, Index r, Vector v, Start start, Take take) const {
    static_assert(Shape::run == 4);
    const Index d = law_.dim;
    V sums[4] = {start(r), start(r + 1), start(r + 2), start(r + 3)};
    for (Index j = 0; j < d; j += 4) {
      const auto line = [&](int n) {
        return Four<Real>(transposed ? U + (r + n) * d + j : U + (j + n) * d + r);
      };
      const Four<Real> lines[4] = {line(0), line(1), line(2), line(3)};
      for (int n = 0; n < 4; ++n) {
        const V v_j = v[j + n];
        for (int c = 0; c < 4; ++c) sums[c] = fma(V(transposed ? lines[c][n] : lines[n][c]), v_j, sums[c]);
      }
    }
    for (int c = 0; c < 4; ++c) take(r + c, sums[c]);
  }

  Tile tile_;
  const LawTable<Real>& law_;
  Vector sums_;
  Vector differences_[2];
  Vector z_;  // z of a chunk: (chunk_size d)
  TileWeights<V, Tile> weights_;
  V inverse_ = V(Real(0));
};

}  // namespace gmdiff::kernels
