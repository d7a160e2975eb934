#include <algorithm>

#include "device/distance_sums.hpp"
#include "device/thread_session.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

/// E|X - Y|.
double cross_mean(const DistanceSums& sums, const Points& x, const Points& y) {
  const double pairs = static_cast<double>(x.rows()) * static_cast<double>(y.rows());
  return static_cast<double>(sums.sum_cross(x, y, PairTerm::distance())) / pairs;
}

/// E|X - X'|, over pairs i != j (U-form) or over all pairs (V-form).
double self_mean(const DistanceSums& sums, const Points& x, EnergyForm form) {
  const auto n = static_cast<double>(x.rows());
  return 2.0 * static_cast<double>(sums.sum_pairs(x, PairTerm::distance())) /
         (n * (form == EnergyForm::u ? n - 1.0 : n));
}

}  // namespace

double energy_distance(const PointSet& x, const PointSet& y, EnergyForm form, const Device& device) {
  check_points("energy_distance", x.points(), y.points(), form == EnergyForm::u ? 2 : 1);
  const std::shared_ptr<const Session> session = thread_session(device);
  const DistanceSums& sums = session->sums();
  const ScaledSets sets(x.points(), y.points());
  const double distance = 2.0 * cross_mean(sums, sets.x(), sets.y()) - self_mean(sums, sets.x(), form) -
                          self_mean(sums, sets.y(), form);
  return (form == EnergyForm::v ? std::max(0.0, distance) : distance) /
         sets.factor();  // Only rounding can make the V-form negative.
}

}  // namespace gmdiff
