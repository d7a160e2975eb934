#include <algorithm>
#include <cmath>

#include <gmdiff/model/sparse_prior.hpp>

#include "base/check.hpp"
#include "base/infinity.hpp"

// Proximal maps (mathematics.md §13.3).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::RowVectorXd;

double soft_threshold(double y, double s) { return std::copysign(std::max(std::abs(y) - s, 0.0), y); }

/// The taut string through the tube of radius s around the sums S_k = y_1 + ... + y_k, with fixed ends.
class TautString {
 public:
  TautString(const RowVectorXd& y, double s) : s_(s), sums_(y.size() + 1), x_(y.size()) {
    sums_(0) = 0.0;
    for (Index k = 0; k < y.size(); ++k) sums_(k + 1) = sums_(k) + y(k);
  }

  /// The slopes of the string.
  RowVectorXd slopes() {
    while (knot_ < x_.size()) go_to_next_knot();
    return x_;
  }

 private:
  /// Half the width of the tube at k.
  double radius(Index k) const { return k == x_.size() ? 0.0 : s_; }

  /// Straight lines from the knot pass the tube up to k with slopes in [low, high]. The string bends where
  /// the last of these slopes touches the tube.
  void go_to_next_knot() {
    double low = -infinity, high = infinity;
    Index at_low = knot_, at_high = knot_;
    for (Index k = knot_ + 1; k <= x_.size(); ++k) {
      const auto run = static_cast<double>(k - knot_);
      const double to_floor = (sums_(k) - radius(k) - height_) / run;
      const double to_ceiling = (sums_(k) + radius(k) - height_) / run;
      if (to_floor > high) return bend(at_high, high, sums_(at_high) + radius(at_high));
      if (to_ceiling < low) return bend(at_low, low, sums_(at_low) - radius(at_low));
      if (to_floor >= low) {
        low = to_floor;
        at_low = k;
      }
      if (to_ceiling <= high) {
        high = to_ceiling;
        at_high = k;
      }
    }
    bend(x_.size(), low, sums_(x_.size()));
  }

  void bend(Index k, double slope, double height) {
    x_.segment(knot_, k - knot_).setConstant(slope);
    knot_ = k;
    height_ = height;
  }

  double s_;
  RowVectorXd sums_, x_;
  Index knot_ = 0;
  double height_ = 0.0;
};

}  // namespace

Points proximal_map(const SparsePrior& prior, const Points& points, double strength) {
  require(prior.smoothing == Smoothing::none, "proximal_map: the prior has a smoothing; expected none");
  require(std::isfinite(strength) && strength >= 0.0, "proximal_map: strength must not be negative, got ",
          strength);
  const bool is_identity = prior.analysis == AnalysisOperator::identity;
  require(is_identity || prior.analysis == AnalysisOperator::gradient,
          "proximal_map: only the operators identity and gradient have one; use a smoothing for others");
  if (is_identity) return points.unaryExpr([strength](double y) { return soft_threshold(y, strength); });
  Points result(points.rows(), points.cols());
  for (Index n = 0; n < points.rows(); ++n) result.row(n) = TautString(points.row(n), strength).slopes();
  return result;
}

}  // namespace gmdiff
