#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "device/distance_sums.hpp"
#include "device/thread_session.hpp"
#include "metrics/median_distance.hpp"
#include "metrics/mixture_kernel.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

void check_bandwidth(double bandwidth) {
  // The kernel needs the square of the bandwidth, which must neither underflow nor overflow.
  require(bandwidth >= 1e-100 && bandwidth <= 1e100,
          "mmd_squared: bandwidth must be in [1e-100, 1e+100], given ", bandwidth);
}

PairTerm gaussian(double bandwidth) { return PairTerm::kernel(-0.5 / (bandwidth * bandwidth)); }

/// Mean of k(x_i, y_j) over all i and j.
double cross_mean(const DistanceSums& sums, const Points& x, const Points& y, double bandwidth) {
  const long double total = sums.sum_cross(x, y, gaussian(bandwidth));
  return static_cast<double>(total) / (static_cast<double>(x.rows()) * static_cast<double>(y.rows()));
}

/// Sum of k(x_i, x_j) over all i and j, divided by n (n - 1).
double mean_with_diagonal(const DistanceSums& sums, const Points& x, double bandwidth) {
  const auto n = static_cast<double>(x.rows());
  return (n + 2.0 * static_cast<double>(sums.sum_pairs(x, gaussian(bandwidth)))) / (n * (n - 1.0));
}

/// Mean of k(x_i, x_j) over i != j.
double pair_mean(const DistanceSums& sums, const Points& x, double bandwidth) {
  const long double total = sums.sum_pairs(x, gaussian(bandwidth));
  const auto n = static_cast<double>(x.rows());
  return 2.0 * static_cast<double>(total) / (n * (n - 1.0));
}

double median_bandwidth(const Points& x, const Points& y) {
  const double bandwidth = median_distance(x, y);
  require(bandwidth > 0.0,
          "mmd_squared: the median distance of the points is 0; give a bandwidth (the argument of "
          "mmd_squared, --bandwidth)");
  check_bandwidth(bandwidth);
  return bandwidth;
}

double between(const DistanceSums& sums, const Points& x, const Points& y, double bandwidth) {
  return pair_mean(sums, x, bandwidth) + pair_mean(sums, y, bandwidth) -
         2.0 * cross_mean(sums, x, y, bandwidth);
}

}  // namespace

double mmd_squared(const PointSet& x, const PointSet& y, std::optional<double> bandwidth,
                   const Device& device) {
  check_points("mmd_squared", x.points(), y.points(), 2);
  if (bandwidth) check_bandwidth(*bandwidth);
  const std::shared_ptr<const Session> session = thread_session(device);
  const DistanceSums& sums = session->sums();
  if (bandwidth) return between(sums, x.points(), y.points(), *bandwidth);
  // In units of the median distance the kernel's bandwidth is 1.
  const ScaledSets sets(x.points(), y.points());
  return between(sums, sets.x(), sets.y(), median_bandwidth(sets.x(), sets.y()));
}

double mmd_vsm(const PointSet& x, const PointSet& y, const Device& device) {
  check_points("mmd_vsm", x.points(), y.points(), 2);
  const std::shared_ptr<const Session> session = thread_session(device);
  const DistanceSums& sums = session->sums();
  const ScaledSets sets(x.points(), y.points());
  const double bandwidth = median_distance_with_zeros(sets.x(), sets.y());
  require(bandwidth > 0.0, "mmd_vsm: the median distance of the points, which is its bandwidth, is 0");
  constexpr double least = 1e-20;  // of the papers
  return std::sqrt(std::max(least, mean_with_diagonal(sums, sets.x(), bandwidth) +
                                       mean_with_diagonal(sums, sets.y(), bandwidth) -
                                       2.0 * cross_mean(sums, sets.x(), sets.y(), bandwidth)));
}

double mmd_squared(const PointSet& x, const Mixture& law, double bandwidth, const Device& device) {
  check_points("mmd_squared", x.points(), law, 2);
  check_bandwidth(bandwidth);
  return pair_mean(thread_session(device)->sums(), x.points(), bandwidth) + kernel_mean(law, law, bandwidth) -
         2.0 * kernel_means(x.points(), law, bandwidth).mean();
}

double mmd_squared(const Mixture& p, const Mixture& q, double bandwidth) {
  require(p.dim() == q.dim(), "mmd_squared: p has dimension ", p.dim(), " but q has dimension ", q.dim());
  check_bandwidth(bandwidth);
  return kernel_mean(p, p, bandwidth) + kernel_mean(q, q, bandwidth) - 2.0 * kernel_mean(p, q, bandwidth);
}

}  // namespace gmdiff
