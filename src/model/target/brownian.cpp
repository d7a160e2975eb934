#include "base/extended.hpp"
#include "model/target/compiled.hpp"

// A Brownian motion with unknown scales and a gap of observations (mathematics.md §13.5).

namespace gmdiff::targets {
namespace {

using expressions::Graph;
using expressions::Term;

constexpr int states = 30;
constexpr int observations = 20;
// "BrownianMotionUnknownScalesMissingMiddleObservations" of Inference Gym 0.0.4 (Apache-2.0): y at the times
// 1 to 10 and 21 to 30.
constexpr double observed[observations] = {0.21592641,  0.118771404, -0.07945447, 0.037677474, -0.27885845,
                                           -0.1484156,  -0.3250906,  -0.22957903, -0.44110894, -0.09830782,
                                           -0.8786016,  -0.83736074, -0.7384849,  -0.8939254,  -0.7774566,
                                           -0.70238715, -0.87771565, -0.51853573, -0.6948214,  -0.6202789};
constexpr int time_of(int i) { return i < 10 ? i : i + 10; }

constexpr long double log_scale_variance = 4.0L;  // of the log-normal prior of both scales

/// A scale s = log(1 + e^raw) with its prior and Jacobian, and n normal variables of this scale whose squares
/// have the sum Q.
Term append_scaled(Term raw, int n, Term Q) {
  const Term s = softplus(raw), log_s = log(s);
  return -softplus(-raw) - (n + 1) * log_s - (0.5L / log_scale_variance) * square(log_s) -
         0.5L * (Q / square(s));
}

}  // namespace

Term append_log_density(Graph& graph, const Brownian& /*target*/) {
  const auto state = [&graph](int t) { return coordinate(graph, 2 + t); };
  Term steps = square(state(0));
  for (int t = 1; t < states; ++t) steps = steps + square(state(t) - state(t - 1));
  Term residuals(graph, graph.constant(0.0L));
  for (int i = 0; i < observations; ++i) residuals = residuals + square(state(time_of(i)) - observed[i]);
  return append_scaled(coordinate(graph, 0), states, steps) +
         append_scaled(coordinate(graph, 1), observations, residuals);
}

double log_constant(const Brownian& /*target*/) {
  const long double of_priors = extended::log(log_scale_variance);  // 2 log 2, one for each scale
  return static_cast<double>(-of_priors - 0.5L * (states + observations + 2) * extended::log_two_pi);
}

}  // namespace gmdiff::targets
