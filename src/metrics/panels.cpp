#include "metrics/panels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace gmdiff {
namespace {

/// P_n(x) and its derivative.
std::pair<double, double> legendre(int n, double x) {
  double before = 1.0;
  double value = x;
  for (int k = 2; k <= n; ++k)
    before = std::exchange(value, ((2 * k - 1) * x * value - (k - 1) * before) / k);
  return {value, n * (x * value - before) / (x * x - 1.0)};
}

}  // namespace

GaussLegendre::GaussLegendre(int n) : nodes(n), weights(n) {
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

std::vector<double> panel_ends(const std::vector<ComponentRange>& components) {
  std::vector<double> events;
  for (const ComponentRange& component : components)
    events.insert(events.end(), {component.begin, component.end});
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());

  std::vector<double> ends{events.front()};
  for (std::size_t e = 0; e + 1 < events.size(); ++e) {
    const double begin = events[e];
    const double length = events[e + 1] - begin;
    double narrowest = std::numeric_limits<double>::infinity();
    for (const ComponentRange& component : components) {
      if (component.begin <= begin && component.end > begin)
        narrowest = std::min(narrowest, component.deviation);
    }
    const int panels = std::max(1, static_cast<int>(std::ceil(length / (2.0 * narrowest))));
    for (int i = 1; i < panels; ++i) ends.push_back(begin + length * i / panels);
    ends.push_back(events[e + 1]);
  }
  return ends;
}

}  // namespace gmdiff
