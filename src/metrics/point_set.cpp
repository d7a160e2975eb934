#include "metrics/point_set.hpp"

#include <cmath>

#include "model/check.hpp"

namespace gmdiff {

PointSet::PointSet(const Samples& samples) {
  require(samples.times().empty(), "PointSet: samples have a history of ", samples.times().size(),
          " levels; a distance is between points of one level");
  points_ = samples.to_double();
}

void check_points(const char* where, const char* name, const Points& x, Eigen::Index least) {
  require(x.rows() >= 1, where, ": ", name, " has no points");
  require(x.rows() >= least, where, ": ", name, " needs at least ", least, " points, given ", x.rows());
  require(x.cols() >= 1, where, ": ", name, " has dimension 0");
  if (x.allFinite()) return;
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      require(std::isfinite(x(i, j)), where, ": ", name, " is not finite at point ", i, ", coordinate ", j, " (", x(i, j), ")");
    }
  }
}

void check_points(const char* where, const Points& x, const Points& y, Eigen::Index least) {
  check_points(where, "x", x, least);
  check_points(where, "y", y, least);
  require(x.cols() == y.cols(), where, ": x has dimension ", x.cols(), " but y has dimension ", y.cols());
}

void check_points(const char* where, const Points& x, const Mixture& law, Eigen::Index least) {
  check_points(where, "x", x, least);
  require(x.cols() == law.dim(), where, ": x has dimension ", x.cols(), " but the law has dimension ", law.dim());
}

}  // namespace gmdiff
