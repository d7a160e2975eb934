#include "metrics/scaled_slices.hpp"

#include <cmath>

#include "base/check.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {

Eigen::VectorXd ScaledSlices::values() const {
  const Eigen::VectorXd values = powers / factor;
  return p == 1 ? values : values / factor;
}

double ScaledSlices::to_distance(double power) const { return (p == 1 ? power : std::sqrt(power)) / factor; }

void check_order(const char* where, int p) {
  require(p == 1 || p == 2, where, ": p must be 1 or 2, given ", p);
}

void check_slices(const char* where, int slices) {
  require(slices >= 1, where, ": slices must be >= 1, given ", slices);
}

void check_directions(const char* where, const Points& directions, Eigen::Index dim, const char* owner) {
  check_points(where, "directions", directions);
  require(directions.cols() == dim, where, ": directions have dimension ", directions.cols(), " but the ",
          owner, " ", dim);
}

}  // namespace gmdiff
