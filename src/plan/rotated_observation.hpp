#pragma once

#include <gmdiff/model/observation.hpp>

namespace gmdiff {

/// An observation `y = A x + e` in coordinates x~ = V^T x, in which it depends on the first r only, each with
/// independent noise: y_i = x~_i + n_i eps (mathematics.md §7.1).
struct RotatedObservation {
  Eigen::MatrixXd V;    ///< (d, d) orthogonal
  Eigen::VectorXd y;    ///< (r)
  Eigen::VectorXd n;    ///< (r), >= 0
  double log_constant;  ///< log p(y) is the log-density of the r entries plus this constant
};

/// Coordinate-wise observations keep their coordinates (V is a permutation); for others V is that of the SVD
/// of A, whitened by R.
/// @throws std::invalid_argument when A does not have d columns, A = 0, y is outside the range of A without
///   noise, or R is singular and not 0.
RotatedObservation rotate(const LinearObservation& observation, Eigen::Index dim);

}  // namespace gmdiff
