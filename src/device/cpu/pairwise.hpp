#pragma once

#include <algorithm>
#include <vector>

#include <gmdiff/base/points.hpp>

#include "device/cpu/dispatch.hpp"
#include "device/cpu/parallel.hpp"

// Squared distances of all pairs of points, a few hundred at a time, in O(n^2 d) time without O(n^2) memory.
// Differences are computed before squaring, because an expansion of |x - y|^2 loses small distances between
// points far from the origin.

namespace gmdiff {

/// Points (m, d) as tiles of a few points, coordinate by coordinate, so that one load serves several pairs.
/// The last tile is padded. A piece of work is a range of tiles. Visitors are called on several threads at
/// once, with the number of the thread and of the piece.
class PairTiles {
 public:
  static constexpr Eigen::Index width = cpu::points_per_tile;

  PairTiles(const Points& points, ThreadPool& pool)
      : pool_(pool),
        size_(points.rows()),
        dim_(points.cols()),
        values_(static_cast<std::size_t>((size_ + width - 1) / width * width * dim_), 0.0),
        piece_points_(points_of_a_piece(dim_)),
        unit_(cpu::distance_unit(cpu::chosen_instruction_set())) {
    for (Eigen::Index j = 0; j < size_; ++j) {
      for (Eigen::Index c = 0; c < dim_; ++c) {
        values_[static_cast<std::size_t>((j / width * dim_ + c) * width + j % width)] = points(j, c);
      }
    }
  }

  int threads() const { return pool_.threads(); }

  /// Sum of term(squares) over all pairs of x_i and tiled points j, given |x_i - y_j|^2 for one x_i and the
  /// points of one piece at a time.
  template <class Term>
  long double sum_cross(const Points& x, Term&& term) const {
    const double operations =
        static_cast<double>(x.rows()) * static_cast<double>(size_) * static_cast<double>(dim_);
    return sum_of_pieces(pool_, num_pieces(), operations, [&](std::int64_t piece) {
      Eigen::ArrayXd squares(piece_points_);
      const Eigen::Index begin = piece * piece_points_;
      const Eigen::Index end = std::min(begin + piece_points_, size_);
      long double sum = 0.0L;
      for (Eigen::Index i = 0; i < x.rows(); ++i) {
        fill(x.row(i).data(), begin, end, squares);
        sum += static_cast<long double>(term(squares.head(end - begin)));
      }
      return sum;
    });
  }

  /// Calls visit(thread, squares) with |x_i - x_j|^2 for all i < j, where `x` are the tiled points
  /// themselves.
  template <class Visit>
  void visit_pairs(const Points& x, Visit&& visit) const {
    for_each_piece(pool_, num_pieces(), pair_operations(), [&](int thread, std::int64_t piece) {
      visit_piece(x, piece, [&](const auto& squares) { visit(thread, squares); });
    });
  }

  /// Sum of term(squares) over the same pairs.
  template <class Term>
  long double sum_pairs(const Points& x, Term&& term) const {
    return sum_of_pieces(pool_, num_pieces(), pair_operations(), [&](std::int64_t piece) {
      long double sum = 0.0L;
      visit_piece(x, piece, [&](const auto& squares) { sum += static_cast<long double>(term(squares)); });
      return sum;
    });
  }

 private:
  /// The tiles of a piece stay in the second-level cache (128 KiB) while all x_i pass.
  static Eigen::Index points_of_a_piece(Eigen::Index dim) {
    return std::clamp<Eigen::Index>(16384 / std::max<Eigen::Index>(dim, 1) / width, 1, 64) * width;
  }
  std::int64_t num_pieces() const { return (size_ + piece_points_ - 1) / piece_points_; }
  double pair_operations() const {
    return 0.5 * static_cast<double>(size_) * static_cast<double>(size_) * static_cast<double>(dim_);
  }

  template <class Visit>
  void visit_piece(const Points& x, std::int64_t piece, const Visit& visit) const {
    Eigen::ArrayXd squares(piece_points_);
    const Eigen::Index begin = piece * piece_points_;
    const Eigen::Index end = std::min(begin + piece_points_, size_);
    for (Eigen::Index i = 0; i + 1 < end; ++i) {
      const Eigen::Index first = std::max(begin, i + 1);
      const Eigen::Index tile = first / width * width;
      fill(x.row(i).data(), tile, end, squares);
      visit(squares.segment(first - tile, end - first));
    }
  }

  /// Computes the squared distances of one point (d) from the tiled points [begin, end); begin is a multiple
  /// of the width.
  void fill(const double* point, Eigen::Index begin, Eigen::Index end, Eigen::ArrayXd& squares) const {
    unit_.squared_distances(point, dim_, values_.data() + begin * dim_, (end - begin + width - 1) / width,
                            squares.data());
  }

  ThreadPool& pool_;
  Eigen::Index size_;
  Eigen::Index dim_;
  std::vector<double> values_;
  Eigen::Index piece_points_;
  cpu::DistanceUnit unit_;
};

}  // namespace gmdiff
