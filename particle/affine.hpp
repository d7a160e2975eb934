#pragma once

#include "particle/arithmetic.hpp"
#include "particle/tables.hpp"

// An affine step for one coordinate (mathematics.md §5).

namespace gmdiff::particle {

template <class Real>
GMDIFF_PARTICLE bool has_churn(const StepTable<Real>& step) {
  return step.c_x != Real(1) || step.c_n != Real(0);
}

/// u = p_x x + p_1 D_1
template <class V>
GMDIFF_PARTICLE V predicted(const StepTable<RealOf<V>>& step, V x, V D) {
  return fma(V(step.p_1), D, V(step.p_x) * x);
}

/// a x + b_1 D_1 + b_p D_previous
template <class V>
GMDIFF_PARTICLE V after_first(const StepTable<RealOf<V>>& step, V x, V D, V before) {
  const V y = fma(V(step.b[0]), D, V(step.a) * x);
  return step.b_p != RealOf<V>(0) ? fma(V(step.b_p), before, y) : y;
}

/// Adds b_2 D_2.
template <class V>
GMDIFF_PARTICLE V after_second(const StepTable<RealOf<V>>& step, V x, V D) {
  return fma(V(step.b[1]), D, x);
}

/// mean + sigma z, coordinate i of a gaussian start
template <class V>
GMDIFF_PARTICLE V gaussian_start(const StartTableOf<RealOf<V>>& start, Index i, V z) {
  return start.mean == nullptr ? V(start.sigma) * z : fma(V(start.sigma), z, V(start.mean[i]));
}

}  // namespace gmdiff::particle
