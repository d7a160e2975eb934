#include "metrics/point_set.hpp"

#include <cmath>

#include "base/check.hpp"

namespace gmdiff {

namespace {

/// 0 x is 0 for a finite x and NaN otherwise. Eight separate sums let the compiler add several numbers at
/// once.
bool all_finite(const Points& x) {
  constexpr Eigen::Index width = 8;
  double sums[width] = {};
  const double* values = x.data();
  const Eigen::Index whole = x.size() / width * width;
  for (Eigen::Index i = 0; i < whole; i += width) {
    for (Eigen::Index j = 0; j < width; ++j) sums[j] += 0.0 * values[i + j];
  }
  for (Eigen::Index i = whole; i < x.size(); ++i) sums[0] += 0.0 * values[i];
  double sum = 0.0;
  for (const double part : sums) sum += part;
  return sum == 0.0;
}

}  // namespace

PointSet::PointSet(const Samples& samples) : points_(nullptr) {
  require(samples.times().empty(), "PointSet: samples have a history of ", samples.times().size(),
          " levels, expected the samples of one level");
  kept_ = std::make_shared<const Points>(samples.to_double());
  points_ = kept_.get();
}

void check_points(const char* where, const char* name, const Points& x, Eigen::Index least) {
  require(x.rows() >= 1, where, ": ", name, " has no points");
  require(x.rows() >= least, where, ": ", name, " needs at least ", least, " points, given ", x.rows());
  require(x.cols() >= 1, where, ": ", name, " has dimension 0");
  if (all_finite(x)) return;
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    for (Eigen::Index j = 0; j < x.cols(); ++j) {
      require(std::isfinite(x(i, j)), where, ": ", name, " is not finite at point ", i, ", coordinate ", j,
              " (", x(i, j), ")");
    }
  }
}

void check_points(const char* where, const Points& x, const Points& y, Eigen::Index least) {
  check_points(where, "x", x, least);
  check_points(where, "y", y, least);
  require(x.cols() == y.cols(), where, ": x has dimension ", x.cols(), " but y has dimension ", y.cols());
}

void check_points(const char* where, const Points& x, Eigen::Index dim, Eigen::Index least) {
  check_points(where, "x", x, least);
  require(x.cols() == dim, where, ": x has dimension ", x.cols(), " but the law has dimension ", dim);
}

void check_points(const char* where, const Points& x, const Mixture& law, Eigen::Index least) {
  check_points(where, x, law.dim(), least);
}

}  // namespace gmdiff
