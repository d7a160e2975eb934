#pragma once

#include "kernels/thread_steps.cuh"
#include "particle/small.hpp"

// Laws of at most four coordinates on a thread. The thread block copies the records of a level to shared
// memory, a chunk of components at a time, and all threads read them together.

namespace gmdiff::kernels {

template <class V, int D, bool full, class Block>
class SmallThread {
 public:
  using Real = RealOf<V>;
  using Law = particle::SmallLaw<V, D, full>;
  static constexpr int most = D;

  GMDIFF_PARTICLE SmallThread(Block& block, const LawTable<Real>& law)
      : block_(block),
        law_(law),
        chunk_(block.template shared<Real>(
            static_cast<std::size_t>(particle::chunk_size * Law::record.size()))) {}

  GMDIFF_PARTICLE static constexpr Index dim() { return D; }
  GMDIFF_PARTICLE V* previous() { return previous_; }

  template <class Body>
  GMDIFF_PARTICLE static void for_each_coordinate(Body body) {
    for_each_of<D, D>(D, body);
  }
  template <class Normal, class Body>
  GMDIFF_PARTICLE static void for_each_normal(Normal normal, Body body) {
    for_each_coordinate([&](int i) { body(i, normal(i)); });
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, const V* x, V* D_of) {
    Law::denoiser(
        law_, [&](Index first, Index n) { return stage(level, first, n); }, x, D_of);
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_logit(const LevelTable<Real>& level, const V* x, bool /*again*/, Body body) {
    for (Index first = 0; first < law_.num_components; first += particle::chunk_size) {
      const Index n = particle::chunk_length(law_.num_components, first);
      V ell[particle::chunk_size];
      Law::logits(stage(level, first, n), n, x, ell);
      particle::for_each_of_chunk(n, [&](Index k) { body(first + k, ell[k]); });
    }
  }

  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component,
                            Normal normal, V* x) const {
    V z[D];
    for_each_normal(normal, [&](int i, V z_i) { z[i] = z_i; });
    Law::template move<has_gain>(law_, level, table, component, z, x);
  }

  GMDIFF_PARTICLE void rotate(const V* x, V* y, bool to_basis) const {
    if (!law_.has_common_basis()) {
      for (int i = 0; i < D; ++i) y[i] = x[i];
      return;
    }
    const int row = to_basis ? D : 1;
    const int column = to_basis ? 1 : D;
    for (int r = 0; r < D; ++r) {
      y[r] = V(Real(0));
      for (int j = 0; j < D; ++j) y[r] = fma(V(law_.bases[r * row + j * column]), x[j], y[r]);
    }
  }

 private:
  /// All threads of the block copy the records of a chunk to shared memory.
  GMDIFF_PARTICLE const Real* stage(const LevelTable<Real>& level, Index first, Index n) {
    const Real* from = level.records + first * Law::record.size();
    const int numbers = static_cast<int>(n) * Law::record.size();
    block_.sync();  // no thread reads the last chunk any more
    for (int i = block_.thread_rank(); i < numbers; i += block_.size()) chunk_[i] = from[i];
    block_.sync();
    return chunk_;
  }

  Block& block_;
  const LawTable<Real>& law_;
  Real* chunk_;
  V previous_[D];
};

}  // namespace gmdiff::kernels
