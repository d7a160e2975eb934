#include <cmath>
#include <limits>

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

double log(double x) { return static_cast<double>(extended::log(x)); }

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
      if (log(streams.open_uniform(m)) < -0.5 * (a * sine + std::abs(a))) break;
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

namespace {

/// A proposal x for a well exp(-(x^2 - D)^2), and the log of the probability to accept it.
struct WellProposal {
  double x, log_probability;
};

/// @param z normal. @param is_left whether a proposal with two sides is on the left
WellProposal propose(double D, double z, bool is_left) {
  if (D >= 1.0) {
    // For x >= 0, (x^2 - D)^2 = (x - s)^2 (x + s)^2 >= D (x - s)^2 with s = sqrt(D). The difference of both
    // sides is (x - s)^2 x (x + 2 s).
    const double s = std::sqrt(D), h = z / std::sqrt(2.0 * D), x = s + h;
    if (x < 0.0) return {x, -std::numeric_limits<double>::infinity()};
    return {is_left ? -x : x, -(h * h) * x * (x + 2.0 * s)};
  }
  // x^4 >= 2 c x^2 - c^2 for every c; this one accepts most. The difference of both sides is (x^2 - c)^2.
  const double c = 0.5 * (D + std::sqrt(D * D + 1.0)), x = z / std::sqrt(4.0 * (c - D));
  return {x, -(x * x - c) * (x * x - c)};
}

}  // namespace

void draw(const ManyWell& target, DrawStreams& streams, Row x) {
  const auto d = static_cast<std::uint64_t>(x.size());
  for (Index j = 0; j < x.size(); ++j) {
    auto m = static_cast<std::uint64_t>(j);
    if (j >= target.wells) {
      x(j) = streams.normal(m);
      continue;
    }
    // At least 0.45 of the proposals are accepted (by quadrature: least at delta = 0.99).
    for (;; m += d) {
      const auto [proposed, log_probability] =
          propose(target.delta, streams.normal(m), streams.uniform(m) % 2 == 1);
      x(j) = proposed;
      if (log(streams.open_uniform(m)) < log_probability) break;
    }
  }
}

}  // namespace gmdiff::targets
