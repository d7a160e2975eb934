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

/// The smallest curvature of a Newton step: |g| / (10 (1 + |x|)), which bounds its length.
double least_curvature(const Eigen::VectorXd& g, const Eigen::VectorXd& x);

/// sum_j u_j (u_j . g) / max(|lambda_j|, least) with the eigenvalues lambda and eigenvectors u of H: Newton's
/// step with the absolute values of the curvatures, along which a function with the gradient g increases.
/// @param H (d, d) finite. @param least > 0
Eigen::VectorXd newton_step(const Eigen::MatrixXd& H, const Eigen::VectorXd& g, double least);

}  // namespace gmdiff::targets
