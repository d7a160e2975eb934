#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "metrics/binomial_deviation.hpp"
#include "metrics/panels.hpp"
#include "metrics/projected_laws.hpp"
#include "metrics/scale.hpp"
#include "metrics/scaled_slices.hpp"

// E W_1 of n exact draws along a direction: int E|B / n - F| dx, B ~ Binomial(n, F) (mathematics.md §9.1).

namespace gmdiff {
namespace {

constexpr double reach = 9.5;  // in deviations; the tails beyond add less than 1e-20 of one
/// Kinks of the integrand, at F = j / n, where panels end. Beyond, `BinomialDeviation::smooth` has none.
constexpr int resolved_kinks = 40;

/// The law of one direction, or with sign -1 that of its negative, by the C library's erfc: one point at a time
/// it is faster than the packs of particle/line_law.hpp.
struct FloorLine {
  const particle::LineLaw& law;
  double sign;

  struct Values {
    double mass = 0.0;  ///< F(x)
    double density = 0.0;
  };
  Values operator()(double x) const {
    Values sum;
    for (particle::Index k = 0; k < law.num_components; ++k) {
      const double z = (x - sign * law.means[k]) * law.rates[k];
      if (z <= -reach) continue;
      if (z >= reach) {
        sum.mass += law.weights[k];
        continue;
      }
      sum.mass += law.weights[k] * 0.5 * std::erfc(-z / std::numbers::sqrt2);
      sum.density += law.weights[k] * law.rates[k] * std::exp(-0.5 * z * z);
    }
    sum.density *= std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return sum;
  }

  /// The x in [low, high] with F(x) = mass, nearly: where a panel ends exactly does not matter. Newton's method
  /// on log F from `start`, or from the middle if that is outside.
  double quantile(double mass, double start, double low, double high) const {
    double x = start;
    for (int iteration = 0; iteration < 100 && high - low > 1e-13 * law.radius; ++iteration) {
      if (!(low < x && x < high) || iteration % 8 == 7) x = low + 0.5 * (high - low);
      const Values at = (*this)(x);
      if (std::abs(at.mass - mass) <= 1e-9 * mass) break;
      (at.mass < mass ? low : high) = x;
      x -= std::log(at.mass / mass) * at.mass / at.density;
    }
    return low < x && x < high ? x : low + 0.5 * (high - low);
  }
};

/// Ends of panels up to the median, ascending.
std::vector<double> lower_panels(const FloorLine& line, double median, std::int64_t n) {
  std::vector<ComponentRange> ranges;
  for (particle::Index k = 0; k < line.law.num_components; ++k) {
    const double mean = line.sign * line.law.means[k];
    const double width = reach * line.law.deviations[k];
    ranges.push_back({mean - width, mean + width, line.law.deviations[k]});
  }
  std::vector<double> ends{median};
  for (const double end : panel_ends(ranges)) {
    if (end < median) ends.push_back(end);
  }
  double low = -line.law.radius;
  for (std::int64_t j = 1; j <= resolved_kinks && 2 * j < n; ++j) {
    const double mass = static_cast<double>(j) / static_cast<double>(n);
    const FloorLine::Values before = line(low);
    low = line.quantile(mass, low + std::log(mass / before.mass) * before.mass / before.density, low, median);
    ends.push_back(low);
  }
  std::sort(ends.begin(), ends.end());
  return ends;
}

/// Expectation of W_1 along one direction.
double line_floor(const particle::LineLaw& law, std::int64_t n, const BinomialDeviation& deviation,
                  const GaussLegendre& rule) {
  const double median = FloorLine{law, 1.0}.quantile(0.5, 0.0, -law.radius, law.radius);
  double integral = 0.0;
  for (const double sign : {1.0, -1.0}) {
    const FloorLine line{law, sign};
    const std::vector<double> ends = lower_panels(line, sign * median, n);
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
      const double scale = 0.5 * (ends[i + 1] - ends[i]);
      for (Eigen::Index j = 0; j < rule.nodes.size(); ++j) {
        const double mass = line(ends[i] + scale * (1.0 + rule.nodes(j))).mass;
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
