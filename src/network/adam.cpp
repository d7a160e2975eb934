#include <gmdiff/network/adam.hpp>

#include <cmath>

#include "base/check.hpp"
#include "particle/elementary.hpp"

namespace gmdiff {

namespace {

/// x^n by squaring: the same bits everywhere, unlike std::pow.
double power(double x, std::int64_t n) {
  double result = 1.0;
  for (; n > 0; n /= 2) {
    if (n % 2 == 1) result *= x;
    x *= x;
  }
  return result;
}

constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

/// Update number t of entries begin ... end - 1. @returns the number of NaN entries.
std::int64_t update_entries(AdamState& state, const Eigen::VectorXd& gradient, double rate,
                            Eigen::VectorXd& parameters, Eigen::Index begin, const AdamPart& part) {
  const std::int64_t t = state.updates - part.begun;
  if (t < 1) return 0;
  const double of_m = 1.0 / (1.0 - power(beta1, t)), of_v = 1.0 / (1.0 - power(beta2, t));
  std::int64_t lost = 0;
  for (Eigen::Index i = begin; i < part.end; ++i) {
    double g = gradient(i);
    const bool is_nan = !(g == g);
    lost += is_nan ? 1 : 0;
    g = is_nan ? 0.0 : g > 1.0 ? 1.0 : g < -1.0 ? -1.0 : g;
    state.m(i) = beta1 * state.m(i) + (1.0 - beta1) * g;
    state.v(i) = beta2 * state.v(i) + (1.0 - beta2) * (g * g);
    parameters(i) -= rate * (state.m(i) * of_m) / (std::sqrt(state.v(i) * of_v) + epsilon);
  }
  return lost;
}

void check_parts(const std::vector<AdamPart>& parts, Eigen::Index size) {
  Eigen::Index begin = 0;
  for (const AdamPart& part : parts) {
    require(part.end >= begin && part.end <= size, "adam: a part ends at entry ", part.end,
            ", expected from ", begin, " to ", size);
    begin = part.end;
  }
  require(begin == size, "adam: the parts end at entry ", begin, ", but there are ", size);
}

}  // namespace

std::int64_t adam_update(AdamState& state, const Eigen::VectorXd& gradient, double rate,
                         Eigen::VectorXd& parameters) {
  return adam_update(state, gradient, rate, parameters, {{.end = parameters.size(), .begun = 0}});
}

std::int64_t adam_update(AdamState& state, const Eigen::VectorXd& gradient, double rate,
                         Eigen::VectorXd& parameters, const std::vector<AdamPart>& parts) {
  const Eigen::Index size = parameters.size();
  require(gradient.size() == size && state.m.size() == size && state.v.size() == size,
          "adam: parameters, gradient, m and v have sizes ", size, ", ", gradient.size(), ", ",
          state.m.size(), " and ", state.v.size(), "; they must be equal");
  check_parts(parts, size);
  ++state.updates;
  std::int64_t lost = 0;
  Eigen::Index begin = 0;
  for (const AdamPart& part : parts) {
    lost += update_entries(state, gradient, rate, parameters, begin, part);
    begin = part.end;
  }
  return lost;
}

double learning_rate(double rate, double decay, std::int64_t iteration, std::int64_t iterations) {
  require(iteration >= 1 && iteration <= iterations, "learning rate: iteration ", iteration,
          " is outside 1 ... ", iterations);
  require(decay >= 0.0 && decay <= 1.0, "learning rate: decay must be in [0, 1], got ", decay);
  const double begin = (1.0 - decay) * static_cast<double>(iterations);
  const double past = static_cast<double>(iteration) - 1.0 - begin;
  if (past <= 0.0) return rate;
  const double half_turns = past / (decay * static_cast<double>(iterations));
  const particle::One<double> radians(3.14159265358979323846 * half_turns);
  return rate * 0.5 * (1.0 + particle::sine_cosine(radians).cosine.v);
}

}  // namespace gmdiff
