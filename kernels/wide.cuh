#pragma once

#include "kernels/four.cuh"
#include "kernels/tile_law.cuh"

// Laws of more than four coordinates whose covariances are diagonal in the working coordinates, on a tile.
// Differences x - alpha mu are computed directly, which avoids the cancellation of |x|^2 - 2 x mu + |mu|^2. A
// thread holds the sums of several components, later of several coordinates, for each of its particles.

namespace gmdiff::kernels {

template <class V, class Tile, Family family>
class WideTile {
 public:
  using Real = RealOf<V>;
  using Shape = typename Tile::Shape;
  using Vector = typename Tile::Vector;
  using Terms = particle::WideTerms<V, family>;
  static constexpr Family kind = family;

  GMDIFF_PARTICLE WideTile(Tile& tile, const LawTable<Real>& law, const TileRoom& room, Vector sums)
      : tile_(tile), law_(law), sums_(sums), weights_(tile, room.weights) {
    if constexpr (family == Family::diag || family == Family::tied) extra_ = tile.take(law.dim);
  }

  GMDIFF_PARTICLE TileWeights<V, Tile>& weights() { return weights_; }

  /// Computes the sums over the components for the denoiser at `point`. All workers must have written `point`
  /// before.
  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, Vector point) {
    const Vector y = scaled(level, point);
    gain_ = V(Real(0));
    const auto term = [&](Index first, Index k, V e) {
      if constexpr (family == Family::spherical) weights_.terms()[k] = e * V(level.shrink.values[first + k]);
    };
    const auto add = [&](Index first, Index n, const V* factor) {
      if constexpr (family == Family::spherical) {
        if (factor != nullptr) gain_ = gain_ * *factor;
        for (Index k = 0; k < n; ++k) gain_ = fma(V(weights_.e()[k]), V(level.gain.values[first + k]), gain_);
      }
      const Vector w = family == Family::spherical ? weights_.terms() : weights_.e();
      accumulate((family == Family::diag ? level.shrink.values : law_.means) + first * law_.dim, n, w, factor,
                 sums_);
      if constexpr (family == Family::diag)
        accumulate(level.gain.values + first * law_.dim, n, w, factor, extra_);
    };
    const auto softmax = weights_.chunked(
        law_.num_components, [&](Index first, Index n) { logits(level, y, first, n, weights_.ell()); }, term,
        add);
    inverse_ = V(Real(1)) / softmax.total;
  }
  /// D_i from these sums, for a coordinate of this worker.
  GMDIFF_PARTICLE V denoised(const LevelTable<Real>& level, Index i, V point) const {
    V gain = gain_;
    if constexpr (family == Family::diag) gain = extra_[i];
    return Terms::denoiser(level, i, point, sums_[i], gain, inverse_);
  }

  /// Computes the sums for the score.
  GMDIFF_PARTICLE particle::Softmax<V> score(const LevelTable<Real>& level, Vector point) {
    const Vector y = scaled(level, point);
    tile_.for_each_own(law_.dim, [&](Index i) { sums_[i] = V(Real(0)); });
    const auto term = [&](Index first, Index k, V e) {
      if constexpr (family == Family::spherical)
        weights_.terms()[k] = e * V(level.precision.values[first + k]);
    };
    const auto add = [&](Index first, Index n, const V* factor) {
      const Vector w = family == Family::spherical ? weights_.terms() : weights_.e();
      tile_.for_each_own(law_.dim, [&](Index i) {
        if (factor != nullptr) sums_[i] = sums_[i] * *factor;
        Terms::template accumulate_scores<1>(law_, level, first, n, w, y, i, sums_);
      });
    };
    const auto softmax = weights_.chunked(
        law_.num_components, [&](Index first, Index n) { logits(level, y, first, n, weights_.ell()); }, term,
        add);
    inverse_ = V(Real(-2)) / softmax.total;
    return softmax;
  }
  GMDIFF_PARTICLE V scored(const LevelTable<Real>& level, Index i) const {
    const V S = sums_[i] * inverse_;
    if constexpr (family == Family::tied) return S * V(level.precision.values[i]);
    return S;
  }

  /// Computes the logits of all components in weights().ell().
  GMDIFF_PARTICLE void all_logits(const LevelTable<Real>& level, Vector point) {
    const Vector y = scaled(level, point);
    weights_.all_logits(law_.num_components, [&](Index first, Index n) {
      logits(level, y, first, n, weights_.ell().from(first));
    });
  }

  /// x <- the move of each particle's component, with normals z(i).
  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(Real alpha, const MoveTable<Real>& table, BitsOf<V> component, Normal z,
                            Vector x) {
    tile_.for_each_own(law_.dim, [&](Index i) {
      x[i] = Terms::template moved<has_gain>(law_, alpha, table, component, i, x[i], z(i));
    });
  }

 private:
  /// The point, scaled for tied covariances, from which differences are computed.
  GMDIFF_PARTICLE Vector scaled(const LevelTable<Real>& level, Vector point) {
    if constexpr (family == Family::tied) {
      tile_.for_each_own(law_.dim, [&](Index i) { extra_[i] = V(level.precision.values[i]) * point[i]; });
      tile_.sync();
      return extra_;
    }
    return point;
  }

  GMDIFF_PARTICLE void logits(const LevelTable<Real>& level, Vector y, Index first, Index n,
                              Vector ell) const {
    constexpr int each = static_cast<int>(particle::chunk_size) / Shape::workers;
    const Index begin = tile_.worker() * each;
    if (begin + each <= n) {
      write_logits<each>(level, y, first, begin, ell);
    } else {
      for (Index k = begin; k < n; ++k) write_logits<1>(level, y, first, k, ell);
    }
  }
  template <int n>
  GMDIFF_PARTICLE void write_logits(const LevelTable<Real>& level, Vector y, Index first, Index k,
                                    Vector ell) const {
    V q[n];
    if (has_rows_of_fours(law_.dim)) {
      quadratics_by_fours<n>(level, first + k, y, q);
    } else {
      Terms::template quadratics<n>(law_, level, first + k, y, q);
    }
    for (int c = 0; c < n; ++c) ell[k + c] = particle::logit(V(level.constants[first + k + c]), q[c]);
  }

  /// Like Terms::quadratics, reading four numbers of a table at a time.
  template <int n>
  GMDIFF_PARTICLE void quadratics_by_fours(const LevelTable<Real>& level, Index first, Vector y, V* q) const {
    const Index d = law_.dim;
    for (int c = 0; c < n; ++c) q[c] = V(Real(0));
    for (Index i = 0; i < d; i += 4) {
      const V y4[4] = {y[i], y[i + 1], y[i + 2], y[i + 3]};
      for (int c = 0; c < n; ++c) {
        const Index row = (first + c) * d + i;
        const Four<Real> mu(law_.means + row);
        const Four<Real> precision(family == Family::diag ? level.precision.values + row : law_.means + row);
        for (int j = 0; j < 4; ++j)
          q[c] = Terms::add_square(Terms::slope(level, i + j), mu[j], precision[j], y4[j], q[c]);
      }
    }
    if constexpr (family == Family::spherical) {
      for (int c = 0; c < n; ++c) q[c] = q[c] * V(level.precision.values[first + c]);
    }
  }

  GMDIFF_PARTICLE void accumulate(const Real* p, Index n, Vector w, const V* factor, Vector sums) const {
    if (has_rows_of_fours(law_.dim)) return accumulate_by_fours(p, n, w, factor, sums);
    tile_.for_each_run(
        law_.dim, [&](Index i) { Terms::template accumulate<1>(p, law_.dim, i, n, w, factor, sums); },
        [&](Index i, auto run) {
          Terms::template accumulate<decltype(run)::value>(p, law_.dim, i, n, w, factor, sums);
        });
  }

  /// Like Terms::accumulate, reading four numbers of a table at a time; all runs of a worker are whole.
  GMDIFF_PARTICLE void accumulate_by_fours(const Real* p, Index n, Vector w, const V* factor,
                                           Vector sums) const {
    static_assert(Shape::run == 4);
    const auto of_run = [&](Index i, auto /*run*/) {
      V four[4];
      for (int c = 0; c < 4; ++c) four[c] = factor == nullptr ? V(Real(0)) : sums[i + c] * *factor;
      for (Index k = 0; k < n; ++k) {
        const V w_k = w[k];
        const Four<Real> row(p + k * law_.dim + i);
        for (int c = 0; c < 4; ++c) four[c] = fma(w_k, V(row[c]), four[c]);
      }
      for (int c = 0; c < 4; ++c) sums[i + c] = four[c];
    };
    tile_.for_each_run(
        law_.dim, [](Index) {}, of_run);
  }

  Tile tile_;
  const LawTable<Real>& law_;
  Vector sums_;
  Vector extra_;  // diag: sums of gains; tied: the scaled point
  TileWeights<V, Tile> weights_;
  V gain_ = V(Real(0));
  V inverse_ = V(Real(0));
};

}  // namespace gmdiff::kernels
