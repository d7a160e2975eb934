#pragma once

#include <vector>

#include <gmdiff/model/quadrature.hpp>

#include "base/infinity.hpp"

// Log-densities on a grid of points in one or two dimensions (mathematics.md §15.1).

namespace gmdiff::targets {

/// Intervals on each axis of a table of dimension 1 or 2.
inline constexpr Eigen::Index intervals_of(Eigen::Index dim) { return dim == 1 ? 4096 : 1024; }

/// l at equidistant points of a box, its sides included; -inf outside the support.
class DensityTable {
 public:
  /// @throws std::invalid_argument if l is +inf at a point.
  DensityTable(const Target& target, const QuadratureBox& box, Eigen::Index intervals);

  Eigen::Index dim() const { return box_.lower.size(); }
  Eigen::Index intervals() const { return intervals_; }
  const QuadratureBox& box() const { return box_; }
  /// Distance of neighbouring points on an axis.
  double spacing(Eigen::Index axis) const;
  double coordinate(Eigen::Index axis, Eigen::Index i) const;
  /// l, shape (intervals + 1, intervals + 1) in dimension 2, where rows are points of axis 0; a column in
  /// dimension 1.
  const Points& log_density() const { return l_; }
  /// Logarithms of the sums of exp(l) over the other axis, shape (intervals + 1).
  Eigen::VectorXd log_profile(Eigen::Index axis) const;

 private:
  Points points() const;

  QuadratureBox box_;
  Eigen::Index intervals_;
  Points l_;
};

}  // namespace gmdiff::targets
