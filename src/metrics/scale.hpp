#pragma once

#include <optional>

#include <gmdiff/base/points.hpp>

// Distances square coordinates. Where the squares would overflow or vanish, the points are first multiplied by a power of two, which is
// exact, and the distance is divided by it: what overflows then is the distance itself.

namespace gmdiff {

/// 1 for a size whose squares, and long sums of them, are normal doubles; else the power of two that brings it near 1.
double normalising_factor(double size);

/// |M|_F, also where the squares of the entries overflow or vanish. The bits of `M.norm()` where they do not.
double safe_norm(const Eigen::MatrixXd& M);

/// Two sets in one unit: as they are, without a copy, where their extent is ordinary. Else multiplied by a factor, and a coordinate that
/// is the same in all points of both is 0.
class ScaledSets {
 public:
  /// Sets of one dimension, at least one point each, finite. Refers to them.
  ScaledSets(const Points& x, const Points& y);

  const Points& x() const { return scaled_x_ ? *scaled_x_ : x_; }
  const Points& y() const { return scaled_y_ ? *scaled_y_ : y_; }
  /// The power of two: distances of the sets here are this times those of the sets given.
  double factor() const { return factor_; }

 private:
  const Points& x_;
  const Points& y_;
  double factor_ = 1.0;
  std::optional<Points> scaled_x_, scaled_y_;
};

}  // namespace gmdiff
