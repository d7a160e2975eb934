#include <cmath>
#include <numbers>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/panels.hpp"

namespace gmdiff {
namespace {

/// Outside its range, 14 standard deviations around the mean, a component's cdf is 0 or 1 to within 1e-44.
std::vector<ComponentRange> component_ranges(const Mixture& law) {
  constexpr double reach = 14.0;
  std::vector<ComponentRange> result;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) == 0.0) continue;
    const double mean = law.means()(k, 0);
    const double deviation = std::sqrt(eigenvalue(law, k, 0));
    result.push_back({mean - reach * deviation, mean + reach * deviation, deviation});
  }
  return result;
}

/// int sqrt(F (1 - F)) dx. Between modes the integrand is constant; within a mode it is smooth on the scale
/// of the mode's narrowest component. Fixed panels of 2 standard deviations with 20 nodes resolve it
/// everywhere.
double spread_integral(const Mixture& law) {
  const GaussLegendre rule(20);
  const std::vector<double> ends = panel_ends(component_ranges(law));
  double integral = 0.0;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    const double half = (ends[i + 1] - ends[i]) / 2.0;
    const Eigen::VectorXd x = ends[i] + half + half * rule.nodes;
    integral += half * (rule.weights * (law.cdf(x).array() * law.survival(x).array()).sqrt()).sum();
  }
  return integral;
}

}  // namespace

double wasserstein_floor(const Mixture& projected, std::int64_t n, std::int64_t m) {
  require(projected.dim() == 1, "wasserstein_floor: the law must have dimension 1 (Mixture::project), given ",
          projected.dim());
  require(n >= 1, "wasserstein_floor: n must be >= 1, given ", n);
  require(m >= 1, "wasserstein_floor: m must be >= 1, given ", m);
  const double size_factor = std::sqrt(1.0 / static_cast<double>(n) + 1.0 / static_cast<double>(m));
  return std::sqrt(2.0 * std::numbers::inv_pi) * size_factor * spread_integral(projected);
}

}  // namespace gmdiff
