#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"
#include "particle/program_tables.hpp"
#include "particle/resampling.hpp"
#include "particle/smc_tables.hpp"

// Arguments of launches of sequential Monte Carlo (mathematics.md §7.3, numerics.md §6), and the distribution
// of chains over thread blocks.
//
// A step goes through phases, between which all thread blocks of a chain synchronise. If a thread block has a
// chain of its own, a barrier suffices and one launch runs all steps. If several thread blocks share a chain,
// each phase is a launch. The bits are the same, because thread blocks exchange only integers.

namespace gmdiff::kernels {

/// Like `Resampling` of gmdiff/sampler/smc.hpp.
enum class Scheme { systematic, stratified, multinomial, residual };

/// The phases of a step in their order. The end of the chain is a last step without moves.
enum class Phase {
  start,       ///< first particles
  keep,        ///< writes kept states before weights replace them; at the end, the last level
  weigh,       ///< log-weights before moving, or of the states where a custom denoiser must first give D
  extremes,    ///< the largest and smallest log-weight
  first_sums,  ///< S_0
  weights,     ///< integer weights and their running sums
  decide,      ///< effective sample size, evidence; whether to resample
  shares,      ///< residual resampling: running sums of copies and of remainders
  share_sums,  ///< the same over the parts of the chain
  ancestors,
  move,    ///< moves, and log-weights after moving
  output,  ///< the particle that the chain draws
};
inline constexpr int num_phases = 12;

/// The properties of a step that determine its phases.
struct StepKind {
  bool is_first, is_end;
  bool keeps;  ///< whether the states before the step are results
  bool draws;  ///< whether a chain draws one particle at the end
  bool weighs_before;
  bool weighs_states;  ///< as `ChainsJob::weighs_states`
  bool decides;        ///< whether to resample
  bool is_residual;
};

GMDIFF_PARTICLE constexpr bool has_phase(const StepKind& kind, Phase phase) {
  switch (phase) {
    case Phase::start:
      return kind.is_first;
    case Phase::keep:
      return kind.keeps && !kind.draws;
    case Phase::weigh:
      return kind.weighs_states || (kind.weighs_before && !kind.is_end);
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

/// Sums of a thread block over its part of a chain.
struct ChainPart {
  std::uint64_t largest, smallest;  ///< order keys
  std::uint64_t first_sum;
  particle::WeightSums sums;
  std::uint64_t copies, rests;  ///< residual
};

/// State of a chain. The first thread block of the chain writes it, and it is read only in later phases. It
/// has no padding, because it is copied as bytes.
struct ChainState {
  double log_evidence;
  double smallest_ess;  ///< over the weightings so far and the final weights
  double largest;       ///< log-weight
  bool all_equal;       ///< log-weights
  bool needs_sums;
  bool resampled;
  bool all_weights_zero;  ///< the reason of a failure; false: a number is not finite
  int scale;
  int smallest_ess_step;
  int failed_step;  ///< -1: none
  particle::WeightSums sums;
  std::uint64_t copies, rests;
};
static_assert(sizeof(ChainState) == 80);

/// Distribution of the chains of a job over thread blocks.
struct ChainGeometry {
  Layout layout;        ///< particles that a thread block takes at a time: 128 on threads, or a narrow tile
  bool tile_in_shared;  ///< their scratch; else in the job's room
  bool weights_in_shared;  ///< the other arrays of a chain; never if thread blocks share it
  bool states_in_shared;
  std::int64_t parts;      ///< thread blocks of a chain
  std::int64_t part_size;  ///< particles of a part
  std::int64_t under_way;  ///< chains that are active at once
  std::int64_t blocks;
  std::size_t shared_bytes;
  std::size_t tile_bytes;  ///< scratch of all thread blocks, unless in shared memory

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
  const int* weightings;   ///< (steps): number of the step among the steps that may resample, or -1
  int num_weightings;
  const int* slots;   ///< (steps + 1): number of a level among the kept ones, or -1; level 0 is the start
  int num_kept;       ///< kept levels, including the last
  bool has_denoiser;  ///< whether a custom denoiser gives D; then each phase is a launch
  bool has_map;       ///< whether the potentials of a map take the place of factors
  particle::MapPotentialTable<Real> map;
  Scheme scheme;
  double ess_threshold;
  bool has_transition;  ///< whether a step is an exact transition
  bool draws;           ///< the result has one particle per chain, not all of them
  std::uint64_t first;  ///< index of the first chain
  std::int64_t count;

  /// Whether a phase of its own adds the potentials of a map to the weights, because they need D of a custom
  /// denoiser.
  GMDIFF_PARTICLE bool weighs_states() const { return has_map && has_denoiser; }

  ChainGeometry geometry;
  bool whole;  ///< run all steps; else only this phase
  int step;
  Phase phase;

  // Memory of the active chains, one after the other, unless in shared memory.
  Real* states;              ///< (2, d, padded)
  const Real* denoised;      ///< (d, padded): D at the states before the step; with `has_denoiser`
  Real* potentials;          ///< (2, padded); with `has_map`
  double* log_weights;       ///< (padded)
  std::uint64_t* sums;       ///< (padded), inclusive sums; sums of the copies after `shares`
  std::uint64_t* rests;      ///< (padded), inclusive sums, for residual resampling
  std::uint32_t* ancestors;  ///< (padded)
  Real* tiles;               ///< scratch of the thread blocks
  ChainPart* parts;          ///< (active chains, parts)
  ChainState* chains;        ///< (count)

  // Results. Only those that are not null are computed.
  Real* out;                        ///< (count, d) or (count, kept levels, N, d)
  double* final_log_weights;        ///< (count, N) normalised
  double* ess;                      ///< (count, W)
  std::uint8_t* resampled;          ///< (count, W)
  double* weight_history;           ///< (count, W, N)
  std::uint32_t* ancestor_history;  ///< (count, W, N)
};

/// Number of particles that the arrays of a chain have room for: whole cache lines.
GMDIFF_PARTICLE constexpr std::int64_t padded_particles(std::int64_t N) { return (N + 31) / 32 * 32; }

/// Rows of a tile.
template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const ChainsJob<Real>& job) {
  TileRoom room = tile_room(job.tables.law, job.has_transition || job.has_map, /*has_two_evaluations=*/false);
  if (job.tables.law.family == particle::Family::full) ++room.vectors;  // normals of a transition
  if (job.has_map) {
    const auto work_vectors = static_cast<int>(job.map.work_vectors);
    room.vectors += 1 + work_vectors;  // D
    room.guidance = particle::GuidanceRoom<const Real*>::rows(job.tables.law.dim, job.map.observation.rows);
  }
  return room;
}

/// Bytes of the arrays of a chain without its states; each array has a multiple of 16 bytes.
inline std::size_t chain_weight_bytes(std::int64_t N, Scheme scheme) {
  const std::size_t sums = scheme == Scheme::residual ? 2 : 1;
  return static_cast<std::size_t>(padded_particles(N)) *
         (sizeof(double) + sums * sizeof(std::uint64_t) + sizeof(std::uint32_t));
}
template <class Real>
std::size_t chain_state_bytes(std::int64_t N, Index d) {
  return static_cast<std::size_t>(2 * d * padded_particles(N)) * sizeof(Real);
}

/// Shared memory that leaves room for a second thread block on a multiprocessor.
inline constexpr std::size_t preferred_shared = std::size_t{100} << 10;

/// Shared memory of a thread block whose threads have one particle each.
template <class Real>
std::size_t chain_thread_bytes(const ChainsJob<Real>& job) {
  return static_cast<std::size_t>(thread_numbers(job.tables.law, /*particles=*/1)) * sizeof(Real);
}
/// Particles of few coordinates have one thread each, because most of the four workers of a tile would own no
/// row. The potentials of a map are computed on tiles.
template <class Real>
Layout chain_layout(const ChainsJob<Real>& job, const Limits& limits) {
  const bool fits = !job.has_map && job.tables.law.family != particle::Family::full &&
                    job.tables.law.dim <= largest_thread_dim &&
                    chain_thread_bytes(job) <= limits.shared_bytes;
  return fits && job.tables.particles > tile_particles(Layout::narrow_tile) ? Layout::thread
                                                                            : Layout::narrow_tile;
}

/// @param most_under_way number of chains that fit into memory at once
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
  // Few long chains have as many thread blocks each as fill the GPU.
  if (N >= limits.shared_chain && job.count <= most_under_way && limits.blocks / job.count >= 2) {
    constexpr std::int64_t whole_tiles = 128;
    const std::int64_t size = (N + limits.blocks / job.count - 1) / (limits.blocks / job.count);
    geometry.part_size = (size + whole_tiles - 1) / whole_tiles * whole_tiles;
    geometry.parts = (N + geometry.part_size - 1) / geometry.part_size;
  }
  geometry.under_way = job.count;
  // The host evaluates a custom denoiser between the launches of phases, so that all chains are under way.
  if (geometry.whole() && !job.has_denoiser) {
    geometry.weights_in_shared = take(chain_weight_bytes(N, job.scheme), most);
    geometry.states_in_shared =
        geometry.weights_in_shared && take(chain_state_bytes<Real>(N, job.tables.law.dim), most);
    // If everything is in shared memory, every chain has a thread block; else thread blocks take one chain
    // after the other.
    if (!geometry.tile_in_shared || !geometry.states_in_shared) {
      geometry.under_way = std::min({job.count, most_under_way, limits.blocks});
    }
  }
  geometry.blocks = geometry.under_way * geometry.parts;
  geometry.tile_bytes = geometry.tile_in_shared ? 0 : tile * static_cast<std::size_t>(geometry.blocks);
  return geometry;
}

}  // namespace gmdiff::kernels
