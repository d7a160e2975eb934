#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"

namespace gmdiff::kernels {

/// Results of chains from the plan's coordinates to those of the data, x = V x~ (mathematics.md §7.1). All
/// pointers are to the device's memory. A kernel of its own, because among the loops of the chains it takes
/// registers from those that run at every step.
template <class Real>
struct RotationJob {
  const double* rotation;  ///< V (d, d), column by column
  Index dim;
  std::int64_t chains;
  std::int64_t rows;          ///< of each chain
  const Real* from;           ///< (chains, rows, d)
  Real* to;                   ///< alike, elsewhere
  std::uint64_t* non_finite;  ///< (chains): raised by the numbers that are not finite
};

template <class Real>
std::int64_t num_blocks(const RotationJob<Real>& job) {
  constexpr std::int64_t most = 1 << 20;
  return std::min((job.chains * job.rows * job.dim + block_threads - 1) / block_threads, most);
}
template <class Real>
std::size_t shared_bytes(const RotationJob<Real>& /*job*/) {
  return 0;
}

}  // namespace gmdiff::kernels
