#include "base/extended.hpp"
#include "model/target/compiled.hpp"
#include "model/target/log_gamma.hpp"

// Random-effects logistic regression of seeds (mathematics.md §13.5).

namespace gmdiff::targets {
namespace {

using expressions::Graph;
using expressions::Term;

constexpr int plates = 21;
// Crowder (1978), table 3: germinated seeds and seeds of each plate.
constexpr int germinated[plates] = {10, 23, 23, 26, 17, 5, 53, 55, 32, 46, 10,
                                    8,  10, 8,  23, 0,  3, 22, 15, 32, 3};
constexpr int sown[plates] = {39, 62, 81, 51, 39, 6,  74, 72, 51, 79, 13,
                              16, 30, 28, 45, 4,  12, 41, 30, 51, 7};
constexpr bool is_second_seed[plates] = {false, false, false, false, false, false, false,
                                         false, false, false, false, true,  true,  true,
                                         true,  true,  true,  true,  true,  true,  true};
constexpr bool is_second_root[plates] = {false, false, false, false, false, true,  true,
                                         true,  true,  true,  true,  false, false, false,
                                         false, false, true,  true,  true,  true,  true};

constexpr long double prior_variance = 100.0L;  // of the coefficients
constexpr long double shape = 0.01L;            // of the gamma prior of tau, which is also its rate

/// log N! / (r! (N - r)!)
long double log_choose(int N, int r) {
  return log_gamma(N + 1.0L) - log_gamma(r + 1.0L) - log_gamma(N - r + 1.0L);
}

}  // namespace

Term append_log_density(Graph& graph, const Seeds& target) {
  const Term a_0 = coordinate(graph, 0), a_1 = coordinate(graph, 1);
  const Term a_12 = coordinate(graph, 2), a_2 = coordinate(graph, 3);
  const Term z = coordinate(graph, target.dim - 1), tau = exp(z);
  Term likelihood(graph, graph.constant(0.0L)), squares = likelihood;
  for (int j = 0; j < plates; ++j) {
    const Term b = coordinate(graph, 4 + j);
    squares = squares + square(b);
    Term logit = a_0 + b;
    if (is_second_seed[j]) logit = logit + a_1;
    if (is_second_root[j]) logit = logit + a_2;
    if (is_second_seed[j] && is_second_root[j]) logit = logit + a_12;
    likelihood = likelihood + (germinated[j] * logit - sown[j] * softplus(logit));
  }
  const Term coefficients = square(a_0) + square(a_1) + square(a_12) + square(a_2);
  // z is in the prior of tau with its Jacobian, and in the normaliser of each b.
  return (shape + 0.5L * plates) * z - shape * tau - 0.5L * (tau * squares) -
         (0.5L / prior_variance) * coefficients + likelihood;
}

double log_constant(const Seeds& /*target*/) {
  long double sum = 0.0L;
  for (int j = 0; j < plates; ++j) sum += log_choose(sown[j], germinated[j]);
  sum += shape * extended::log(shape) - log_gamma(shape);
  sum -= 2.0L * extended::log(prior_variance) + 0.5L * (4 + plates) * extended::log_two_pi;
  return static_cast<double>(sum);
}

}  // namespace gmdiff::targets
