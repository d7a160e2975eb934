#pragma once

#include "particle/elementary.hpp"
#include "particle/tables.hpp"

// Arithmetic of one path of a trained sampler, in double (mathematics.md §17.7). Sums over coordinates and
// components have one accumulator and ascending terms.

namespace gmdiff::particle {

/// The active components of a mixture of N(mu_k, diag(s_k^2)); matrices have shape (K, d).
struct PathMixture {
  Index components, dim;
  const double* mean;        ///< mu
  const double* inverse;     ///< 1 / s
  const double* precision;   ///< 1 / s^2
  const double* weight;      ///< pi_k; null where only paths are computed
  const double* log_weight;  ///< log pi_k - sum_j log s_kj - (d / 2) log 2 pi
};

/// sum + ((mu - x) / s)^2, a term of the quadratic form of a component.
template <class V>
GMDIFF_PARTICLE V add_square(V mean, V inverse, V x, V sum) {
  const V z = (mean - x) * inverse;
  return fma(z, z, sum);
}
/// log pi_k + log N(x; mu_k, s_k) from the quadratic form.
template <class V>
GMDIFF_PARTICLE V log_component(V squares, V log_weight) {
  return fma(V(-0.5), squares, log_weight);
}
/// sum + gamma (mu - x) / s^2, a term of the score.
template <class V>
GMDIFF_PARTICLE V add_score(V gamma, V mean, V precision, V x, V sum) {
  return fma(gamma, (mean - x) * precision, sum);
}

/// beta grad log rho + (1 - beta) grad log p0
template <class V>
GMDIFF_PARTICLE V annealed_score(V beta, V of_target, V of_mixture) {
  return beta * of_target + (V(1.0) - beta) * of_mixture;
}
/// The target's score as networks see it, clipped to [-100, 100]. NaN stays NaN.
template <class V>
GMDIFF_PARTICLE V clipped_score(V score) {
  constexpr double bound = 100.0;
  return select(V(bound) < score, V(bound), select(score < V(-bound), V(-bound), score));
}
/// sum + sign net
template <class V>
GMDIFF_PARTICLE V add_control(V sign, V net, V sum) {
  return sum + sign * net;
}
/// sum + sign g clip(grad log rho)
template <class V>
GMDIFF_PARTICLE V add_scaled_score(V sign, V scale, V score, V sum) {
  return sum + sign * (scale * clipped_score(score));
}

/// x_{n+1} = x_n + eta F_n + q_n with the noise q_n = sqrt(2 eta) xi_n
template <class V>
GMDIFF_PARTICLE V moved(V x, V eta, V F, V q) {
  return x + eta * F + q;
}
/// sum - (q G / 2 + eta G^2 / 4): a coordinate's term of log of the backward kernel over the forward one
template <class V>
GMDIFF_PARTICLE V add_log_ratio(V eta, V q, V G, V sum) {
  return sum - (V(0.5) * (q * G) + (V(0.25) * eta) * (G * G));
}

}  // namespace gmdiff::particle
