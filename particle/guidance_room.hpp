#pragma once

#include "particle/elementary.hpp"

// The arrays of a guidance stage (guidance.hpp), and the densities that SMC computes from them
// (mathematics.md §10.4).

namespace gmdiff::particle {

/// Arrays of a particle that exist within a guidance stage.
template <class Vector>
struct GuidanceRoom {
  Vector difference, direction, product, sum, rotated;  // (d)
  Vector residual, weighted, projected, p, Qp;          // (m)
  Vector Q;                                             // (m (m + 1) / 2)

  GMDIFF_PARTICLE static constexpr Index rows(Index d, Index m) { return 5 * d + 5 * m + m * (m + 1) / 2; }
  /// @param take returns the next array of the given number of rows
  template <class Take>
  GMDIFF_PARTICLE static GuidanceRoom make(Index d, Index m, Take take) {
    GuidanceRoom room;
    room.difference = take(d);
    room.direction = take(d);
    room.product = take(d);
    room.sum = take(d);
    room.rotated = take(d);
    room.residual = take(m);
    room.weighted = take(m);
    room.projected = take(m);
    room.p = take(m);
    room.Qp = take(m);
    room.Q = take(m * (m + 1) / 2);
    return room;
  }
};

/// A plan without products of a custom denoiser: SMC with the potentials of a map.
template <class Vector>
struct NoProducts {
  GMDIFF_PARTICLE Vector operator()(Index /*a*/) const { return {}; }
};

/// -|weighted|^2 / 2 - log det L, where Q holds a Cholesky factor L of m rows
template <class V, class Vector>
GMDIFF_PARTICLE V log_normal(const GuidanceRoom<Vector>& room, Index m) {
  using Real = RealOf<V>;
  V sum(Real(0));
  for (Index a = 0; a < m; ++a) {
    const V z = room.weighted[a];
    sum = sum - fma(V(Real(0.5)) * z, z, log(V(room.Q[a * (a + 1) / 2 + a])));
  }
  return sum;
}
/// -(m + 1)/2 log(1 + |weighted|^2) - log det L
template <class V, class Vector>
GMDIFF_PARTICLE V log_cauchy(const GuidanceRoom<Vector>& room, Index m) {
  using Real = RealOf<V>;
  V squares(Real(1)), log_determinant(Real(0));
  for (Index a = 0; a < m; ++a) {
    const V z = room.weighted[a];
    squares = fma(z, z, squares);
    log_determinant = log_determinant + log(V(room.Q[a * (a + 1) / 2 + a]));
  }
  return fma(V(Real(-0.5) * static_cast<Real>(m + 1)), log(squares), -log_determinant);
}

}  // namespace gmdiff::particle
