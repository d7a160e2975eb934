#pragma once

#include "kernels/particle.cuh"
#include "kernels/rotation.hpp"

namespace gmdiff::kernels {

/// A coordinate of a rotated state, sum_j row[j row_stride] x[j]: products and sums in double, in ascending
/// order, as the host rotates (device/rotation.hpp).
template <class Number>
GMDIFF_PARTICLE double rotated(const double* row, Index row_stride, const Number* x, Index dim) {
  using D = particle::One<double>;
  D sum(0.0);
  for (Index j = 0; j < dim; ++j) sum = sum + D(row[j * row_stride]) * D(static_cast<double>(x[j]));
  return sum.v;
}

/// A thread computes one coordinate after the other.
struct RotationKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const RotationJob<Real>& job) {
    const std::int64_t numbers = job.chains * job.rows * job.dim;
    for (std::int64_t n = block.index() * block.size() + block.thread_rank(); n < numbers;
         n += block.num_blocks() * block.size()) {
      const std::int64_t row = n / job.dim;
      const Index i = n % job.dim;
      const particle::One<Real> x(
          static_cast<Real>(rotated(job.rotation + i, job.dim, job.from + row * job.dim, job.dim)));
      job.to[n] = x.v;
      if ((x - x).v != Real(0)) block.atomic_add(job.non_finite + row / job.rows, 1);  // infinite or NaN
    }
  }
};

}  // namespace gmdiff::kernels
