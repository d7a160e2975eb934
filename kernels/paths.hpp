#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/network.hpp"
#include "particle/path.hpp"

namespace gmdiff::kernels {

/// A network of the step. All pointers of these jobs are to the device's memory.
template <class Real>
struct PathNetwork {
  particle::NetworkTable<Real> table;  ///< without numbers: no network
  const Real* time;                    ///< (N + 1, width)
  const Real* scale;                   ///< (N + 1, output_width), or null

  GMDIFF_PARTICLE bool exists() const { return table.numbers != nullptr; }
};

/// The states that the gradient of paths reads; each array is (states, d, count). Null arrays keep nothing.
struct PathHistory {
  double* x;  ///< x_n, n = 0 ... N
  double* F;  ///< F_n, n = 0 ... N - 1
  double* G;  ///< G_n = F_n + B_{n+1}
  double* q;  ///< q_n

  GMDIFF_PARTICLE bool is_kept() const { return x != nullptr; }
};

/// States first_state ... last_state of the paths of a trained sampler (mathematics.md §17.7): evaluates F and
/// B there and moves on; at state N the paths end. Arrays are (d, count) or (count).
/// @tparam Real precision of the networks; all else is double.
template <class Real>
struct PathJob {
  particle::PathMixture mixture;
  Index steps;  ///< N
  bool has_mixture_score, has_target_score, mirrored;
  const double* beta;         ///< (N + 1)
  const double* eta;          ///< (N, d)
  const double* noise_scale;  ///< (N, d)
  PathNetwork<Real> forward, backward;
  std::uint64_t seed;
  std::uint32_t replicate;  ///< of the streams of the steps' noise
  std::uint64_t first;      ///< number of the first path
  std::int64_t count;
  Index first_state, last_state;
  const double* target_score;  ///< at state first_state = last_state; null if no state needs it
  double* x;                   ///< state first_state; receives the state after last_state, at most N
  double* F;                   ///< F of the state before, unless that is the first; receives the last F
  double* q;                   ///< noise of the step to first_state; receives the last one
  double* log_p0;              ///< log p0(x_0), written at state 0
  double* log_ratio;           ///< sum of the steps' log-ratios of the kernels; begins at state 0
  PathHistory history;
  std::byte* room;
  NetworkGeometry geometry;
};

/// Doubles of a tile for each of its paths: x, F, F of the state before, B, q, score; gamma.
template <class Real>
GMDIFF_PARTICLE Index path_doubles(const PathJob<Real>& job) {
  return 6 * job.mixture.dim + job.mixture.components;
}
/// Numbers of a tile's networks for each of its paths; they run one after the other.
template <class Real>
GMDIFF_PARTICLE Index path_network_numbers(const PathJob<Real>& job) {
  if (job.forward.exists()) return network_numbers(job.forward.table, /*has_product=*/false);
  if (job.backward.exists()) return network_numbers(job.backward.table, /*has_product=*/false);
  return 0;
}
template <class Real>
GMDIFF_PARTICLE std::size_t path_bytes(const PathJob<Real>& job) {
  return static_cast<std::size_t>(path_doubles(job)) * sizeof(double) +
         static_cast<std::size_t>(path_network_numbers(job)) * sizeof(Real);
}

template <class Real>
NetworkGeometry geometry(const PathJob<Real>& job, const Limits& limits) {
  return tile_geometry(path_bytes(job), job.count, limits);
}

}  // namespace gmdiff::kernels
