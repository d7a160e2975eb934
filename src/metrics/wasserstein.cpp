#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "device/cpu/slices.hpp"
#include "device/distance_sums.hpp"
#include "device/thread_session.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"
#include "metrics/scaled_slices.hpp"

namespace gmdiff {
namespace {

ScaledSlices scaled_slices(const PointSet& x, const PointSet& y, const Points& directions, int p,
                           const Device& device) {
  const ScaledSets sets(x.points(), y.points());
  return {.powers = thread_session(device)->sums().slices(sets.x(), sets.y(), directions, p),
          .factor = sets.factor(),
          .p = p};
}

/// W_p^p along given directions; `where` is the function that messages name.
ScaledSlices checked_slices(const char* where, const PointSet& x, const PointSet& y, const Points& directions,
                            int p, const Device& device) {
  check_order(where, p);
  check_points(where, x.points(), y.points());
  check_directions(where, directions, x.points().cols(), "points have dimension");
  return scaled_slices(x, y, directions, p, device);
}

/// W_p^p along the random directions of the options.
ScaledSlices random_slices(const char* where, const PointSet& x, const PointSet& y,
                           const SlicedOptions& options) {
  check_order(where, options.p);
  check_slices(where, options.slices);
  check_points(where, x.points(), y.points());
  const Points directions = random_directions(x.points().cols(), options.slices, options.seed);
  return scaled_slices(x, y, directions, options.p, options.device);
}

}  // namespace

Points random_directions(Eigen::Index dim, int slices, std::uint64_t seed) {
  require(dim >= 1, "random_directions: dimension must be >= 1, given ", dim);
  require(slices >= 1, "random_directions: slices must be >= 1, given ", slices);
  require_memory(
      saturating_product(static_cast<std::uint64_t>(slices), static_cast<std::uint64_t>(dim), sizeof(double)),
      slices, " directions in dimension ", dim);
  Points directions(slices, dim);
  for (Eigen::Index s = 0; s < slices; ++s) {
    NormalStream normal(
        {.seed = seed, .index = static_cast<std::uint64_t>(s), .purpose = Purpose::directions},
        Precision::f64);
    for (Eigen::Index i = 0; i < dim; ++i) directions(s, i) = normal(static_cast<std::uint64_t>(i));
    directions.row(s) /= directions.row(s).norm();
  }
  return directions;
}

double wasserstein_1d(std::span<const double> x, std::span<const double> y, int p) {
  const auto column = [](std::span<const double> values) {
    return Points(Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size())));
  };
  check_order("wasserstein_1d", p);
  const Points column_x = column(x);
  const Points column_y = column(y);
  check_points("wasserstein_1d", column_x, column_y);
  const ScaledSets sets(column_x, column_y);
  std::vector<double> sorted_x(sets.x().data(), sets.x().data() + sets.x().size());
  std::vector<double> sorted_y(sets.y().data(), sets.y().data() + sets.y().size());
  std::sort(sorted_x.begin(), sorted_x.end());
  std::sort(sorted_y.begin(), sorted_y.end());
  const double power = sorted_wasserstein(sorted_x, sorted_y, p) / sets.factor();
  return p == 1 ? power : power / sets.factor();
}

Eigen::VectorXd slice_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                                  const Device& device) {
  return checked_slices("slice_wasserstein", x, y, directions, p, device).values();
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return random_slices("sliced_wasserstein", x, y, options).mean();
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                          const Device& device) {
  return checked_slices("sliced_wasserstein", x, y, directions, p, device).mean();
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return random_slices("max_sliced_wasserstein", x, y, options).max();
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                              const Device& device) {
  return checked_slices("max_sliced_wasserstein", x, y, directions, p, device).max();
}

}  // namespace gmdiff
