#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "metrics/eigenvalues.hpp"

namespace gmdiff {
namespace {

/// Nodes and weights of Gauss-Legendre quadrature on [-1, 1].
struct GaussLegendre {
  Eigen::ArrayXd nodes;
  Eigen::ArrayXd weights;

  explicit GaussLegendre(int n) : nodes(n), weights(n) {
    for (int i = 0; i < n; ++i) {
      double x = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5));
      for (int iteration = 0; iteration < 8; ++iteration) {
        const auto [value, slope] = legendre(n, x);
        x -= value / slope;
      }
      const double slope = legendre(n, x).second;
      nodes(i) = x;
      weights(i) = 2.0 / ((1.0 - x * x) * slope * slope);
    }
  }

 private:
  /// P_n(x) and its derivative.
  static std::pair<double, double> legendre(int n, double x) {
    double before = 1.0;
    double value = x;
    for (int k = 2; k <= n; ++k)
      before = std::exchange(value, ((2 * k - 1) * x * value - (k - 1) * before) / k);
    return {value, n * (x * value - before) / (x * x - 1.0)};
  }
};

/// The interval outside which a component's cdf is 0 or 1 to within 1e-44: its mean plus or minus 14 standard
/// deviations.
struct Extent {
  double begin;
  double end;
  double deviation;
};

std::vector<Extent> extents(const Mixture& law) {
  constexpr double reach = 14.0;
  std::vector<Extent> result;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) == 0.0) continue;
    const double mean = law.means()(k, 0);
    const double deviation = std::sqrt(eigenvalue(law, k, 0));
    result.push_back({mean - reach * deviation, mean + reach * deviation, deviation});
  }
  return result;
}

/// Ends of panels on which the cdf of each component is constant or changes over at least half the panel's
/// length.
std::vector<double> panel_ends(const std::vector<Extent>& components) {
  std::vector<double> events;
  for (const Extent& component : components) events.insert(events.end(), {component.begin, component.end});
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());

  std::vector<double> ends{events.front()};
  for (std::size_t e = 0; e + 1 < events.size(); ++e) {
    const double begin = events[e];
    const double length = events[e + 1] - begin;
    double narrowest = std::numeric_limits<double>::infinity();
    for (const Extent& component : components) {
      if (component.begin <= begin && component.end > begin)
        narrowest = std::min(narrowest, component.deviation);
    }
    const int panels = std::max(1, static_cast<int>(std::ceil(length / (2.0 * narrowest))));
    for (int i = 1; i < panels; ++i) ends.push_back(begin + length * i / panels);
    ends.push_back(events[e + 1]);
  }
  return ends;
}

/// int sqrt(F (1 - F)) dx. Between modes the integrand is constant; within a mode it is smooth on the scale
/// of the mode's narrowest component. Fixed panels of 2 standard deviations with 20 nodes resolve it
/// everywhere.
double spread_integral(const Mixture& law) {
  const GaussLegendre rule(20);
  const std::vector<double> ends = panel_ends(extents(law));
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
