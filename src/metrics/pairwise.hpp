#pragma once

#include <algorithm>
#include <vector>

#include <gmdiff/points.hpp>

// Squared distances of all pairs of points, a few hundred at a time: O(n^2 d) time, no n^2 memory. Differences are taken before they
// are squared: expanding |x - y|^2 loses the small distances of points far from the origin.

namespace gmdiff {

/// Points (m, d) as tiles of `width` points, coordinate by coordinate, so that one load serves several pairs. The last tile is padded.
class PairTiles {
 public:
  static constexpr Eigen::Index width = 8;

  explicit PairTiles(const Points& points)
      : size_(points.rows()),
        dim_(points.cols()),
        values_(static_cast<std::size_t>((size_ + width - 1) / width * width * dim_), 0.0),
        block_(block_size(dim_)),
        squares_(block_) {
    for (Eigen::Index j = 0; j < size_; ++j) {
      for (Eigen::Index c = 0; c < dim_; ++c) {
        values_[static_cast<std::size_t>((j / width * dim_ + c) * width + j % width)] = points(j, c);
      }
    }
  }

  /// Calls visit(squares) with |x_i - y_j|^2 for all i and all tiled points j; the squares come as arrays of at most a block.
  template <class Visit>
  void visit_cross(const Points& x, Visit&& visit) {
    for (Eigen::Index begin = 0; begin < size_; begin += block_) {
      const Eigen::Index end = std::min(begin + block_, size_);
      for (Eigen::Index i = 0; i < x.rows(); ++i) {
        fill(x.row(i).data(), begin, end);
        visit(squares_.head(end - begin));
      }
    }
  }

  /// Calls visit(squares) with |x_i - x_j|^2 for all i < j, where `x` are the tiled points themselves.
  template <class Visit>
  void visit_pairs(const Points& x, Visit&& visit) {
    for (Eigen::Index begin = 0; begin < size_; begin += block_) {
      const Eigen::Index end = std::min(begin + block_, size_);
      for (Eigen::Index i = 0; i + 1 < end; ++i) {
        const Eigen::Index first = std::max(begin, i + 1);
        const Eigen::Index tile = first / width * width;
        fill(x.row(i).data(), tile, end);
        visit(squares_.segment(first - tile, end - first));
      }
    }
  }

 private:
  /// A block of tiles stays in the second-level cache (128 KiB) while all x_i pass.
  static Eigen::Index block_size(Eigen::Index dim) {
    return std::clamp<Eigen::Index>(16384 / std::max<Eigen::Index>(dim, 1) / width, 1, 64) * width;
  }

  /// Squared distances of one point (d) to tiled points [begin, end); begin is a multiple of the width.
  void fill(const double* point, Eigen::Index begin, Eigen::Index end) {
    using Tile = Eigen::Array<double, width, 1>;
    for (Eigen::Index j = begin; j < end; j += width) {
      const double* tile = values_.data() + j * dim_;
      Tile sum = Tile::Zero();
      for (Eigen::Index c = 0; c < dim_; ++c) sum += (Eigen::Map<const Tile>(tile + c * width) - point[c]).square();
      squares_.segment<width>(j - begin) = sum;
    }
  }

  Eigen::Index size_;
  Eigen::Index dim_;
  std::vector<double> values_;
  Eigen::Index block_;
  Eigen::ArrayXd squares_;
};

}  // namespace gmdiff
