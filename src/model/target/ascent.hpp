#pragma once

#include <gmdiff/model/target.hpp>

// Newton's method with backtracking (mathematics.md §15.3).

namespace gmdiff::targets {

enum class AscentEnd {
  maximum,     ///< the Hessian is negative definite
  saddle,      ///< stationary, but the Hessian is not negative definite
  unfinished,  ///< limit of iterations, no step increases l, or the start is an anchor of a `RangeMap`
  outside      ///< l is not finite at the start
};

struct Ascent {
  Eigen::VectorXd x;  ///< (d)
  double l;           ///< at x
  Eigen::VectorXd g;  ///< (d) gradient at x
  Eigen::MatrixXd H;  ///< (d, d) Hessian at x
  AscentEnd end;
};

/// Climbs from `start` (d) to a stationary point. No step ends within 1e-8 of an anchor of a `RangeMap`, where
/// the distance has no derivative.
Ascent ascend(const Target& target, const Eigen::VectorXd& start);

}  // namespace gmdiff::targets
