#include "model/target/box.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/check.hpp"
#include "model/target/ascent.hpp"
#include "model/target/density_table.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr double negligible = 40.0;  // exp(-40) of the maximum
constexpr double farthest_side = 1e30;

/// The origin, and points in all directions at distances from 2^-10 to 2^20.
Points pilot_points(Index d) {
  constexpr int least = -10, most = 20;
  const Index directions = d == 1 ? 2 : 8;
  Points x = Points::Zero(1 + directions * (most - least + 1), d);
  Index row = 1;
  for (int exponent = least; exponent <= most; ++exponent) {
    for (Index k = 0; k < directions; ++k, ++row) {
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(directions);
      x(row, 0) = std::ldexp(d == 1 ? (k == 0 ? 1.0 : -1.0) : std::cos(angle), exponent);
      if (d == 2) x(row, 1) = std::ldexp(std::sin(angle), exponent);
    }
  }
  return x;
}

/// Points near local maxima that are not negligible against the highest one.
std::vector<Ascent> summits(const Target& target) {
  std::vector<Ascent> found;
  double highest = -infinity;
  Points starts = pilot_points(target.dim());
  if (const ObservedMixture* observed = target.observed()) {
    const Points& means = observed->prior.means();
    starts.conservativeResize(starts.rows() + means.rows(), Eigen::NoChange);
    starts.bottomRows(means.rows()) = means;
  }
  for (Index n = 0; n < starts.rows(); ++n) {
    Ascent end = ascend(target, starts.row(n).transpose());
    if (end.end == AscentEnd::outside || !end.x.allFinite()) continue;
    highest = std::max(highest, end.l);
    found.push_back(std::move(end));
  }
  std::erase_if(found, [highest](const Ascent& end) { return end.l < highest - negligible; });
  require(!found.empty(), "quadrature: the log-density is finite at none of ", starts.rows(),
          " points around the origin; give a box");
  return found;
}

/// A first guess of the standard deviation of a coordinate.
double scale_of(const Ascent& summit, Index axis) {
  const double curvature = -summit.H(axis, axis), size = 1.0 + std::abs(summit.x(axis));
  if (!(curvature > 0.0)) return size;
  return std::clamp(1.0 / std::sqrt(curvature), 1e-8 * size, 10.0 * size);
}

class BoxSearch {
 public:
  explicit BoxSearch(const Target& target) : target_(target), summits_(summits(target)) {
    for (const Ascent& summit : summits_) highest_ = std::max(highest_, summit.l);
  }
  QuadratureBox run() {
    start();
    constexpr int most_rounds = 400;
    for (int round = 0; round < most_rounds && grow(); ++round) {
    }
    for (int round = 0; round < most_rounds && tighten(); ++round) {
    }
    return box_;
  }

 private:
  void start();
  /// Moves each side outwards near which the density is not negligible; false if there is none.
  bool grow();
  /// Moves the sides inwards to where the density is no longer negligible; false if they hardly move.
  bool tighten();
  bool tighten(const DensityTable& table, Index axis);
  void include(Index axis, double lower, double upper);
  /// Points of lower log-density or log-profile are negligible.
  double threshold(const VectorXd& profile) const {
    return std::max(highest_, profile.maxCoeff()) - negligible;
  }
  DensityTable table() const { return {target_, box_, target_.dim() == 1 ? 1024 : 128}; }

  const Target& target_;
  std::vector<Ascent> summits_;
  double highest_ = -infinity;
  QuadratureBox box_;
};

void BoxSearch::include(Index axis, double lower, double upper) {
  box_.lower(axis) = std::min(box_.lower(axis), lower);
  box_.upper(axis) = std::max(box_.upper(axis), upper);
}

void BoxSearch::start() {
  const auto moments = target_.moments();
  box_ = {VectorXd::Constant(target_.dim(), infinity), VectorXd::Constant(target_.dim(), -infinity)};
  for (Index axis = 0; axis < target_.dim(); ++axis) {
    for (const Ascent& summit : summits_) {
      const double reach = 4.0 * scale_of(summit, axis);
      include(axis, summit.x(axis) - reach, summit.x(axis) + reach);
    }
    if (!moments) continue;
    const double reach = 10.0 * std::sqrt(moments->variance(axis));
    include(axis, moments->mean(axis) - reach, moments->mean(axis) + reach);
  }
}

bool BoxSearch::grow() {
  const DensityTable values = table();
  const Index outer = values.intervals() / 8;
  bool grown = false;
  for (Index axis = 0; axis < target_.dim(); ++axis) {
    const VectorXd profile = values.log_profile(axis);
    const double least = threshold(profile), step = 0.5 * (box_.upper(axis) - box_.lower(axis));
    const bool below = profile.head(outer).maxCoeff() > least, above = profile.tail(outer).maxCoeff() > least;
    if (below) box_.lower(axis) -= step;
    if (above) box_.upper(axis) += step;
    grown = grown || below || above;
    require(std::max(-box_.lower(axis), box_.upper(axis)) < farthest_side,
            "quadrature: no finite box is found: along axis ", axis, " the density does not fall below exp(-",
            negligible, ") of its maximum; give a box");
  }
  return grown;
}

bool BoxSearch::tighten(const DensityTable& values, Index axis) {
  const VectorXd profile = values.log_profile(axis);
  const double least = threshold(profile), old_width = box_.upper(axis) - box_.lower(axis);
  double lower = infinity, upper = -infinity;
  const auto include_cells = [&](double x) {
    lower = std::min(lower, x - values.spacing(axis));
    upper = std::max(upper, x + values.spacing(axis));
  };
  for (Index i = 0; i < profile.size(); ++i) {
    if (profile(i) > least) include_cells(values.coordinate(axis, i));
  }
  for (const Ascent& summit : summits_) include_cells(summit.x(axis));
  box_.lower(axis) = std::max(box_.lower(axis), lower);
  box_.upper(axis) = std::min(box_.upper(axis), upper);
  return box_.upper(axis) - box_.lower(axis) < 0.95 * old_width;
}

bool BoxSearch::tighten() {
  const DensityTable values = table();
  bool tightened = false;
  for (Index axis = 0; axis < target_.dim(); ++axis) tightened = tighten(values, axis) || tightened;
  return tightened;
}

}  // namespace

QuadratureBox find_box(const Target& target) { return BoxSearch(target).run(); }

}  // namespace gmdiff::targets
