#pragma once

#include "kernels/tile.cuh"
#include "particle/product.hpp"

// Copies between a tile and rows of global memory, which hold one particle each in the data's coordinates.

namespace gmdiff::kernels {

using particle::LawTable;

template <class V, class Tile>
class TileRows {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  static constexpr int lanes = Types<V>::lanes;

  /// @param begin index of this thread's lane 0 in the job
  GMDIFF_PARTICLE TileRows(Tile& tile, const LawTable<Real>& law, std::int64_t begin, std::int64_t count)
      : tile_(tile), law_(law), begin_(begin), count_(count) {}

  /// x = U^T of the given rows, or the rows where the law has no common basis. `unused` is a vector of the
  /// tile that is free.
  GMDIFF_PARTICLE void load(const double* rows, Vector x, Vector unused) {
    const Index d = law_.dim;
    const Vector given = law_.has_common_basis() ? unused : x;
    tile_.for_each_own(d, [&](Index i) {
      given[i] = lanes_of([&](int lane) { return static_cast<Real>(rows[(begin_ + lane) * d + i]); });
    });
    if (!law_.has_common_basis()) return;
    tile_.sync();
    multiply(d, 1, given, [&](Index i, V value) { x[i] = value; });
  }

  /// Writes U x, or x without a common basis; place(lane, i) is the destination of coordinate i. All workers
  /// must have written x.
  template <class Place>
  GMDIFF_PARTICLE void store(Vector x, Place place) {
    const auto take = [&](Index i, V value) { store_lanes(value, [&](int lane) { return place(lane, i); }); };
    if (law_.has_common_basis()) {
      multiply(1, law_.dim, x, take);
    } else {
      tile_.for_each_own(law_.dim, [&](Index i) { take(i, x[i]); });
    }
  }

  /// Loads one number per lane; lanes beyond the last particle get 0.
  template <class Number>
  GMDIFF_PARTICLE V lanes_of(Number number) const {
    Real values[lanes];
    for (int lane = 0; lane < lanes; ++lane) values[lane] = has(lane) ? number(lane) : Real(0);
    return V::load(values);
  }
  template <class Place>
  GMDIFF_PARTICLE void store_lanes(V value, Place place) const {
    Real values[lanes];
    value.store(values);
    for (int lane = 0; lane < lanes; ++lane) {
      if (has(lane)) *place(lane) = values[lane];
    }
  }
  /// Particles of this thread with a coordinate that is not finite: times 0 it is NaN.
  GMDIFF_PARTICLE int count_non_finite(Vector x) const {
    V zero(Real(0));
    for (Index i = 0; i < law_.dim; ++i) zero = fma(V(Real(0)), V(x[i]), zero);
    Real values[lanes];
    zero.store(values);
    int count = 0;
    for (int lane = 0; lane < lanes; ++lane) count += has(lane) && values[lane] != Real(0) ? 1 : 0;
    return count;
  }
  /// Whether the lane has a particle.
  GMDIFF_PARTICLE bool has(int lane) const { return begin_ + lane < count_; }

 private:
  /// This worker's rows of U^T v (row = d, column = 1) or U v (row = 1, column = d).
  template <class Take>
  GMDIFF_PARTICLE void multiply(Index row, Index column, Vector v, Take take) const {
    tile_.for_each_own(law_.dim, [&](Index r) {
      particle::product_rows<1>(
          law_.bases, row, column, r, law_.dim, v, [](Index) { return V(Real(0)); }, take);
    });
  }

  Tile tile_;
  const LawTable<Real>& law_;
  std::int64_t begin_;
  std::int64_t count_;
};

}  // namespace gmdiff::kernels
