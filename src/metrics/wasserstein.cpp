#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "device/cpu/slices.hpp"
#include "device/distance_sums.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {
namespace {

void check_order(const char* where, int p) { require(p == 1 || p == 2, where, ": p must be 1 or 2, given ", p); }

void check_directions(const char* where, const Points& directions, Eigen::Index dim) {
  check_points(where, "directions", directions);
  require(directions.cols() == dim, where, ": directions have dimension ", directions.cols(), " but the points have dimension ", dim);
}

double mean_to_distance(const Eigen::VectorXd& slices, int p) { return p == 1 ? slices.mean() : std::sqrt(slices.mean()); }

double max_to_distance(const Eigen::VectorXd& slices, int p) { return p == 1 ? slices.maxCoeff() : std::sqrt(slices.maxCoeff()); }

/// `slice_wasserstein` with the caller's name in the messages.
Eigen::VectorXd checked_slices(const char* where, const PointSet& x, const PointSet& y, const Points& directions, int p,
                               const Device& device) {
  check_order(where, p);
  check_points(where, x.points(), y.points());
  check_directions(where, directions, x.points().cols());
  return make_distance_sums(device)->slices(x.points(), y.points(), directions, p);
}

/// W_p^p along the random directions of the options.
Eigen::VectorXd random_slices(const char* where, const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  check_order(where, options.p);
  require(options.slices >= 1, where, ": slices must be >= 1, given ", options.slices);
  check_points(where, x.points(), y.points());
  const Points directions = random_directions(x.points().cols(), options.slices, options.seed);
  return make_distance_sums(options.device)->slices(x.points(), y.points(), directions, options.p);
}

}  // namespace

Points random_directions(Eigen::Index dim, int slices, std::uint64_t seed) {
  require(dim >= 1, "random_directions: dimension must be >= 1, given ", dim);
  require(slices >= 1, "random_directions: slices must be >= 1, given ", slices);
  require_memory(saturating_product(static_cast<std::uint64_t>(slices), static_cast<std::uint64_t>(dim), sizeof(double)), slices,
                 " directions in dimension ", dim);
  Points directions(slices, dim);
  for (Eigen::Index s = 0; s < slices; ++s) {
    NormalStream normal({.seed = seed, .index = static_cast<std::uint64_t>(s), .purpose = Purpose::directions}, Precision::f64);
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
  check_points("wasserstein_1d", column(x), column(y));
  std::vector<double> sorted_x(x.begin(), x.end());
  std::vector<double> sorted_y(y.begin(), y.end());
  std::sort(sorted_x.begin(), sorted_x.end());
  std::sort(sorted_y.begin(), sorted_y.end());
  return sorted_wasserstein(sorted_x, sorted_y, p);
}

Eigen::VectorXd slice_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p, const Device& device) {
  return checked_slices("slice_wasserstein", x, y, directions, p, device);
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return mean_to_distance(random_slices("sliced_wasserstein", x, y, options), options.p);
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p, const Device& device) {
  return mean_to_distance(checked_slices("sliced_wasserstein", x, y, directions, p, device), p);
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return max_to_distance(random_slices("max_sliced_wasserstein", x, y, options), options.p);
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p, const Device& device) {
  return max_to_distance(checked_slices("max_sliced_wasserstein", x, y, directions, p, device), p);
}

}  // namespace gmdiff
