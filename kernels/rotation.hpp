#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"

namespace gmdiff::kernels {

/// Rotates results of chains from the plan's coordinates to those of the data, x = V x~
/// (mathematics.md §7.1). All pointers are to the device's memory. The rotation has its own kernel, because
/// inside the kernel of the chains it would take registers from the loops that run at every step.
template <class Real>
struct RotationJob {
  const double* rotation;  ///< V (d, d), column by column
  Index dim;
  std::int64_t chains;
  std::int64_t rows;          ///< rows of each chain
  const Real* from;           ///< (chains, rows, d)
  Real* to;                   ///< same shape, other memory
  std::uint64_t* non_finite;  ///< (chains): increased by the count of numbers that are not finite
};

/// Rotates states of chains to rows that a custom denoiser evaluates, x = V x~ in double, or its values back,
/// x~ = V^T x rounded once (mathematics.md §7.9).
template <class Real>
struct ChainRowsJob {
  const double* rotation;  ///< V (d, d), column by column
  Index dim;
  std::int64_t chains;
  std::int64_t particles;
  Real* states;             ///< of the first chain, coordinate by coordinate
  std::int64_t stride;      ///< from coordinate to coordinate
  std::int64_t of_a_chain;  ///< from chain to chain
  double* rows;             ///< (d, chains particles)
  bool to_rows;             ///< false: from the rows to the states
};

inline std::int64_t blocks_of_numbers(std::int64_t numbers) {
  constexpr std::int64_t most = 1 << 20;
  return std::min((numbers + block_threads - 1) / block_threads, most);
}
template <class Real>
std::int64_t num_blocks(const RotationJob<Real>& job) {
  return blocks_of_numbers(job.chains * job.rows * job.dim);
}
template <class Real>
std::int64_t num_blocks(const ChainRowsJob<Real>& job) {
  return blocks_of_numbers(job.chains * job.particles * job.dim);
}
template <class Real>
std::size_t shared_bytes(const RotationJob<Real>& /*job*/) {
  return 0;
}
template <class Real>
std::size_t shared_bytes(const ChainRowsJob<Real>& /*job*/) {
  return 0;
}

}  // namespace gmdiff::kernels
