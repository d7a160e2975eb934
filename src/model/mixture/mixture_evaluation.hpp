#pragma once

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "model/mixture/mixture_block.hpp"

// Common parts of the public evaluations of a mixture: checks of arguments and the loop over blocks of points.

namespace gmdiff {

/// View of an (n, d) array with points as columns.
inline Eigen::Map<const Eigen::MatrixXd> as_columns(const Points& points) {
  return {points.data(), points.cols(), points.rows()};
}
inline Eigen::Map<Eigen::MatrixXd> as_columns(Points& points) {
  return {points.data(), points.cols(), points.rows()};
}

/// `what` names one of the rows: "point" or "tangent". @throws std::invalid_argument unless x is (n, dim) and finite.
inline void check_points(const Points& x, Eigen::Index dim, const char* what) {
  require(x.cols() == dim, "Mixture: ", what, "s have ", x.cols(), " coordinates but the dimension is ", dim);
  for (Eigen::Index j = 0; j < x.rows(); ++j) {
    if (x.row(j).allFinite()) continue;
    Eigen::Index i = 0;
    while (std::isfinite(x(j, i))) ++i;
    fail("Mixture: coordinate ", i, " of ", what, " ", j, " is ", x(j, i), ", expected a finite number");
  }
}

/// Calls body(block, first, count) for consecutive blocks of the points x, loaded.
template <class Body>
void for_each_block(const MixtureAtLevel& level, const Points& x, const Body& body) {
  const auto block = BlockEvaluation::make(level, x.rows());
  for (Eigen::Index first = 0; first < x.rows(); first += block->capacity()) {
    const Eigen::Index count = std::min(block->capacity(), x.rows() - first);
    block->load(as_columns(x).middleCols(first, count));
    body(*block, first, count);
  }
}

}  // namespace gmdiff
