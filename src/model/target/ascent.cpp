#include "model/target/ascent.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/linear_algebra.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int most_iterations = 200;
constexpr int most_halvings = 60;
constexpr double longest_step = 10.0;  // relative to 1 + |x|

/// Whether a Hessian of l at x has no meaning.
bool is_near_anchor(const Target& target, const VectorXd& x) {
  const NonlinearObservation* const observation = target.observation();
  return observation != nullptr && observation->is_near_anchor(x);
}

double value(const Target& target, const VectorXd& x) { return target.log_density(Points(x.transpose()))(0); }

/// The Hessian from its products with the unit vectors.
MatrixXd hessian(const Target& target, const VectorXd& x) {
  const Index d = x.size();
  const MatrixXd H = target.hessian_vp(x.transpose().replicate(d, 1), Points::Identity(d, d));
  return 0.5 * (H + H.transpose());
}

Ascent at(const Target& target, VectorXd x, double l) {
  Ascent point{.x = std::move(x), .l = l, .g = {}, .H = {}, .end = AscentEnd::unfinished};
  point.g = target.gradient(Points(point.x.transpose())).row(0).transpose();
  point.H = hessian(target, point.x);
  return point;
}

/// Newton's step. Without a finite Hessian it is the gradient with the length that bounds the step.
VectorXd direction(const Ascent& point) {
  const double least = least_curvature(point.g, point.x);
  return point.H.allFinite() ? newton_step(point.H, point.g, least) : VectorXd(point.g / least);
}

/// Moves uphill along p, by p or by the first of its halves that increases l enough; false if none does.
bool climb(const Target& target, Ascent& point, const VectorXd& p) {
  const double slope = point.g.dot(p);
  double t = 1.0;
  for (int halving = 0; halving < most_halvings; ++halving, t *= 0.5) {
    VectorXd x = point.x + t * p;
    if (x == point.x) return false;
    if (is_near_anchor(target, x)) continue;
    const double l = value(target, x);
    if (!std::isfinite(l) || !(l > point.l && l >= point.l + 1e-4 * t * slope)) continue;
    point = at(target, std::move(x), l);
    return point.g.allFinite();
  }
  return false;
}

/// Newton steps at a maximum, where rounding hides the increase of l, as long as they shorten the gradient.
void polish(const Target& target, Ascent& point) {
  constexpr int most_steps = 5;
  for (int step = 0; step < most_steps && point.g.norm() > 0.0; ++step) {
    const VectorXd x = point.x + direction(point);
    if (is_near_anchor(target, x)) return;
    Ascent next = at(target, x, value(target, x));
    if (!std::isfinite(next.l) || !(next.g.norm() < point.g.norm())) return;
    next.end = point.end;
    point = std::move(next);
  }
}

bool is_negative_definite(const MatrixXd& H) {
  return H.allFinite() && linear_algebra::cholesky(-H).has_value();
}

/// The step would increase l by less than its rounding error.
bool is_stationary(const Ascent& point, const VectorXd& p) {
  return point.g.dot(p) <= 1e-13 * (1.0 + std::abs(point.l));
}

}  // namespace

double least_curvature(const VectorXd& g, const VectorXd& x) {
  return g.norm() / (longest_step * (1.0 + x.norm()));
}

VectorXd newton_step(const MatrixXd& H, const VectorXd& g, double least) {
  const auto eigen = linear_algebra::symmetric_eigen(H);
  return eigen.U * (eigen.U.transpose() * g).cwiseQuotient(eigen.l.cwiseAbs().cwiseMax(least));
}

Ascent ascend(const Target& target, const VectorXd& start) {
  const double l = value(target, start);
  Ascent point = at(target, start, l);
  if (!std::isfinite(l) || !point.g.allFinite()) {
    point.end = AscentEnd::outside;
    return point;
  }
  if (is_near_anchor(target, start)) return point;
  for (int iteration = 0; iteration < most_iterations; ++iteration) {
    const bool flat = point.g.norm() == 0.0;
    const VectorXd p = flat ? point.g : direction(point);
    if (flat || is_stationary(point, p)) {
      point.end = is_negative_definite(point.H) ? AscentEnd::maximum : AscentEnd::saddle;
      if (point.end == AscentEnd::maximum) polish(target, point);
      return point;
    }
    if (!climb(target, point, p)) return point;
  }
  return point;
}

}  // namespace gmdiff::targets
