#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/paths.hpp"

// Jobs of the gradient of paths (mathematics.md §17.9, §17.10). `AdjointJob` goes back through the states,
// path by path, and keeps what sums over paths are made of; `NetworkSumsJob` and `TreeJob` take these sums,
// over the paths of a block in ascending order and over the blocks in the fixed tree.

namespace gmdiff::kernels {

/// Paths of a block of sums. It is part of the result.
inline constexpr std::int64_t paths_of_a_sum = 64;

inline std::int64_t blocks_of_sums(std::int64_t paths) {
  return (paths + paths_of_a_sum - 1) / paths_of_a_sum;
}

/// Values and cotangents of a network at some states, from which the gradient of its weights is summed. A
/// slot is a state: x, h of all hidden layers, da of all hidden layers, and the cotangent do of the output,
/// each (coordinates, count).
template <class Real>
struct NetworkRecord {
  Index dim, hidden, layers;
  std::int64_t count;
  Real* numbers;
  double* scale_terms;  ///< (slots, d, count): cotangent times clip(grad log rho); null without second head

  GMDIFF_PARTICLE Index rows() const { return 2 * (layers * hidden + dim); }
  /// Row i of an array of a slot: `count` numbers.
  GMDIFF_PARTICLE Real* input(Index slot, Index i) const { return row(slot, i); }
  GMDIFF_PARTICLE Real* value(Index slot, Index layer, Index i) const {
    return row(slot, dim + layer * hidden + i);
  }
  GMDIFF_PARTICLE Real* cotangent(Index slot, Index layer, Index i) const {
    return row(slot, dim + (layers + layer) * hidden + i);
  }
  GMDIFF_PARTICLE Real* of_output(Index slot, Index i) const {
    return row(slot, dim + 2 * layers * hidden + i);
  }
  GMDIFF_PARTICLE double* scale_term(Index slot, Index i) const {
    return scale_terms + (slot * dim + i) * count;
  }

 private:
  GMDIFF_PARTICLE Real* row(Index slot, Index i) const { return numbers + (slot * rows() + i) * count; }
};

/// States first_state, first_state - 1, ..., last_state of the reverse sweep. With first_state < last_state
/// it only writes the cotangents of the drift at state first_state.
template <class Real>
struct AdjointJob {
  /// The sampler and its paths: mixture, steps, eta, beta, networks, count and history are used. The F of the
  /// history is replaced by the terms of d_eta, unless has_eta is false.
  PathJob<Real> path;
  bool through_path;              ///< otherwise states are held fixed
  bool has_mixture;               ///< gradients of mu, s and the weights
  bool has_eta;                   ///< gradient of eta
  bool has_beta;                  ///< gradient of beta
  const double* factor;           ///< (count) of each path, with states held fixed
  const double* target_scores;    ///< of all states (N + 1, d, count), or null
  const double* last_score;       ///< of state N (d, count)
  const double* hessian_product;  ///< beta_n H_rho q at state first_state = last_state (d, count), or null
  double* cotangents;             ///< receives cF + cB of state last_state - 1 (d, count); null: not wanted
  double* lambda;                 ///< dL/dx_{n+1} of the last state n (d, count), between launches
  double* mixture_sums;       ///< for each path: of mu (K, d), of s (K, d), of the logits (K); rows (count)
  double* beta_terms;         ///< (N + 1, count)
  const double* start_noise;  ///< e_0 (d, count)
  const std::int32_t* component;  ///< k of each path (count)
  NetworkRecord<Real> forward, backward;
  Index record_state;  ///< the state of slot 0; the next slots are the states below

  GMDIFF_PARTICLE Index slot(Index n) const { return record_state - n; }
};

/// Doubles of a tile for each of its paths: x, lambda, the cotangents of F, of B and of the drift, a product,
/// the change of lambda; gamma and slopes.
template <class Real>
GMDIFF_PARTICLE Index adjoint_doubles(const AdjointJob<Real>& job) {
  return 7 * job.path.mixture.dim + 2 * job.path.mixture.components;
}
template <class Real>
GMDIFF_PARTICLE Index adjoint_network_numbers(const AdjointJob<Real>& job) {
  if (job.path.forward.exists()) return network_numbers(job.path.forward.table, /*has_product=*/true);
  if (job.path.backward.exists()) return network_numbers(job.path.backward.table, /*has_product=*/true);
  return 0;
}
template <class Real>
GMDIFF_PARTICLE std::size_t adjoint_bytes(const AdjointJob<Real>& job) {
  return static_cast<std::size_t>(adjoint_doubles(job)) * sizeof(double) +
         static_cast<std::size_t>(adjoint_network_numbers(job)) * sizeof(Real);
}
template <class Real>
NetworkGeometry geometry(const AdjointJob<Real>& job, const Limits& limits) {
  return tile_geometry(adjoint_bytes(job), job.path.count, limits);
}

/// Sums over the paths of each block for the gradient of a network, of the states first_state ... last_state,
/// descending. Blocks of sums are in the order of their paths.
template <class Real>
struct NetworkSumsJob {
  particle::NetworkTable<Real> network;  ///< its sizes and places
  NetworkRecord<Real> record;            ///< slot 0 is state first_state
  Index steps;                           ///< N
  Index first_state, last_state;
  bool at_start, at_end;  ///< whether the network is evaluated at the states 0 and N
  /// (blocks, state_size): Kx, V and c of each layer, U, cU as in the network's table. They continue from a
  /// launch with higher states unless first_state is N.
  Real* states;
  Real* table;  ///< (blocks, N + 1, width): dL/dT_n
  Real* scale;  ///< (blocks, N + 1, output_width): dL/dg_n; null without second head
  NetworkGeometry geometry;
};

/// Numbers of the gradient of Kx, V, c, U and cU, which are the first ones of a table.
template <class Real>
GMDIFF_PARTICLE constexpr Index state_size(const particle::NetworkTable<Real>& network) {
  return network.dim * network.width + (network.layers - 1) * (network.hidden + 1) * network.width +
         (network.hidden + 1) * network.output_width;
}

/// A tile of a matrix, with four by four entries of each thread; and the paths that are staged at once.
inline constexpr int sum_rows = 32, sum_columns = 64, staged_paths = 32;
static_assert(sum_rows / 4 * (sum_columns / 4) == block_threads);

GMDIFF_PARTICLE constexpr Index tiles_of(Index rows, Index columns) {
  return (rows + sum_rows - 1) / sum_rows * ((columns + sum_columns - 1) / sum_columns);
}
/// Pieces of `block_threads` numbers.
GMDIFF_PARTICLE constexpr Index pieces_of(Index numbers) {
  return (numbers + block_threads - 1) / block_threads;
}
/// The pieces of work of a block of sums, in this order: tiles of Kx, of each V and of U; biases; rows of the
/// time table; factors of the score.
template <class Real>
struct SumPieces {
  GMDIFF_PARTICLE explicit constexpr SumPieces(const NetworkSumsJob<Real>& job)
      : of_Kx(tiles_of(job.network.dim, job.network.hidden)),
        of_V(tiles_of(job.network.hidden, job.network.hidden)),
        of_U(tiles_of(job.network.hidden, job.network.dim)),
        bias_numbers((job.network.layers - 1) * job.network.width + job.network.output_width),
        table_numbers((job.first_state - job.last_state + 1) * job.network.width),
        scale_numbers(
            job.scale == nullptr ? 0 : (job.first_state - job.last_state + 1) * job.network.output_width),
        matrices(of_Kx + (job.network.layers - 1) * of_V + of_U) {}
  Index of_Kx, of_V, of_U;
  Index bias_numbers, table_numbers, scale_numbers;
  Index matrices;

  GMDIFF_PARTICLE constexpr Index count() const {
    return matrices + pieces_of(bias_numbers) + pieces_of(table_numbers) + pieces_of(scale_numbers);
  }
};

template <class Real>
NetworkGeometry geometry(const NetworkSumsJob<Real>& job, const Limits& /*limits*/) {
  return {.rows = 0,
          .in_shared = true,
          .blocks = blocks_of_sums(job.record.count) * SumPieces<Real>(job).count(),
          .shared_bytes = staged_paths * (sum_rows + sum_columns) * sizeof(Real),
          .room_bytes = 0};
}

/// Adds up blocks of sums in the fixed tree: the pairs (0, 1), (2, 3), ..., then pairs of these sums. With
/// rows it first sums each of them over the paths of every block.
template <class Real>
struct TreeJob {
  const Real* rows;  ///< (size, count), or null
  std::int64_t count;
  Real* sums;  ///< (blocks, size); block 0 receives the result
  Index size;
  std::int64_t blocks;
  NetworkGeometry geometry;
};

template <class Real>
NetworkGeometry geometry(const TreeJob<Real>& job, const Limits& /*limits*/) {
  return {.rows = 0, .in_shared = true, .blocks = pieces_of(job.size), .shared_bytes = 0, .room_bytes = 0};
}

}  // namespace gmdiff::kernels
