#include "model/target/sparse_ascent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/target/orthantwise.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int most_newton_steps = 1000;
constexpr int most_fractions = 60;

/// -l = F(u) + weight sum_{i >= first} |u_i| in coordinates u: x itself for the operator identity, and for
/// gradient x_1 and the differences x_{i+1} - x_i. F is minus the log-likelihood.
class Objective {
 public:
  explicit Objective(const Regularised& target)
      : observation_(target.observation),
        weight_(target.prior.weight),
        sums_(target.prior.analysis == AnalysisOperator::gradient) {}

  /// The first coordinate with a penalty.
  Index first() const { return sums_ ? 1 : 0; }
  double weight() const { return weight_; }

  VectorXd coordinates(const VectorXd& x) const {
    VectorXd u = x;
    if (sums_) u.tail(u.size() - 1) -= x.head(x.size() - 1);
    return u;
  }
  VectorXd point(const VectorXd& u) const {
    VectorXd x = u;
    for (Index i = 1; sums_ && i < x.size(); ++i) x(i) += x(i - 1);
    return x;
  }

  double penalty(const VectorXd& u) const { return weight_ * u.tail(u.size() - first()).cwiseAbs().sum(); }

  /// F and its gradient; infinite where the likelihood or its derivatives have no meaning.
  double smooth(const VectorXd& u, VectorXd& gradient) const {
    const VectorXd x = point(u);
    gradient = -observation_.gradient(Points(x.transpose())).row(0).transpose();
    for (Index i = gradient.size() - 2; sums_ && i >= 0; --i) gradient(i) += gradient(i + 1);
    if (observation_.is_near_anchor(x)) return std::numeric_limits<double>::infinity();
    return -observation_.log_likelihood(Points(x.transpose()))(0);
  }

  /// The Hessian of F along some coordinates.
  MatrixXd hessian(const VectorXd& u, const std::vector<Index>& along) const {
    const auto m = static_cast<Index>(along.size());
    Points directions = Points::Zero(m, u.size());
    for (Index k = 0; k < m; ++k) {
      const Index i = along[static_cast<std::size_t>(k)];
      directions.row(k).segment(i, sums_ ? u.size() - i : 1).setOnes();
    }
    const Points products = observation_.hessian_vp(point(u).transpose().replicate(m, 1), directions);
    const MatrixXd H = -(directions.lazyProduct(products.transpose()));
    return 0.5 * (H + H.transpose());
  }

 private:
  const NonlinearObservation& observation_;
  double weight_;
  bool sums_;
};

/// A point of the search. Its face are the points with the same zeros near it.
struct Place {
  VectorXd u;
  double value;             ///< -l
  VectorXd slope;           ///< the subgradient of -l of least norm
  VectorXd side;            ///< the sign that each coordinate with a penalty may have near u; 0 without one
  std::vector<Index> face;  ///< coordinates that are not 0 or have no penalty
  Index leaving;            ///< the coordinate at 0 with the largest slope, or -1
};

/// Sets the slope of a coordinate with a penalty, at which F has the derivative g: 0 where no direction leads
/// downwards.
void set_slope(Place& place, Index i, double g, double weight) {
  // Beyond the rounding errors of g, which count as no slope.
  constexpr double slack = 1e-9;
  const bool is_zero = place.u(i) == 0.0;
  if (is_zero && std::abs(g) <= weight * (1.0 + slack)) return;
  place.side(i) = is_zero ? -std::copysign(1.0, g) : std::copysign(1.0, place.u(i));
  place.slope(i) = g + place.side(i) * weight;
  if (!is_zero) {
    place.face.push_back(i);
  } else if (place.leaving < 0 || std::abs(place.slope(i)) > std::abs(place.slope(place.leaving))) {
    place.leaving = i;
  }
}

Place place_at(const Objective& objective, VectorXd u) {
  const Index d = u.size();
  Place place{.u = std::move(u),
              .value = 0.0,
              .slope = VectorXd::Zero(d),
              .side = VectorXd::Zero(d),
              .face = {},
              .leaving = -1};
  VectorXd g;
  place.value = objective.smooth(place.u, g) + objective.penalty(place.u);
  place.face.reserve(static_cast<std::size_t>(d));
  for (Index i = 0; i < objective.first(); ++i) {
    place.slope(i) = g(i);
    place.face.push_back(i);
  }
  for (Index i = objective.first(); i < d; ++i) set_slope(place, i, g(i), objective.weight());
  return place;
}

bool is_finite(const Place& place) { return std::isfinite(place.value) && place.slope.allFinite(); }

/// Newton's direction of §15.3 for descent along some coordinates.
VectorXd newton_direction(const Objective& objective, const Place& place, const std::vector<Index>& along) {
  VectorXd p = VectorXd::Zero(place.u.size());
  if (along.empty()) return p;
  const VectorXd slope = place.slope(along);
  const MatrixXd H = objective.hessian(place.u, along);
  const double least = least_curvature(slope, place.u);
  if (!H.allFinite() || least == 0.0) return p;
  p(along) = -newton_step(H, slope, least);
  return p;
}

/// u + p, with 0 where a coordinate would change its side or ends within rounding errors of 0.
VectorXd moved(const Place& place, const VectorXd& p) {
  constexpr double rounding = 4.0 * std::numeric_limits<double>::epsilon();
  VectorXd u = place.u + p;
  for (Index i = 0; i < u.size(); ++i) {
    const double side = place.side(i);
    if (side != 0.0 && u(i) * side <= rounding * std::abs(place.u(i))) u(i) = 0.0;
  }
  return u;
}

/// The smallest t at which u + t p has a coordinate at 0 that is not 0 at u; 1 if there is none below 1.
double first_crossing(const Place& place, const VectorXd& p) {
  double t = 1.0;
  for (Index i = 0; i < p.size(); ++i) {
    if (place.side(i) != 0.0 && place.u(i) * p(i) < 0.0) t = std::min(t, -place.u(i) / p(i));
  }
  return t;
}

/// Moves along p, by the first of p, p/2, p/4, ... that decreases the value enough. Once these are shorter
/// than the step to the first coordinate that reaches 0, that step and its halves replace them: in an
/// underdetermined problem only steps without further zeros keep the likelihood. False if none decreases the
/// value.
bool descend(const Objective& objective, Place& place, const VectorXd& p) {
  double t = 1.0, crossing = first_crossing(place, p);
  for (int halving = 0; halving < most_fractions; ++halving, t *= 0.5) {
    if (t <= crossing) {
      t = crossing;
      crossing = 0.0;
    }
    VectorXd u = moved(place, t * p);
    if (u == place.u) return false;
    const double expected = 1e-4 * place.slope.dot(u - place.u);
    if (!(expected < 0.0)) continue;
    Place next = place_at(objective, std::move(u));
    if (!is_finite(next) || !(next.value < place.value && next.value <= place.value + expected)) continue;
    place = std::move(next);
    return true;
  }
  return false;
}

/// The step p along some coordinates would decrease the value by less than its rounding error.
bool is_stationary(const Place& place, const std::vector<Index>& along, const VectorXd& p) {
  if (place.slope(along).norm() == 0.0) return true;
  return p.norm() > 0.0 && -place.slope.dot(p) <= 1e-13 * (1.0 + std::abs(place.value));
}

/// Newton steps at a maximum, where rounding hides the decrease, as long as they shorten the slope.
void polish(const Objective& objective, Place& place) {
  constexpr int most_steps = 5;
  for (int step = 0; step < most_steps && place.slope.norm() > 0.0; ++step) {
    Place next = place_at(objective, moved(place, newton_direction(objective, place, place.face)));
    if (!is_finite(next) || !(next.slope.norm() < place.slope.norm())) return;
    place = std::move(next);
  }
}

AscentEnd settle(const Objective& objective, Place& place) {
  if (!place.face.empty()) {
    const MatrixXd H = objective.hessian(place.u, place.face);
    if (!H.allFinite() || !linear_algebra::cholesky(H)) return AscentEnd::saddle;
  }
  polish(objective, place);
  return AscentEnd::maximum;
}

/// Newton's method on the face of a point, which one coordinate at a time leaves 0 to extend.
AscentEnd finish(const Objective& objective, Place& place) {
  for (int iteration = 0; iteration < most_newton_steps; ++iteration) {
    VectorXd p = newton_direction(objective, place, place.face);
    if (is_stationary(place, place.face, p)) {
      if (place.leaving < 0) return settle(objective, place);
      std::vector<Index> more = place.face;
      more.push_back(place.leaving);
      p = newton_direction(objective, place, more);
      if (is_stationary(place, more, p)) return settle(objective, place);
    }
    if (!descend(objective, place, p)) return AscentEnd::unfinished;
  }
  return AscentEnd::unfinished;
}

}  // namespace

bool has_kinks(const Target& target) {
  const Regularised* const of = target.regularised();
  return of != nullptr && of->prior.smoothing == Smoothing::none;
}

void check_kinks(const Target& target) {
  if (!has_kinks(target)) return;
  const AnalysisOperator analysis = target.regularised()->prior.analysis;
  require(analysis == AnalysisOperator::identity || analysis == AnalysisOperator::gradient,
          "modes: without smoothing only the operators identity and gradient can be searched, because F x "
          "must be coordinates of x; give the prior the smoothing pseudo-huber or huber");
}

Ascent ascend_with_kinks(const Target& target, const VectorXd& start) {
  const Objective objective(*target.regularised());
  Place place = place_at(objective, objective.coordinates(start));
  AscentEnd end = AscentEnd::outside;
  if (target.observation()->is_near_anchor(start)) {
    end = AscentEnd::unfinished;
  } else if (is_finite(place)) {
    const auto smooth = [&objective](const VectorXd& u, VectorXd& g) { return objective.smooth(u, g); };
    place = place_at(
        objective,
        lower_orthantwise(smooth, {.weight = objective.weight(), .first = objective.first()}, place.u));
    end = is_finite(place) ? finish(objective, place) : AscentEnd::unfinished;
  }
  VectorXd x = objective.point(place.u);
  const double l = target.log_density(Points(x.transpose()))(0);
  return {.x = std::move(x), .l = l, .g = -place.slope, .H = {}, .end = end};
}

}  // namespace gmdiff::targets
