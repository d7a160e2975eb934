#pragma once

#include <gmdiff/base/points.hpp>

#include "device/line_laws.hpp"
#include "particle/pair_term.hpp"

namespace gmdiff {

/// Computes the sums that distances between sets are built from (mathematics.md §9), in double. Callers check
/// the arguments: finite sets of at least one point, with equal dimensions >= 1.
class DistanceSums {
 public:
  virtual ~DistanceSums() = default;
  /// W_p^p of <u, x> and <u, y> for every row u of `directions` (slices, d), shape (slices).
  virtual Eigen::VectorXd slices(const Points& x, const Points& y, const Points& directions, int p) const = 0;
  /// W_p^p of <u, x> to the law of the same direction for every row u of `directions`, shape (slices). The
  /// points have `weights` (n) with sum 1; an empty vector stands for equal weights.
  virtual Eigen::VectorXd law_slices(const Points& x, const Eigen::VectorXd& weights, const LineLaws& laws,
                                     const Points& directions, int p) const = 0;
  /// Sum of the term over all pairs x_i, y_j.
  virtual long double sum_cross(const Points& x, const Points& y, const PairTerm& term) const = 0;
  /// Sum of the term over x_i, x_j with i < j.
  virtual long double sum_pairs(const Points& x, const PairTerm& term) const = 0;
};

}  // namespace gmdiff
