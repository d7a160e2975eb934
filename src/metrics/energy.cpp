#include <algorithm>

#include "metrics/pairwise.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {
namespace {

/// Sum of |x_i - y_j| over all i and j.
double cross_sum(const Points& x, const Points& y) {
  return static_cast<double>(PairTiles(y).sum_cross(x, [](const auto& squares) { return squares.sqrt().sum(); }));
}

/// Sum of |x_i - x_j| over i < j.
double pair_sum(const Points& x) {
  return static_cast<double>(PairTiles(x).sum_pairs(x, [](const auto& squares) { return squares.sqrt().sum(); }));
}

/// E|X - X'|: over pairs i != j, or over all pairs.
double self_mean(const Points& x, EnergyForm form) {
  const auto n = static_cast<double>(x.rows());
  return 2.0 * pair_sum(x) / (n * (form == EnergyForm::u ? n - 1.0 : n));
}

}  // namespace

double energy_distance(const PointSet& x, const PointSet& y, EnergyForm form) {
  check_points("energy_distance", x.points(), y.points(), form == EnergyForm::u ? 2 : 1);
  const double pairs = static_cast<double>(x.points().rows()) * static_cast<double>(y.points().rows());
  const double distance = 2.0 * cross_sum(x.points(), y.points()) / pairs - self_mean(x.points(), form) - self_mean(y.points(), form);
  return form == EnergyForm::v ? std::max(0.0, distance) : distance;  // rounding alone makes the V-form negative
}

}  // namespace gmdiff
