#pragma once

#include "kernels/particle.cuh"
#include "kernels/rotation.hpp"

namespace gmdiff::kernels {

/// A coordinate of a rotated state, sum_j row[j row_stride] x[j x_stride]: products and sums in double, in
/// ascending order, as the host rotates (device/rotation.hpp).
template <class Number>
GMDIFF_PARTICLE double rotated(const double* row, Index row_stride, const Number* x, Index x_stride,
                               Index dim) {
  using D = particle::One<double>;
  D sum(0.0);
  for (Index j = 0; j < dim; ++j)
    sum = sum + D(row[j * row_stride]) * D(static_cast<double>(x[j * x_stride]));
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
          static_cast<Real>(rotated(job.rotation + i, job.dim, job.from + row * job.dim, 1, job.dim)));
      job.to[n] = x.v;
      if ((x - x).v != Real(0)) block.atomic_add(job.non_finite + row / job.rows, 1);  // infinite or NaN
    }
  }
};

/// A thread computes one number after the other.
struct ChainRowsKernel {
  template <class Block, class Real>
  GMDIFF_PARTICLE static void run(Block& block, const ChainRowsJob<Real>& job) {
    const std::int64_t N = job.particles, count = job.chains * N;
    for (std::int64_t n = block.index() * block.size() + block.thread_rank(); n < count * job.dim;
         n += block.num_blocks() * block.size()) {
      const Index i = n / count;
      const std::int64_t chain = n % count / N, particle = n % N;
      Real* const state = job.states + chain * job.of_a_chain + particle;
      double* const row = job.rows + chain * N + particle;
      if (job.to_rows) {
        row[i * count] = rotated(job.rotation + i, job.dim, state, job.stride, job.dim);
      } else {
        state[i * job.stride] =
            static_cast<Real>(rotated(job.rotation + i * job.dim, 1, row, count, job.dim));
      }
    }
  }
};

}  // namespace gmdiff::kernels
