#pragma once

#include "particle/smc_tables.hpp"
#include "particle/softmax.hpp"

// Weights and moves of a particle of SMC (mathematics.md §7.3, §7.5). A state is any type with operator[].

namespace gmdiff::particle {

/// Negative logarithm of the factors at x, without their constants.
template <class V, class Vector>
GMDIFF_PARTICLE V factor_quadratic(const FactorTable<RealOf<V>>& factors, Index r, Vector x) {
  V sum(RealOf<V>(0));
  for (Index i = 0; i < r; ++i) {
    const V difference = V(factors.centre[i]) - x[i];
    sum = fma(difference * V(factors.precision[i]), difference, sum);
  }
  return sum;
}

/// m = a x + b D
template <class V>
GMDIFF_PARTICLE V kernel_mean(const SmcStepTable<RealOf<V>>& step, V x, V D) {
  return fma(V(step.b), D, V(step.a) * x);
}

/// Coordinate i after a move by the kernel tilted by g_s.
template <class V>
GMDIFF_PARTICLE V moved(const SmcStepTable<RealOf<V>>& step, Index r, Index i, V m, V z) {
  if (i >= r) return fma(V(step.nu), z, m);
  return fma(V(step.deviation[i]), z, fma(V(step.keep[i]), m, V(step.offset[i])));
}

/// x_j - alpha mu_{k,j}
template <class V, class Vector>
GMDIFF_PARTICLE V from_component(const LawTable<RealOf<V>>& law, RealOf<V> alpha, Index k, Vector x,
                                 Index j) {
  return fma(V(-alpha), V(law.means[k * law.dim + j]), x[j]);
}

/// The logit of component k under the potential, computed from its logit without potential.
template <class V, class Vector>
GMDIFF_PARTICLE V tilted_logit(const LawTable<RealOf<V>>& law, RealOf<V> alpha,
                               const ConditionedTable<RealOf<V>>& table, Index r, Index k, Vector x, V ell) {
  V q(RealOf<V>(0));
  for (Index i = 0; i < r; ++i) {
    V z(table.offset[k * r + i]);
    if (table.is_dense) {
      const RealOf<V>* row = table.whitening + (k * r + i) * law.dim;
      for (Index j = 0; j < law.dim; ++j) z = fma(V(row[j]), from_component<V>(law, alpha, k, x, j), z);
    } else {
      z = fma(V(table.whitening[k * r + i]), from_component<V>(law, alpha, k, x, i), z);
    }
    q = fma(z, z, q);
  }
  return ell + logit(V(table.constants[k]), q);
}

/// Coordinate i after the conditioned transition of each lane's component, for diagonal covariances.
template <class V, class Vector>
GMDIFF_PARTICLE V transitioned(const LawTable<RealOf<V>>& law, RealOf<V> alpha,
                               const ConditionedTable<RealOf<V>>& table, BitsOf<V> component, Index i,
                               Vector x, V z) {
  const auto of_component = [&](const RealOf<V>* values) {
    return gather<V>(component, values + i, law.dim);
  };
  const V v = fma(V(-alpha), of_component(law.means), x[i]);
  return fma(of_component(table.noise), z, fma(of_component(table.gain), v, of_component(table.mean)));
}

/// Coordinate i after the conditioned transition of component k, for dense covariances and one lane; v = x -
/// alpha mu_k.
template <class Real, class Vector, class Noise>
GMDIFF_PARTICLE Real transitioned_dense(Index d, const ConditionedTable<Real>& table, Index k, Index i,
                                        Vector v, Noise z) {
  using V = One<Real>;
  const Real* gain = table.gain + (k * d + i) * d;
  const Real* noise = table.noise + (k * d + i) * d;
  V y(table.mean[k * d + i]);
  for (Index j = 0; j < d; ++j) y = fma(V(gain[j]), V(v[j]), y);
  for (Index j = 0; j < d; ++j) y = fma(V(noise[j]), V(z[j]), y);
  return y.v;
}

}  // namespace gmdiff::particle
