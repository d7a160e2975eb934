#pragma once

#include "kernels/thread_law.cuh"

// Laws of more than four coordinates with full covariances, on a thread. z = U_k^T (x - alpha mu_k) gives a
// logit. It is not kept for a chunk of components but computed again, and then multiplied by the same U_k,
// column by column.

namespace gmdiff::kernels {

template <class V, class Shape, class Block>
class FullThread : public ThreadLaw<V, Shape, Block> {
  using Base = ThreadLaw<V, Shape, Block>;
  using Base::law_;

 public:
  using Real = RealOf<V>;
  using Base::most;

  GMDIFF_PARTICLE FullThread(Block& block, const LawTable<Real>& law) : Base(block, law) {
    precision_ = this->take(most);
    gain_ = this->take(most);
    bases_ = this->take(most * most);
  }

  /// D = sum_k r_k [mu_k + U_k gain U_k^T (x - alpha mu_k)]
  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, const V* x, V* D) {
    V sums[most];
    for (V& sum : sums) sum = V(Real(0));
    const auto rescale = [&](V factor) {
      for (V& sum : sums) sum = sum * factor;
    };
    const auto add = [&](int k, V e) { this->add(level.alpha, k, e, x, sums); };
    const V total = this->softmax_total(stage(level), logit(level.alpha, x), rescale, add);
    const V inverse = V(Real(1)) / total;
    this->for_each_coordinate([&](int i) { D[i] = sums[i] * inverse; });
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_logit(const LevelTable<Real>& level, const V* x, bool again, Body body) {
    this->logits(again, stage(level), logit(level.alpha, x), body);
  }

  /// x <- shift mu_k + U_k (gain U_k^T (x - alpha mu_k) + deviation z), where each particle has its own U_k;
  /// both products go column by column.
  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component,
                            Normal normal, V* x) const {
    const Index d = law_.dim;
    const auto basis = [&](Index j, Index i) {
      return particle::gather<V>(component, law_.bases + i * d + j, d * d);
    };
    const auto of_component = [&](const particle::Spectrum<Real>& spectrum, Index i) {
      return particle::gather<V>(component, spectrum.values + i * spectrum.stride_i, spectrum.stride_k);
    };
    V v[most], y[most];
    this->for_each_coordinate([&](int j) {
      const V mean = particle::gather<V>(component, law_.means + j, d);
      if constexpr (has_gain) v[j] = fma(V(-level.alpha), mean, x[j]);
      y[j] = V(table.shift) * mean;
    });
    for (Index i = 0; i < d; ++i) {
      V sum(Real(0));
      if constexpr (has_gain) {
        this->for_each_coordinate([&](int j) { sum = fma(basis(j, i), v[j], sum); });
        sum = sum * of_component(table.gain, i);
      }
      const V scaled = fma(of_component(table.deviation, i), normal(i), sum);
      this->for_each_coordinate([&](int j) { y[j] = fma(basis(j, i), scaled, y[j]); });
    }
    this->for_each_coordinate([&](int j) { x[j] = y[j]; });
  }

 private:
  GMDIFF_PARTICLE auto stage(const LevelTable<Real>& level) {
    return [this, &level](Index first, int n) {
      const Index d = law_.dim;
      const auto always = [&] {
        this->stage_rows(level.precision.values + first * d, n, precision_);
        this->stage_rows(level.gain.values + first * d, n, gain_);
      };
      Base::stage(level, first, n, always,
                  [&] { this->stage_matrices(law_.bases + first * d * d, n, bases_); });
    };
  }

  GMDIFF_PARTICLE auto logit(Real alpha, const V* x) const {
    return [this, alpha, x](int k) {
      V q(Real(0));
      const Real* precision = precision_ + k * most;
      for_each_column<2>(alpha, k, x,
                         [&](int i, V z, const Real* /*column*/) { q = fma(z * V(precision[i]), z, q); });
      return particle::logit(V(this->constants_[k]), q);
    };
  }

  /// sums += e (mu_k + U_k gain z)
  GMDIFF_PARTICLE void add(Real alpha, int k, V e, const V* x, V* sums) const {
    this->add_row(this->means_ + k * most, e, sums);
    const Real* gain = gain_ + k * most;
    // In double, registers have no room for two columns in addition to the sums.
    for_each_column<sizeof(Real) == sizeof(float) ? 2 : 1>(alpha, k, x, [&](int i, V z, const Real* column) {
      const V scaled = z * V(gain[i]) * e;
      this->for_each_four([&](int j) {
        for (int c = 0; c < 4; ++c) sums[j + c] = fma(V(column[j + c]), scaled, sums[j + c]);
      });
    });
  }

  /// Calls take(i, z_i, column i of U_k) in ascending order, where z = U_k^T (x - alpha mu_k); handles n
  /// columns side by side.
  template <int n, class Take>
  GMDIFF_PARTICLE void for_each_column(Real alpha, int k, const V* x, Take take) const {
    V v[most];
    this->for_each_four([&](int j) {
      const Four<Real> mu(this->means_ + k * most + j);
      for (int c = 0; c < 4; ++c) v[j + c] = fma(V(-alpha), V(mu[c]), x[j + c]);
    });
    const Real* U = bases_ + k * most * most;
    int i = 0;
    for (; i + n <= this->short_dim(); i += n) columns<n>(U, i, v, take);
    for (; i < this->short_dim(); ++i) columns<1>(U, i, v, take);
  }
  /// Does this for columns i ... i + n - 1, which are read once and held in registers.
  template <int n, class Take>
  GMDIFF_PARTICLE void columns(const Real* U, int i, const V* v, Take take) const {
    Real of[n][most];
    V z[n];
    for (V& z_i : z) z_i = V(Real(0));
    this->for_each_four([&](int j) {
      for (int c = 0; c < n; ++c) {
        const Four<Real> column(U + (i + c) * most + j);
        for (int r = 0; r < 4; ++r) {
          of[c][j + r] = column[r];
          z[c] = fma(V(column[r]), v[j + r], z[c]);
        }
      }
    });
    for (int c = 0; c < n; ++c) take(i + c, z[c], of[c]);
  }

  // Tables of the chunk.
  Real* precision_;  // (n, most)
  Real* gain_;
  Real* bases_;  // (n, most, most), column by column
};

}  // namespace gmdiff::kernels
