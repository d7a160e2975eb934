#pragma once

#include "kernels/tile.cuh"

// The mixture on a tile: the parts that all laws of more than four coordinates share.

namespace gmdiff::kernels {

using particle::Family;
using particle::LawTable;
using particle::MoveTable;

/// Weights of the components, computed by all workers together. `Law` defines the logits of a chunk and the
/// sums:
///   chunk_logits(level, y, first, n, ell)   writes ell[0 ... n), each worker some of them; may synchronise
///   add_chunk(..)                           below, in the laws
template <class V, class Tile>
class TileWeights {
 public:
  using Real = RealOf<V>;
  using Shape = typename Tile::Shape;
  using Vector = typename Tile::Vector;

  GMDIFF_PARTICLE TileWeights(Tile& tile, Index rows)
      : tile_(tile), ell_(tile.take(rows)), e_(tile.take(rows)), terms_(tile.take(rows)) {}

  GMDIFF_PARTICLE Vector ell() const { return ell_; }
  /// e_k of the last chunk, or after `all` those of all components.
  GMDIFF_PARTICLE Vector e() const { return e_; }
  /// Memory of the same shape for a law's terms, computed from e.
  GMDIFF_PARTICLE Vector terms() const { return terms_; }

  /// A softmax over chunks in the order of particle/softmax.hpp. `logits(first, n)` writes the chunk's logits
  /// to ell() from row 0 on. The worker that owns component k calls `term(k, e)`. `add(first, n, factor)`
  /// sums after all workers have written e and the terms; factor is null for the first chunk.
  template <class Logits, class Term, class Add>
  GMDIFF_PARTICLE particle::Softmax<V> chunked(Index num_components, Logits logits, Term term, Add add) {
    V maximum(std::numeric_limits<Real>::lowest());
    V total(Real(0));
    for (Index first = 0; first < num_components; first += particle::chunk_size) {
      const Index n = particle::chunk_length(num_components, first);
      logits(first, n);
      tile_.sync();
      const V before = maximum;
      for (Index k = 0; k < n; ++k) maximum = particle::larger<V>(maximum, ell_[k]);
      for_each_own_component<Shape>(tile_.worker(), n, [&](Index k) {
        const V e = particle::exp_nonpositive(ell_[k] - maximum);
        e_[k] = e;
        term(first, k, e);
      });
      tile_.sync();
      V factor(Real(1));
      if (first > 0) {
        factor = particle::exp_nonpositive(before - maximum);
        total = total * factor;
      }
      for (Index k = 0; k < n; ++k) total = total + e_[k];
      add(first, n, first > 0 ? &factor : nullptr);
    }
    return {maximum, total};
  }

  /// Computes all logits in ell(); `logits(first, n)` writes those of a chunk to the rows from `first` on.
  template <class Logits>
  GMDIFF_PARTICLE void all_logits(Index num_components, Logits logits) {
    for (Index first = 0; first < num_components; first += particle::chunk_size) {
      logits(first, particle::chunk_length(num_components, first));
    }
    tile_.sync();
  }

  /// Computes all e_k in e() from all logits; returns the maximum and the sum.
  GMDIFF_PARTICLE particle::Softmax<V> all(Index num_components) { return all(num_components, ell_); }
  /// Computes them from logits in a vector of the same shape.
  GMDIFF_PARTICLE particle::Softmax<V> all(Index num_components, Vector ell) {
    V maximum(std::numeric_limits<Real>::lowest());
    for (Index k = 0; k < num_components; ++k) maximum = particle::larger<V>(maximum, ell[k]);
    for_each_own_component<Shape>(tile_.worker(), num_components,
                                  [&](Index k) { e_[k] = particle::exp_nonpositive(ell[k] - maximum); });
    tile_.sync();
    V total(Real(0));
    for (Index k = 0; k < num_components; ++k) total = total + e_[k];
    return {maximum, total};
  }

  /// Chooses the component for a uniform number u.
  GMDIFF_PARTICLE BitsOf<V> choose(Index num_components, V u) { return choose(num_components, u, ell_); }
  GMDIFF_PARTICLE BitsOf<V> choose(Index num_components, V u, Vector ell) {
    const V total = all(num_components, ell).total;
    particle::Choice<V> chosen(u, total);
    for (Index k = 0; k < num_components; ++k) chosen.add(k, e_[k]);
    return chosen.component();
  }

 private:
  Tile tile_;
  Vector ell_, e_, terms_;
};

}  // namespace gmdiff::kernels
