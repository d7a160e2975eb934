#pragma once

#include "kernels/particle.cuh"

namespace gmdiff::kernels {

/// A coordinate of a rotated state, sum_j row[j stride] x(j): products and sums in double, in ascending
/// order, as the host rotates (device/rotation.hpp).
template <class State>
GMDIFF_PARTICLE double rotated(const double* row, Index stride, Index dim, State x) {
  using D = particle::One<double>;
  D sum(0.0);
  for (Index j = 0; j < dim; ++j) sum = sum + D(row[j * stride]) * D(x(j));
  return sum.v;
}

}  // namespace gmdiff::kernels
