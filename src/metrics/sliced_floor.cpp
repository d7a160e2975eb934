#include <algorithm>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "metrics/binomial_deviation.hpp"
#include "metrics/panels.hpp"
#include "metrics/projected_laws.hpp"
#include "metrics/scale.hpp"
#include "metrics/scaled_slices.hpp"
#include "particle/line_law.hpp"

// E W_1 of n exact draws along a direction: int E|B / n - F| dx, B ~ Binomial(n, F) (mathematics.md §9.1).

namespace gmdiff {
namespace {

using Number = particle::One<double>;

/// Kinks of the integrand, at F = j / n, where panels end. Beyond, `BinomialDeviation::smooth` has none.
constexpr int resolved_kinks = 40;

/// Ends of panels up to the median, ascending. With sign -1 the law is that of -X.
std::vector<double> lower_panels(const particle::LineLaw& law, double sign, double median, std::int64_t n) {
  constexpr double reach = 9.5;  // in deviations; the tails beyond add less than 1e-20 of one
  std::vector<ComponentRange> ranges;
  for (particle::Index k = 0; k < law.num_components; ++k) {
    const double mean = sign * law.means[k];
    const double width = reach * law.deviations[k];
    ranges.push_back({mean - width, mean + width, law.deviations[k]});
  }
  std::vector<double> ends{median};
  for (const double end : panel_ends(ranges)) {
    if (end < median) ends.push_back(end);
  }
  double low = -law.radius;
  for (std::int64_t j = 1; j <= resolved_kinks && 2 * j < n; ++j) {
    const Number mass(static_cast<double>(j) / static_cast<double>(n));
    const Number start(low + 0.5 * (median - low));
    low = particle::line_quantile<false>(law, sign, mass, start, Number(low), Number(median)).x.v;
    ends.push_back(low);
  }
  std::sort(ends.begin(), ends.end());
  return ends;
}

/// Expectation of W_1 along one direction.
double line_floor(const particle::LineLaw& law, std::int64_t n, const BinomialDeviation& deviation,
                  const GaussLegendre& rule) {
  const Number radius(law.radius);
  const Number half(0.5);
  const double median = particle::line_quantile<false>(law, 1.0, half, Number(0.0), -radius, radius).x.v;
  double integral = 0.0;
  for (const double sign : {1.0, -1.0}) {
    const std::vector<double> ends = lower_panels(law, sign, sign * median, n);
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
      const double scale = 0.5 * (ends[i + 1] - ends[i]);
      for (Eigen::Index j = 0; j < rule.nodes.size(); ++j) {
        const Number x(ends[i] + scale * (1.0 + rule.nodes(j)));
        const double mass = particle::line_values<false>(law, sign, x).cdf.v;
        const bool is_resolved = mass * static_cast<double>(n) < resolved_kinks;
        integral += scale * rule.weights(j) * (is_resolved ? deviation(mass) : deviation.smooth(mass));
      }
    }
  }
  return integral;
}

}  // namespace

Eigen::VectorXd slice_wasserstein_floor(const Mixture& law, std::int64_t n, const Points& directions) {
  constexpr const char* where = "slice_wasserstein_floor";
  require(n >= 1, where, ": n must be >= 1, given ", n);
  check_directions(where, directions, law.dim(), "law has dimension");
  const double factor = normalising_factor(largest_size(law));
  const LineLaws laws = project_law(law, directions, factor);
  const BinomialDeviation deviation(n);
  const GaussLegendre rule(10);
  Eigen::VectorXd floors(directions.rows());
  for (Eigen::Index s = 0; s < floors.size(); ++s)
    floors(s) = line_floor(laws[s], n, deviation, rule) / factor;
  return floors;
}

}  // namespace gmdiff
