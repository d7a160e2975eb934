#include <cmath>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/random.hpp"
#include "model/target/formulas.hpp"

// Exact draws (mathematics.md §13), in double with functions that have the same bits on every machine.

namespace gmdiff::targets {
namespace {

using Eigen::Index;

constexpr std::uint64_t most_trials = 100'000;

double exp(double x) { return static_cast<double>(extended::exp(x)); }

/// log u of a uniform number in (0, 1).
double log_uniform(std::uint64_t U) {
  const double u = (static_cast<double>(U >> 12) + 0.5) * 0x1p-52;
  return static_cast<double>(extended::log(u));
}

}  // namespace

DrawStreams::DrawStreams(std::uint64_t seed, std::uint64_t index, std::uint32_t replicate)
    : choice_{.seed = seed, .index = index, .purpose = Purpose::draw_component, .replicate = replicate},
      normals_({.seed = seed, .index = index, .purpose = Purpose::draw_noise, .replicate = replicate},
               Precision::f64) {}

void draw(const SinGaussian& target, DrawStreams& streams, Row x) {
  const double a = target.amplitude;
  for (Index j = 0; j < x.size(); ++j) {
    for (std::uint64_t trial = 0;; ++trial) {
      require(trial < most_trials, target.name, ": no draw of coordinate ", j, " was accepted in ",
              most_trials, " trials; amplitude ", a, " is too large for draws by rejection");
      const std::uint64_t m = trial * static_cast<std::uint64_t>(x.size()) + static_cast<std::uint64_t>(j);
      x(j) = streams.normal(m);
      const auto sine = static_cast<double>(extended::sin(target.phase + target.frequency * x(j)));
      if (log_uniform(streams.uniform(m)) < -0.5 * (a * sine + std::abs(a))) break;
    }
  }
}

void draw(const Banana& target, DrawStreams& streams, Row x) {
  const double s = target.scale;
  for (Index j = 0; j < x.size(); ++j) x(j) = streams.normal(static_cast<std::uint64_t>(j));
  x(0) *= s;
  x(1) += target.curvature * (x(0) * x(0) - s * s);
}

void draw(const Funnel& target, DrawStreams& streams, Row x) {
  x(0) = target.scale * streams.normal(0);
  const double width = exp(0.5 * x(0));
  for (Index j = 1; j < x.size(); ++j) x(j) = width * streams.normal(static_cast<std::uint64_t>(j));
}

}  // namespace gmdiff::targets
