#pragma once

#include <gmdiff/base/points.hpp>

namespace gmdiff {

/// W_p^p along each direction in units of 1 / factor, so that no p-th power overflows or vanishes.
struct ScaledSlices {
  Eigen::VectorXd powers;
  double factor;
  int p;

  /// W_p^p along each direction, in the unit of the points.
  Eigen::VectorXd values() const;
  double mean() const { return to_distance(powers.mean()); }
  double max() const { return to_distance(powers.maxCoeff()); }

 private:
  double to_distance(double power) const;
};

// Checks of the arguments of sliced distances. `where` is the function that messages name.
void check_order(const char* where, int p);
void check_slices(const char* where, int slices);
/// Checks the directions; `owner` ends the message, as "points have dimension".
void check_directions(const char* where, const Points& directions, Eigen::Index dim, const char* owner);

}  // namespace gmdiff
