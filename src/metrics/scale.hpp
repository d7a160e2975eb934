#pragma once

#include <optional>

#include <gmdiff/base/points.hpp>

// Distances square coordinates. Where the squares would overflow or underflow, the points are first
// multiplied by a power of two, which is exact, and the distance is divided by it. A distance then overflows
// only if its value is too large for a double.

namespace gmdiff {

/// Returns 1 for a size whose squares, and long sums of them, are normal doubles; otherwise the power of two
/// that brings the size near 1.
double normalising_factor(double size);

/// |M|_F, also where squares of entries overflow or underflow. Everywhere else it has the bits of `M.norm()`.
double safe_norm(const Eigen::MatrixXd& M);

/// Two sets in a common unit. Sets of ordinary extent are used as they are, without a copy. Other sets are
/// multiplied by a factor, and a coordinate that is the same in all points of both sets becomes 0.
class ScaledSets {
 public:
  /// Both sets are finite, have the same dimension and at least one point each. Keeps references to them.
  ScaledSets(const Points& x, const Points& y);

  const Points& x() const { return scaled_x_ ? *scaled_x_ : x_; }
  const Points& y() const { return scaled_y_ ? *scaled_y_ : y_; }
  /// The power of two: distances between x() and y() are this factor times those of the given sets.
  double factor() const { return factor_; }

 private:
  const Points& x_;
  const Points& y_;
  double factor_ = 1.0;
  std::optional<Points> scaled_x_, scaled_y_;
};

}  // namespace gmdiff
