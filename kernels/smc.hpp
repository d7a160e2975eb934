#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"
#include "particle/resampling.hpp"
#include "particle/smc_tables.hpp"

// What launches of sequential Monte Carlo are told (mathematics.md §7.3, numerics.md §6), and how chains lie on blocks.
//
// A step goes through phases, between which all blocks of a chain meet. Where a block has a chain of its own, a barrier is such a meeting
// and one launch runs all steps; where several blocks share a chain, each phase is a launch. The bits are the same: whatever goes from one
// block to another is an integer.

namespace gmdiff::kernels {

/// As `Resampling` of gmdiff/sampler/smc.hpp.
enum class Scheme { systematic, stratified, multinomial, residual };

/// In their order. The end of the chain is a last step without moves.
enum class Phase {
  start,       ///< first particles
  keep,        ///< states as results, before weights replace them; those of the last level at the end
  weigh,       ///< log-weights before moving
  extremes,    ///< the largest and smallest log-weight
  first_sums,  ///< S_0
  weights,     ///< integer weights and their running sums
  decide,      ///< effective sample size, evidence; whether to resample
  shares,      ///< residual resampling: running sums of copies and of what is left
  share_sums,  ///< over the parts of the chain
  ancestors,
  move,    ///< and log-weights after it
  output,  ///< the particle that the chain draws
};
inline constexpr int num_phases = 12;

/// What decides which phases a step has.
struct StepKind {
  bool is_first, is_end;
  bool keeps;  ///< the states that it begins with
  bool draws;  ///< one particle a chain, at the end
  bool weighs_before;
  bool decides;  ///< whether to resample
  bool is_residual;
};

GMDIFF_PARTICLE constexpr bool has_phase(const StepKind& kind, Phase phase) {
  switch (phase) {
    case Phase::start:
      return kind.is_first;
    case Phase::keep:
      return kind.keeps && !kind.draws;
    case Phase::weigh:
      return kind.weighs_before && !kind.is_end;
    case Phase::extremes:
    case Phase::first_sums:
    case Phase::weights:
    case Phase::decide:
      return kind.decides || kind.is_end;
    case Phase::shares:
    case Phase::share_sums:
      return kind.decides && kind.is_residual;
    case Phase::ancestors:
      return kind.decides;
    case Phase::move:
      return !kind.is_end;
    case Phase::output:
      break;
  }
  return kind.is_end && kind.draws;
}

/// What a block has summed over its part of a chain.
struct ChainPart {
  std::uint64_t largest, smallest;  ///< order keys
  std::uint64_t first_sum;
  particle::WeightSums sums;
  std::uint64_t copies, rests;  ///< residual
};

/// What is known of a chain. Written by the first block of the chain, and read in later phases alone. Without gaps, for it is copied as
/// bytes.
struct ChainState {
  double log_evidence;
  double smallest_ess;  ///< over the weightings so far and the final weights
  double largest;       ///< log-weight
  bool all_equal;       ///< log-weights
  bool needs_sums;
  bool resampled;
  bool all_weights_zero;  ///< why it failed
  int scale;
  int smallest_ess_step;
  int failed_step;  ///< -1: none
  particle::WeightSums sums;
  std::uint64_t copies, rests;
};
static_assert(sizeof(ChainState) == 80);

/// How the chains of a job lie on blocks.
struct ChainGeometry {
  Layout layout;        ///< of the particles that a block carries at a time: 128 on threads, or a narrow tile
  bool tile_in_shared;  ///< what they need; else in the job's room
  bool weights_in_shared;  ///< what a chain has beside its states; never where blocks share it
  bool states_in_shared;
  std::int64_t parts;      ///< blocks of a chain
  std::int64_t part_size;  ///< particles
  std::int64_t under_way;  ///< chains at once
  std::int64_t blocks;
  std::size_t shared_bytes;
  std::size_t tile_bytes;  ///< of all blocks, unless in shared memory

  bool whole() const { return parts == 1; }
};

/// Chains of a problem: all of their steps, or a phase of one. All pointers are to the device's memory.
template <class Real>
struct ChainsJob {
  using Number = Real;
  particle::ChainTables<Real> tables;
  /// (count, N, d) given first particles in data coordinates, or null.
  const double* start_states;
  const double* rotation;  ///< V (d, d), column by column: data are V x~; read with `start_states`
  const int* weightings;   ///< (steps): place of the step among those that decide whether to resample, or -1
  int num_weightings;
  const int* slots;  ///< (steps + 1): place of a level among those kept, or -1; 0 is the start
  int num_kept;      ///< levels, the last included
  Scheme scheme;
  double ess_threshold;
  bool has_transition;  ///< a step is one
  bool draws;           ///< one particle a chain, not all of them
  std::uint64_t first;  ///< index of the first chain
  std::int64_t count;

  ChainGeometry geometry;
  bool whole;  ///< all steps; else this phase alone
  int step;
  Phase phase;

  // Memory of the chains under way, one after the other, unless in shared memory.
  Real* states;              ///< (2, d, padded)
  double* log_weights;       ///< (padded)
  std::uint64_t* sums;       ///< (padded), inclusive; of the copies after `shares`
  std::uint64_t* rests;      ///< (padded), inclusive; residual
  std::uint32_t* ancestors;  ///< (padded)
  Real* tiles;               ///< room of the blocks
  ChainPart* parts;          ///< (chains under way, parts)
  ChainState* chains;        ///< (count)

  // Results; those that are null are not asked for.
  Real* out;                        ///< (count, d) or (count, kept levels, N, d)
  double* final_log_weights;        ///< (count, N) normalised
  double* ess;                      ///< (count, W)
  std::uint8_t* resampled;          ///< (count, W)
  double* weight_history;           ///< (count, W, N)
  std::uint32_t* ancestor_history;  ///< (count, W, N)
};

/// Particles of a chain that arrays have room for: whole lines of memory.
GMDIFF_PARTICLE constexpr std::int64_t padded_particles(std::int64_t N) { return (N + 31) / 32 * 32; }

/// Rows of a tile.
template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const ChainsJob<Real>& job) {
  TileRoom room = tile_room(job.tables.law, job.has_transition, /*has_two_evaluations=*/false);
  if (job.tables.law.family == particle::Family::full) ++room.vectors;  // normals of a transition
  return room;
}

/// Bytes of what a chain has beside its states, each array in whole 16 bytes.
inline std::size_t chain_weight_bytes(std::int64_t N, Scheme scheme) {
  const std::size_t sums = scheme == Scheme::residual ? 2 : 1;
  return static_cast<std::size_t>(padded_particles(N)) *
         (sizeof(double) + sums * sizeof(std::uint64_t) + sizeof(std::uint32_t));
}
template <class Real>
std::size_t chain_state_bytes(std::int64_t N, Index d) {
  return static_cast<std::size_t>(2 * d * padded_particles(N)) * sizeof(Real);
}

/// Shared memory that leaves room for a second block on a multiprocessor.
inline constexpr std::size_t preferred_shared = std::size_t{100} << 10;

/// Bytes of threads that each carry a particle.
template <class Real>
std::size_t chain_thread_bytes(const ChainsJob<Real>& job) {
  return static_cast<std::size_t>(thread_numbers(job.tables.law, /*particles=*/1)) * sizeof(Real);
}
/// Threads take the particles of few coordinates: among the four workers of a tile most would own no row.
template <class Real>
Layout chain_layout(const ChainsJob<Real>& job, const Limits& limits) {
  const bool fits = job.tables.law.family != particle::Family::full &&
                    job.tables.law.dim <= largest_thread_dim &&
                    chain_thread_bytes(job) <= limits.shared_bytes;
  return fits && job.tables.particles > tile_particles(Layout::narrow_tile) ? Layout::thread
                                                                            : Layout::narrow_tile;
}

/// @param most_under_way chains that there is memory for at once
template <class Real>
ChainGeometry chain_geometry(const ChainsJob<Real>& job, const Limits& limits, std::int64_t most_under_way) {
  ChainGeometry geometry{};
  const std::int64_t N = job.tables.particles;
  geometry.layout = chain_layout(job, limits);
  const std::size_t tile =
      geometry.layout == Layout::thread
          ? chain_thread_bytes(job)
          : static_cast<std::size_t>(tile_room(job).rows() * tile_particles(geometry.layout)) * sizeof(Real);
  const std::size_t most = std::min(preferred_shared, limits.shared_bytes);
  const auto take = [&](std::size_t bytes, std::size_t limit) {
    if (geometry.shared_bytes + bytes > limit) return false;
    geometry.shared_bytes += bytes;
    return true;
  };
  geometry.tile_in_shared = take(tile, limits.shared_bytes);
  geometry.parts = 1;
  geometry.part_size = N;
  // Few long chains: as many blocks to each as fill the GPU.
  if (N >= limits.shared_chain && job.count <= most_under_way && limits.blocks / job.count >= 2) {
    constexpr std::int64_t whole_tiles = 128;
    const std::int64_t size = (N + limits.blocks / job.count - 1) / (limits.blocks / job.count);
    geometry.part_size = (size + whole_tiles - 1) / whole_tiles * whole_tiles;
    geometry.parts = (N + geometry.part_size - 1) / geometry.part_size;
  }
  geometry.under_way = job.count;
  if (geometry.whole()) {
    geometry.weights_in_shared = take(chain_weight_bytes(N, job.scheme), most);
    geometry.states_in_shared =
        geometry.weights_in_shared && take(chain_state_bytes<Real>(N, job.tables.law.dim), most);
    // Where all is in shared memory, every chain has a block; else blocks take one chain after the other.
    if (!geometry.tile_in_shared || !geometry.states_in_shared) {
      geometry.under_way = std::min({job.count, most_under_way, limits.blocks});
    }
  }
  geometry.blocks = geometry.under_way * geometry.parts;
  geometry.tile_bytes = geometry.tile_in_shared ? 0 : tile * static_cast<std::size_t>(geometry.blocks);
  return geometry;
}

}  // namespace gmdiff::kernels
