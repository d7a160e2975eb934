#pragma once

#include "particle/arithmetic.hpp"
#include "particle/tables.hpp"

// Products of a matrix with a vector per lane. Every entry of the result is summed in ascending order in one
// accumulator (numerics.md §4).

namespace gmdiff::particle {

/// Computes y_r = start(r) + sum_j M(r, j) v_j for the n rows from r on. M(r, j) is matrix[r row + j column].
template <int n, class Real, class Vector, class Start, class Take>
GMDIFF_PARTICLE void product_rows(const Real* matrix, Index row, Index column, Index r, Index d, Vector v,
                                  Start start, Take take) {
  using V = decltype(start(r));
  V sums[n];
  for (int c = 0; c < n; ++c) sums[c] = start(r + c);
  const Real* M = matrix + r * row;
  for (Index j = 0; j < d; ++j) {
    const V v_j = v[j];
    for (int c = 0; c < n; ++c) sums[c] = fma(V(M[c * row + j * column]), v_j, sums[c]);
  }
  for (int c = 0; c < n; ++c) take(r + c, sums[c]);
}

}  // namespace gmdiff::particle
