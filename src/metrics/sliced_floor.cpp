#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "metrics/binomial_deviation.hpp"
#include "metrics/panels.hpp"
#include "metrics/projected_laws.hpp"
#include "metrics/scale.hpp"
#include "metrics/scaled_slices.hpp"

// E W_1 of n exact draws along a direction: int E|B/n - F(x)| dx, B ~ Binomial(n, F(x)) (mathematics.md §9.1).

namespace gmdiff {
namespace {

constexpr double reach = 9.5;  // in deviations; the tails beyond add less than 1e-20 of one

/// The law of one direction.
class FloorLine {
 public:
  explicit FloorLine(const particle::LineLaw& law) : law_(law) {}

  struct Tails {
    double below = 0.0;
    double above = 0.0;
    double density = 0.0;
    double smaller() const { return std::min(below, above); }
  };
  Tails operator()(double x) const {
    constexpr double inverse_sqrt_2_pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    Tails tails;
    for (Eigen::Index k = 0; k < law_.num_components; ++k) {
      const double z = (x - law_.means[k]) * law_.rates[k];
      const double t = std::abs(z);
      const double tail = t < reach ? 0.5 * std::erfc(t / std::numbers::sqrt2) : 0.0;
      tails.below += law_.weights[k] * (z < 0.0 ? tail : 1.0 - tail);
      tails.above += law_.weights[k] * (z < 0.0 ? 1.0 - tail : tail);
    }
    return tails;
  }

  std::vector<double> panels() const {
    std::vector<Extent> extents;
    for (Eigen::Index k = 0; k < law_.num_components; ++k) {
      const double width = reach * law_.deviations[k];
      extents.push_back({law_.means[k] - width, law_.means[k] + width, law_.deviations[k]});
    }
    return panel_ends(extents);
  }

 private:
  particle::LineLaw law_;
};

/// A point between two ends of a panel where a tail that ascends from below is `mass`. Where the tail is
/// exactly is of no matter: the integrand has a kink there and no jump.
template <class Tail>
double crossing(const Tail& tail, double mass, double low, double high) {
  const double precise = 1e-7 * (high - low);
  double at_low = tail(low) - mass;
  double at_high = tail(high) - mass;
  while (high - low > precise) {
    // The secant, kept off the ends so that the bracket shrinks from both sides.
    const double share = std::clamp(at_low / (at_low - at_high), 0.02, 0.98);
    const double x = low + share * (high - low);
    const double value = tail(x) - mass;
    (value < 0.0 ? low : high) = x;
    (value < 0.0 ? at_low : at_high) = value;
  }
  return low + 0.5 * (high - low);
}

}  // namespace
}  // namespace gmdiff
