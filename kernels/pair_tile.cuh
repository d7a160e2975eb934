#pragma once

#include "kernels/distances.hpp"
#include "particle/arithmetic.hpp"

namespace gmdiff::kernels {

/// All pairs of 64 points a with 64 points b, 32 pairs per thread. Each pair has one accumulator over the
/// coordinates in ascending order, as on the device cpu. A few coordinates at a time are in shared memory.
template <class Block>
class PairTile {
 public:
  using V = particle::One<double>;

  GMDIFF_PARTICLE explicit PairTile(Block& block)
      : block_(block),
        a_(block.template shared<double>(static_cast<std::size_t>(tile_depth * tile_stride))),
        b_(block.template shared<double>(static_cast<std::size_t>(tile_depth * tile_stride))) {}

  /// Computes the sums for the points from first_a and first_b on; pairs beyond the end of a set are computed
  /// from zeros. `add(a_c, b_c, sum)` returns the sum with one more coordinate.
  template <class Add>
  GMDIFF_PARTICLE void compute(const Rows& a, Index first_a, const Rows& b, Index first_b, Index dim,
                               Add add) {
    for (auto& row : sums_) {
      for (V& sum : row) sum = V(0.0);
    }
    for (Index first = 0; first < dim; first += tile_depth) {
      const int depth = static_cast<int>(dim - first < tile_depth ? dim - first : tile_depth);
      copy(a, first_a, dim, first, depth, a_);
      copy(b, first_b, dim, first, depth, b_);
      block_.sync();
      for (int c = 0; c < depth; ++c) add_coordinate(c, add);
      block_.sync();
    }
  }

  /// Calls visit(i, j, sum) for this thread's pairs, where i and j are indices in the tile; i changes
  /// slowest.
  template <class Visit>
  GMDIFF_PARTICLE void for_each_pair(Visit visit) const {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) visit(row(r), column(c), sums_[r][c]);
    }
  }

 private:
  // The points of a thread are this far apart, so that neighbouring threads read and write neighbouring
  // numbers.
  static constexpr int across = 16;
  static constexpr int rows = static_cast<int>(tile_side) / across;
  static constexpr int columns = static_cast<int>(tile_side) * across / block_threads;

  GMDIFF_PARTICLE Index row(int r) const { return block_.thread_rank() % across + r * across; }
  GMDIFF_PARTICLE Index column(int c) const {
    return block_.thread_rank() / across + c * (block_threads / across);
  }

  /// Copies coordinates [first, first + depth) of the tile's points, coordinate by coordinate.
  GMDIFF_PARTICLE void copy(const Rows& from, Index first_point, Index dim, Index first, int depth,
                            double* to) const {
    for (int e = block_.thread_rank(); e < tile_side * depth; e += block_threads) {
      const int point = e / depth;
      const int c = e % depth;
      const bool is_there = first_point + point < from.count;
      to[c * tile_stride + point] = is_there ? from.values[(first_point + point) * dim + first + c] : 0.0;
    }
  }

  template <class Add>
  GMDIFF_PARTICLE void add_coordinate(int coordinate, Add add) {
    const double* const a = a_ + coordinate * tile_stride;
    const double* const b = b_ + coordinate * tile_stride;
    V left[rows];
    for (int r = 0; r < rows; ++r) left[r] = V(a[row(r)]);
    for (int c = 0; c < columns; ++c) {
      const V right(b[column(c)]);
      for (int r = 0; r < rows; ++r) sums_[r][c] = add(left[r], right, sums_[r][c]);
    }
  }

  Block& block_;
  double* a_;
  double* b_;
  V sums_[rows][columns];
};

}  // namespace gmdiff::kernels
