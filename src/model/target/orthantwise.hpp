#pragma once

#include <functional>

#include <Eigen/Core>

// Minima of smooth functions plus an absolute value of each coordinate (mathematics.md §15.3).

namespace gmdiff::targets {

/// F at a point u (d), and its gradient (d); F is infinite where it is not defined.
using SmoothFunction = std::function<double(const Eigen::VectorXd& u, Eigen::VectorXd& gradient)>;

/// Penalty weight (|u_first| + |u_{first+1}| + ...).
struct AbsolutePenalty {
  double weight;       ///< >= 0; with 0 the method is L-BFGS
  Eigen::Index first;  ///< 0 to d - 1
};

/// Lowers F plus the penalty from `start` (d) to a gradient of 1e-6 max(1, |u|), by the orthant-wise
/// limited-memory quasi-Newton method of Andrew and Gao (2007), at most 1000 iterations. It ends earlier
/// where rounding hides a decrease or a gradient is not finite.
/// @returns the last point
/// @throws std::invalid_argument for a penalty out of range; and what F throws.
Eigen::VectorXd lower_orthantwise(const SmoothFunction& F, const AbsolutePenalty& penalty,
                                  const Eigen::VectorXd& start);

}  // namespace gmdiff::targets
