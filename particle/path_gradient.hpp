#pragma once

#include "particle/arithmetic.hpp"

// Arithmetic of the gradient of one path of a trained sampler, in double (mathematics.md §17.8 to §17.10).
// Sums over coordinates and components have one accumulator and ascending terms.

namespace gmdiff::particle {

// --- cotangents of F_n and B_n, with kap_n = (eta_n G_n + q_n) / 2 -----------------------------------------

/// Through the path: kap_n + eta_n lambda of F_n, with lambda = dL/dx_{n+1}.
template <class V>
GMDIFF_PARTICLE V path_forward_cotangent(V eta, V G, V q, V lambda) {
  return V(0.5) * (eta * G + q) + eta * lambda;
}
/// States held fixed: -factor q_n / 2 of F_n.
template <class V>
GMDIFF_PARTICLE V fixed_forward_cotangent(V q, V factor) {
  return V(-0.5) * q * factor;
}
/// factor kap_n of B_{n+1}; half_sign is 1/2 through the path and -1/2 with states held fixed.
template <class V>
GMDIFF_PARTICLE V backward_cotangent(V half_sign, V eta, V G, V q, V factor) {
  return half_sign * (eta * G + q) * factor;
}

/// Through the path: d_eta_n = G^2 / 4 + q G / (4 eta) + lambda (F + q / (2 eta)). @param per_eta 1 / (2 eta)
template <class V>
GMDIFF_PARTICLE V path_eta_term(V per_eta, V F, V G, V q, V lambda) {
  const V noise = per_eta * q;
  return V(0.25) * (G * G) + V(0.5) * (noise * G) + lambda * (F + noise);
}
/// States held fixed: d_eta_n = factor (F_n^2 - B_{n+1}^2) / 4
template <class V>
GMDIFF_PARTICLE V fixed_eta_term(V F, V G, V factor) {
  return V(0.25) * factor * (G * (V(2.0) * F - G));
}

// --- the mixture: a_k = (mu_k - x) / s_k^2 = z_k / s_k -----------------------------------------------------

/// sum + a_k v, a term of a_k . v.
template <class V>
GMDIFF_PARTICLE V add_slope(V mean, V precision, V x, V v, V sum) {
  return fma((mean - x) * precision, v, sum);
}
/// gamma_k (dl_k a_k - v / s_k^2), the part of component k in H v; its negative is that of mu_k in the
/// gradient of v . score. @param of_slope gamma_k dl_k  @param of_v gamma_k v
template <class V>
GMDIFF_PARTICLE V hessian_term(V of_slope, V of_v, V z, V inverse, V precision) {
  return fma(of_slope, z * inverse, -(precision * of_v));
}
/// gamma_k [dl_k (s_k a_k^2 - 1 / s_k) - 2 v a_k / s_k], that of s_k in the gradient of v . score.
template <class V>
GMDIFF_PARTICLE V deviation_of_score(V of_slope, V of_v, V z, V inverse) {
  const V curvature = of_slope * fma(z, z, V(-1.0));
  return inverse * fma(V(-2.0) * of_v, z * inverse, curvature);
}
/// -gamma_k a_k, that of mu_k in the gradient of log p. @param weight gamma_k, times a factor
template <class V>
GMDIFF_PARTICLE V mean_of_density(V weight, V z, V inverse) {
  return -(weight * (z * inverse));
}
/// gamma_k (s_k a_k^2 - 1 / s_k), that of s_k in the gradient of log p.
template <class V>
GMDIFF_PARTICLE V deviation_of_density(V weight, V z, V inverse) {
  return weight * (inverse * fma(z, z, V(-1.0)));
}

}  // namespace gmdiff::particle
