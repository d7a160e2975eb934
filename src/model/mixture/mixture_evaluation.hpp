#pragma once

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "model/mixture/mixture_tile.hpp"

// Parts that all public evaluations of a mixture share: checks of arguments and the loop over tiles of
// points.

namespace gmdiff {

/// View of an (n, d) array with points as columns.
inline Eigen::Map<const Eigen::MatrixXd> as_columns(const Points& points) {
  return {points.data(), points.cols(), points.rows()};
}
inline Eigen::Map<Eigen::MatrixXd> as_columns(Points& points) {
  return {points.data(), points.cols(), points.rows()};
}

/// `what` names one of the rows: "point" or "tangent". @throws std::invalid_argument unless x is (n, dim) and
/// finite.
inline void check_points(const Points& x, Eigen::Index dim, const char* what) {
  require(x.cols() == dim, "Mixture: ", what, "s have ", x.cols(), " coordinates but the dimension is ", dim);
  for (Eigen::Index j = 0; j < x.rows(); ++j) {
    if (x.row(j).allFinite()) continue;
    Eigen::Index i = 0;
    while (std::isfinite(x(j, i))) ++i;
    fail("Mixture: coordinate ", i, " of ", what, " ", j, " is ", x(j, i), ", expected a finite number");
  }
}

/// Loads consecutive tiles of the points x and calls body(tile, first, count) for each.
template <class Body>
void for_each_tile(const MixtureAtLevel& level, const Points& x, const Body& body) {
  const auto tile = TileEvaluation::make(level, x.rows());
  for (Eigen::Index first = 0; first < x.rows(); first += tile->capacity()) {
    const Eigen::Index count = std::min(tile->capacity(), x.rows() - first);
    tile->load(as_columns(x).middleCols(first, count));
    body(*tile, first, count);
  }
}

}  // namespace gmdiff
