#include "network/parametrisation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "base/names.hpp"
#include "particle/elementary.hpp"

namespace gmdiff {

const char* to_string(Parametrisation parametrisation) {
  switch (parametrisation) {
    case Parametrisation::x0:
      return "x0";
    case Parametrisation::eps:
      return "eps";
    case Parametrisation::v:
      return "v";
    case Parametrisation::edm:
      return "edm";
  }
  fail("learned denoiser: unknown parametrisation");
}

Parametrisation parametrisation_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Parametrisation known :
       {Parametrisation::x0, Parametrisation::eps, Parametrisation::v, Parametrisation::edm}) {
    if (name == to_string(known)) return known;
    names.emplace_back(to_string(known));
  }
  fail(unknown_name("parametrisation", name, names));
}

}  // namespace gmdiff

namespace gmdiff::network {

namespace {

using Number = particle::One<double>;

double log(double x) { return particle::log(Number(x)).v; }

/// ln(n) / 4, n at most the ends of the ladder.
double time_of(const NoiseLadder& ladder, Level level) {
  const double n = level.alpha > 0.0 ? level.sigma / level.alpha : ladder.n_max;
  return log(std::clamp(n, ladder.n_min, ladder.n_max)) / 4.0;
}

}  // namespace

Preconditioning precondition(Parametrisation parametrisation, double scale, const NoiseLadder& ladder,
                             Level level) {
  const double alpha = level.alpha, sigma = level.sigma;
  const double variance = sigma * sigma + alpha * alpha * (scale * scale), root = std::sqrt(variance);
  Preconditioning of{.in = 1.0 / root, .skip = 0.0, .out = scale, .time = time_of(ladder, level)};
  switch (parametrisation) {
    case Parametrisation::x0:
      return of;
    case Parametrisation::eps:
      require(alpha > 0.0, "learned denoiser: with the parametrisation eps D has no value at alpha = 0");
      of.skip = 1.0 / alpha;
      of.out = -sigma / alpha;
      return of;
    case Parametrisation::v:
      of.skip = alpha / (alpha * alpha + sigma * sigma);
      of.out = -sigma / std::sqrt(alpha * alpha + sigma * sigma);
      return of;
    case Parametrisation::edm:
      of.skip = alpha * (scale * scale) / variance;
      of.out = sigma * scale / root;
      return of;
  }
  fail("learned denoiser: unknown parametrisation");
}

double loss_weight(Parametrisation parametrisation, double scale, double n) {
  switch (parametrisation) {
    case Parametrisation::x0:
      return 1.0;
    case Parametrisation::eps:
      return 1.0 / (n * n);
    case Parametrisation::v:
      return (1.0 + n * n) / (n * n);
    case Parametrisation::edm:
      return (n * n + scale * scale) / (n * n * (scale * scale));
  }
  fail("learned denoiser: unknown parametrisation");
}

Eigen::VectorXd denoiser_frequencies(Eigen::Index hidden) {
  Eigen::VectorXd w(hidden);
  for (Eigen::Index j = 0; j < hidden; ++j) {
    const double octaves = -3.0 + 5.0 * static_cast<double>(j) / static_cast<double>(hidden - 1);
    w(j) = 2.0 * std::numbers::pi * particle::exp(Number(std::numbers::ln2 * octaves)).v;
  }
  return w;
}

}  // namespace gmdiff::network
