#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/check.hpp"
#include "model/mixture/mixture_data.hpp"

// One-dimensional mixtures: distribution function, its tails and its inverse (mathematics.md §2.6). They are
// computed in extended precision: far in a tail a relative error of the argument z grows by a factor of z^2
// in the result.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::VectorXd;
using Real = long double;

constexpr Real real_infinity = std::numeric_limits<Real>::infinity();

// P(Z <= z) of a standard normal.
Real normal_cdf(Real z) { return 0.5L * std::erfc(-z / std::numbers::sqrt2_v<Real>); }

// log P(Z <= z).
Real log_normal_cdf(Real z) {
  if (z > 0.0L) return std::log1p(-normal_cdf(-z));
  if (z > -50.0L) return std::log(normal_cdf(z));
  if (z == -real_infinity) return -real_infinity;
  // Asymptotic series of Mills' ratio; its fifth term is below 1e-14, its sixth below 1e-16.
  const Real s = 1.0L / (z * z);
  const Real series = -s * (1.0L - s * (3.0L - s * (15.0L - s * (105.0L - s * 945.0L))));
  return -0.5L * z * z - std::log(-z) - 0.5L * std::log(2.0L * std::numbers::pi_v<Real>) + std::log1p(series);
}

struct Component {
  Real weight;
  Real log_weight;
  Real mean;
  Real std;

  // (x - mean) / std; for a point mass inf from its mean on, -inf below.
  Real standardised(Real x) const {
    if (std == 0.0L) return x < mean ? -real_infinity : real_infinity;
    return (x - mean) / std;
  }
  Real log_density(Real x) const {
    if (std == 0.0L) return -real_infinity;
    const Real z = standardised(x);
    return log_weight - 0.5L * z * z - std::log(std) - 0.5L * std::log(2.0L * std::numbers::pi_v<Real>);
  }
};

enum class Tail { lower, upper };  // P(X <= x) and P(X > x)

Tail opposite(Tail tail) { return tail == Tail::lower ? Tail::upper : Tail::lower; }

// The components of positive weight of a one-dimensional mixture.
class Univariate {
 public:
  explicit Univariate(const Mixture::Data& data) {
    require(data.means.cols() == 1, "Mixture: distribution functions need dimension 1, the dimension is ",
            data.means.cols());
    for (Index k = 0; k < data.means.rows(); ++k) {
      const auto log_weight = static_cast<Real>(data.log_weights(k));
      if (!(log_weight > -real_infinity)) continue;
      // The log-weight may belong to a weight that is too small for a double.
      const Real weight = data.weights(k) > 0.0 ? static_cast<Real>(data.weights(k)) : std::exp(log_weight);
      const Real std = std::sqrt(static_cast<Real>(data.eigenvalue(k, 0)));
      components_.push_back({weight, log_weight, static_cast<Real>(data.means(k, 0)), std});
    }
  }

  Real probability(Real x, Tail tail) const {
    Real sum = 0.0L;
    for (const Component& component : components_)
      sum += component.weight * normal_cdf(argument(component, x, tail));
    return std::min(sum, 1.0L);
  }

  Real log_probability(Real x, Tail tail) const {
    const Real rest = probability(x, opposite(tail));
    if (rest < 0.5L) return std::log1p(-rest);
    return log_sum([&](const Component& component) {
      return component.log_weight + log_normal_cdf(argument(component, x, tail));
    });
  }

  // Smallest x with P(X <= x) >= u, for 0 < u < 1.
  Real quantile(Real u) const;

 private:
  static Real argument(const Component& component, Real x, Tail tail) {
    const Real z = component.standardised(x);
    return tail == Tail::lower ? z : -z;
  }

  template <class Term>
  Real log_sum(const Term& term) const {
    Real largest = -real_infinity;
    for (const Component& component : components_) largest = std::max(largest, term(component));
    if (largest == -real_infinity) return -real_infinity;
    Real sum = 0.0L;
    for (const Component& component : components_) sum += std::exp(term(component) - largest);
    return largest + std::log(sum);
  }

  // Whether x is a point mass at which the distribution function jumps from below u to at least u.
  bool jumps_over(Real x, Real u) const {
    Real mass = 0.0L;
    for (const Component& component : components_) {
      if (component.std == 0.0L && component.mean == x) mass += component.weight;
    }
    const Real above = probability(x, Tail::lower);
    return mass > 0.0L && above >= u && above - mass < u;
  }

  Real continuous_quantile(Real u) const;

  std::vector<Component> components_;
};

Real Univariate::quantile(Real u) const {
  for (const Component& component : components_) {
    if (component.std == 0.0L && jumps_over(component.mean, u)) return component.mean;
  }
  return continuous_quantile(u);
}

// Newton's method on the log of the smaller tail, which is nearly a parabola far out. A bracket keeps it safe
// between modes.
Real Univariate::continuous_quantile(Real u) const {
  constexpr Real reach = 40.0L;  // in standard deviations: P(Z <= -40) is below the smallest double
  Real low = real_infinity;
  Real high = -real_infinity;
  Real smallest_std = real_infinity;
  for (const Component& component : components_) {
    low = std::min(low, component.mean - reach * component.std);
    high = std::max(high, component.mean + reach * component.std);
    if (component.std > 0.0L) smallest_std = std::min(smallest_std, component.std);
  }
  if (smallest_std == real_infinity) return high;  // only point masses, whose sum was rounded to below u
  const Tail tail = u <= 0.5L ? Tail::lower : Tail::upper;
  const Real target = std::log(tail == Tail::lower ? u : 1.0L - u);
  Real x = 0.5L * (low + high);
  Real last_step = high - low;
  while (true) {
    const Real log_tail = log_probability(x, tail);
    const Real excess = tail == Tail::lower ? log_tail - target : target - log_tail;
    if (excess == 0.0L) return x;
    (excess > 0.0L ? high : low) = x;
    const Real slope =
        std::exp(log_sum([x](const Component& component) { return component.log_density(x); }) - log_tail);
    Real next = x - excess / slope;
    // Bisects when the Newton step leaves the bracket, is NaN, or is not at most half of the last step.
    if (!(next > low && next < high && std::abs(next - x) < 0.5L * last_step)) next = 0.5L * (low + high);
    if (!(next > low && next < high)) return high;  // low and high are neighbouring numbers
    last_step = std::abs(next - x);
    if (last_step <= std::numeric_limits<Real>::epsilon() * (std::abs(x) + smallest_std)) return next;
    x = next;
  }
}

// Applies f to every entry, none of which may be NaN.
template <class Function>
VectorXd each(const VectorXd& x, const Function& f) {
  VectorXd result(x.size());
  for (Index i = 0; i < x.size(); ++i) {
    require(!std::isnan(x(i)), "Mixture: point ", i, " is nan, expected a number");
    result(i) = static_cast<double>(f(static_cast<Real>(x(i))));
  }
  return result;
}

}  // namespace

VectorXd Mixture::cdf(const VectorXd& x) const {
  const Univariate law(*data_);
  return each(x, [&](Real value) { return law.probability(value, Tail::lower); });
}

VectorXd Mixture::survival(const VectorXd& x) const {
  const Univariate law(*data_);
  return each(x, [&](Real value) { return law.probability(value, Tail::upper); });
}

VectorXd Mixture::log_cdf(const VectorXd& x) const {
  const Univariate law(*data_);
  return each(x, [&](Real value) { return law.log_probability(value, Tail::lower); });
}

VectorXd Mixture::log_survival(const VectorXd& x) const {
  const Univariate law(*data_);
  return each(x, [&](Real value) { return law.log_probability(value, Tail::upper); });
}

VectorXd Mixture::quantile(const VectorXd& u) const {
  const Univariate law(*data_);
  for (Index i = 0; i < u.size(); ++i) {
    require(u(i) >= 0.0 && u(i) <= 1.0, "Mixture: entry ", i, " of u is ", u(i),
            ", expected a number in [0, 1]");
  }
  return each(u, [&](Real value) {
    if (value == 0.0L) return -real_infinity;
    return value == 1.0L ? real_infinity : law.quantile(value);
  });
}

}  // namespace gmdiff
