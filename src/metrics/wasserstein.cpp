#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "device/random.hpp"
#include "metrics/point_set.hpp"
#include "model/check.hpp"

namespace gmdiff {
namespace {

void check_order(const char* where, int p) { require(p == 1 || p == 2, where, ": p must be 1 or 2, given ", p); }

void check_directions(const char* where, const Points& directions, Eigen::Index dim) {
  check_points(where, "directions", directions);
  require(directions.cols() == dim, where, ": directions have dimension ", directions.cols(), " but the points have dimension ", dim);
}

/// W_p^p of sorted sets (mathematics.md §9). In units of g / (n m), g = gcd(n, m), every x holds the mass m / g and every y the mass n / g;
/// the pieces between break points are what both of the current pair still hold, so that all masses are exact integers and no product n m
/// is formed.
double sorted_wasserstein(std::span<const double> x, std::span<const double> y, int p) {
  const std::uint64_t g = std::gcd<std::uint64_t, std::uint64_t>(x.size(), y.size());
  const std::uint64_t mass_x = y.size() / g;
  const std::uint64_t mass_y = x.size() / g;

  long double total = 0.0L;
  std::uint64_t left_x = mass_x;
  std::uint64_t left_y = mass_y;
  for (std::size_t i = 0, j = 0; i < x.size() && j < y.size();) {
    const std::uint64_t piece = std::min(left_x, left_y);
    const double distance = std::abs(x[i] - y[j]);
    total += static_cast<long double>(piece) * (p == 1 ? distance : distance * distance);
    if ((left_x -= piece) == 0) left_x = mass_x, ++i;
    if ((left_y -= piece) == 0) left_y = mass_y, ++j;
  }
  return static_cast<double>(total / static_cast<long double>(x.size()) / static_cast<long double>(mass_x));
}

double mean_to_distance(const Eigen::VectorXd& slices, int p) { return p == 1 ? slices.mean() : std::sqrt(slices.mean()); }

double max_to_distance(const Eigen::VectorXd& slices, int p) { return p == 1 ? slices.maxCoeff() : std::sqrt(slices.maxCoeff()); }

/// `slice_wasserstein` with the caller's name in the messages.
Eigen::VectorXd checked_slices(const char* where, const PointSet& x, const PointSet& y, const Points& directions, int p) {
  check_order(where, p);
  check_points(where, x.points(), y.points());
  check_directions(where, directions, x.points().cols());

  // A few directions at a time: one pass over the points projects all of them, and memory stays at a few columns.
  constexpr Eigen::Index block = 8;
  Eigen::VectorXd result(directions.rows());
  for (Eigen::Index first = 0; first < directions.rows(); first += block) {
    const auto chunk = directions.middleRows(first, std::min(block, directions.rows() - first));
    Eigen::MatrixXd projected_x = x.points() * chunk.transpose();
    Eigen::MatrixXd projected_y = y.points() * chunk.transpose();
    for (Eigen::Index s = 0; s < chunk.rows(); ++s) {
      const std::span<double> sorted_x(projected_x.col(s).data(), static_cast<std::size_t>(projected_x.rows()));
      const std::span<double> sorted_y(projected_y.col(s).data(), static_cast<std::size_t>(projected_y.rows()));
      std::sort(sorted_x.begin(), sorted_x.end());
      std::sort(sorted_y.begin(), sorted_y.end());
      result(first + s) = sorted_wasserstein(sorted_x, sorted_y, p);
    }
  }
  return result;
}

/// W_p^p along the random directions of the options.
Eigen::VectorXd random_slices(const char* where, const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  check_order(where, options.p);
  require(options.slices >= 1, where, ": slices must be >= 1, given ", options.slices);
  check_points(where, x.points(), y.points());
  return checked_slices(where, x, y, random_directions(x.points().cols(), options.slices, options.seed), options.p);
}

}  // namespace

Points random_directions(Eigen::Index dim, int slices, std::uint64_t seed) {
  require(dim >= 1, "random_directions: dimension must be >= 1, given ", dim);
  require(slices >= 1, "random_directions: slices must be >= 1, given ", slices);
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

Eigen::VectorXd slice_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p) {
  return checked_slices("slice_wasserstein", x, y, directions, p);
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return mean_to_distance(random_slices("sliced_wasserstein", x, y, options), options.p);
}

double sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p) {
  return mean_to_distance(checked_slices("sliced_wasserstein", x, y, directions, p), p);
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options) {
  return max_to_distance(random_slices("max_sliced_wasserstein", x, y, options), options.p);
}

double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p) {
  return max_to_distance(checked_slices("max_sliced_wasserstein", x, y, directions, p), p);
}

}  // namespace gmdiff
