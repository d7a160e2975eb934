#include "metrics/scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gmdiff {
namespace {

constexpr double smallest_ordinary = 0x1p-400;
constexpr double largest_ordinary = 0x1p+400;

/// For each coordinate, the largest minus the smallest value over both sets; shape (1, d).
Eigen::RowVectorXd extents(const Points& x, const Points& y) {
  Eigen::RowVectorXd high = x.row(0);
  Eigen::RowVectorXd low = x.row(0);
  // Row by row, as points lie in memory.
  for (const Points* points : {&x, &y}) {
    for (Eigen::Index n = 0; n < points->rows(); ++n) {
      high = high.cwiseMax(points->row(n));
      low = low.cwiseMin(points->row(n));
    }
  }
  return (high - low).cwiseMin(std::numeric_limits<double>::max());
}

/// Whether no value is above half of the largest ordinary size, so that no extent is above it.
bool all_ordinary(const Points& points) {
  return points.size() == 0 || points.cwiseAbs().maxCoeff() <= 0.5 * largest_ordinary;
}

/// Whether some coordinate of the first point differs from that of another point by an ordinary amount.
bool has_ordinary_extent(const Points& x, const Points& y) {
  return (x.row(x.rows() - 1) - x.row(0)).cwiseAbs().maxCoeff() >= smallest_ordinary ||
         (y.row(0) - x.row(0)).cwiseAbs().maxCoeff() >= smallest_ordinary;
}

/// A coordinate that is not constant is at most 2^53 times its extent, so a factor that brings the extent to
/// 1 cannot make it overflow.
Points scaled(const Points& points, const Eigen::RowVectorXd& extents, double factor) {
  Points result = factor * points;
  for (Eigen::Index i = 0; i < points.cols(); ++i) {
    if (extents(i) == 0.0) result.col(i).setZero();
  }
  return result;
}

}  // namespace

double normalising_factor(double size) {
  constexpr int largest_exponent = std::numeric_limits<double>::max_exponent - 1;
  const bool ordinary = size >= smallest_ordinary && size <= largest_ordinary;
  if (ordinary || !(size > 0.0) || !std::isfinite(size)) return 1.0;
  return std::ldexp(1.0, std::min(-std::ilogb(size), largest_exponent));
}

double safe_norm(const Eigen::MatrixXd& M) {
  const double norm = M.norm();
  return norm >= smallest_ordinary && std::isfinite(norm) ? norm : M.stableNorm();
}

ScaledSets::ScaledSets(const Points& x, const Points& y) : x_(x), y_(y) {
  // Most sets need no factor, and that takes one look at each number.
  if (has_ordinary_extent(x, y) && all_ordinary(x) && all_ordinary(y)) return;
  const Eigen::RowVectorXd all = extents(x, y);
  factor_ = normalising_factor(all.maxCoeff());
  if (factor_ == 1.0) return;
  scaled_x_ = scaled(x, all, factor_);
  scaled_y_ = scaled(y, all, factor_);
}

}  // namespace gmdiff
