#include <gmdiff/metrics/coverage.hpp>

#include <cmath>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// On each side of a 99 % band.
constexpr double outside_band = 0.005;

/// P(B = h) for B ~ Binomial(n, p).
double binomial_probability(std::int64_t h, std::int64_t n, double p) {
  const auto x = static_cast<double>(h);
  const auto size = static_cast<double>(n);
  return std::exp(std::lgamma(size + 1.0) - std::lgamma(x + 1.0) - std::lgamma(size - x + 1.0) +
                  x * std::log(p) + (size - x) * std::log1p(-p));
}

/// Largest h with P(B < h) <= outside_band.
std::int64_t lower_end(std::int64_t n, double p) {
  std::int64_t h = 0;
  for (double below = binomial_probability(0, n, p); below <= outside_band && h < n;
       below += binomial_probability(h, n, p))
    ++h;
  return h;
}

}  // namespace

Coverage coverage_over_problems(double level, std::int64_t hits, std::int64_t problems) {
  require(level > 0.0 && level < 1.0, "coverage_over_problems: level must be in (0, 1), given ", level);
  require(problems >= 1, "coverage_over_problems: problems must be >= 1, given ", problems);
  require(hits >= 0 && hits <= problems, "coverage_over_problems: hits must be in [0, ", problems,
          "], given ", hits);
  const auto n = static_cast<double>(problems);
  // Misses are Binomial(problems, 1 - level).
  return {.level = level,
          .hits = hits,
          .problems = problems,
          .low = static_cast<double>(lower_end(problems, level)) / n,
          .high = static_cast<double>(problems - lower_end(problems, 1.0 - level)) / n};
}

}  // namespace gmdiff
