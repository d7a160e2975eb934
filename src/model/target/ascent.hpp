#pragma once

#include <gmdiff/model/target.hpp>

// Newton's method with backtracking (mathematics.md §15.3).

namespace gmdiff::targets {

enum class AscentEnd {
  maximum,     ///< the Hessian is negative definite
  saddle,      ///< stationary, but the Hessian is not negative definite
  unfinished,  ///< limit of iterations, or no step increases l
  outside      ///< l is not finite at the start
};

struct Ascent {
  Eigen::VectorXd x;  ///< (d)
  double l;           ///< at x
  Eigen::VectorXd g;  ///< (d) gradient at x
  Eigen::MatrixXd H;  ///< (d, d) Hessian at x
  AscentEnd end;
};

/// Climbs from `start` (d) to a stationary point.
Ascent ascend(const Target& target, const Eigen::VectorXd& start);

}  // namespace gmdiff::targets
