#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/job.hpp"
#include "particle/arithmetic.hpp"
#include "particle/guidance.hpp"

// Chooses the kernel and the shape of a launch for a job. Except for fast arithmetic the choice affects only
// the speed, never the bits.

namespace gmdiff::kernels {

inline constexpr int block_threads = 128;

/// The assignment of a job's particles to threads.
enum class Layout {
  thread,       ///< each thread has particles of its own, in registers
  wide_tile,    ///< a thread block has tiles of 128 particles
  narrow_tile,  ///< a thread block has tiles of 32 particles
};

struct Geometry {
  Layout layout;
  bool in_shared;  ///< whether a tile is in shared memory; otherwise it is in the job's room
  std::int64_t blocks;
  std::size_t shared_bytes;
  std::size_t room_bytes;  ///< of all thread blocks
};

/// Number of particles of a tile.
constexpr int tile_particles(Layout layout) { return layout == Layout::wide_tile ? 128 : 32; }

/// Limits of a GPU for thread blocks.
struct Limits {
  std::size_t shared_bytes;  ///< available to a thread block
  std::int64_t blocks;       ///< thread blocks that run at once, approximately
  /// Several thread blocks may share a chain of SMC with at least this many particles. For a smaller chain,
  /// separate launches would take longer than one thread block does.
  std::int64_t shared_chain = 2048;
};

/// The arrays of a tile: each has shape (rows, particles), and they are contiguous.
struct TileRoom {
  Index coordinates;  ///< rows of a vector
  int vectors;     ///< number of vectors: the state, the denoiser and those that the law and its steps need
  Index weights;   ///< rows of logits, and rows of weights
  Index products;  ///< rows of U_k^T (x - alpha mu_k) of a chunk
  Index guidance;  ///< rows of a guidance stage

  GMDIFF_PARTICLE constexpr Index rows() const {
    return coordinates * vectors + 3 * weights + products + guidance;
  }
};

template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const particle::LawTable<Real>& law, bool all_weights,
                                   bool has_two_evaluations) {
  using particle::Family;
  constexpr Index chunk = 16;
  TileRoom room{
      .coordinates = law.dim, .vectors = 2, .weights = chunk, .products = 0, .guidance = 0};  // x, D
  if (law.family == Family::diag || law.family == Family::tied)
    ++room.vectors;                                   // sums of gains; scaled states
  if (law.family == Family::full) room.vectors += 2;  // x - alpha mu_k, twice
  if (has_two_evaluations) ++room.vectors;            // u
  if (all_weights && law.num_components > chunk) room.weights = law.num_components;
  if (law.family == Family::full) room.products = chunk * law.dim;
  return room;
}
template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const StepsJob<Real>& job) {
  return tile_room(job.law, job.has_transition, job.has_two_evaluations);
}
template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const PointsJob<Real>& job) {
  return tile_room(job.law, /*all_weights=*/true, /*has_two_evaluations=*/false);
}
/// The vectors of a program; sums beside them.
template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const ProgramJob<Real>& job) {
  TileRoom room = tile_room(job.law, /*all_weights=*/true, /*has_two_evaluations=*/false);
  room.vectors += job.num_vectors - 1;
  room.guidance = particle::GuidanceRoom<const Real*>::rows(job.law.dim, job.observation.rows);
  return room;
}

/// Whether a job may have tiles of 128 particles. Only long runs in float have them, because each layout is
/// one more kernel to compile.
template <class Job>
inline constexpr bool has_wide_tiles = std::is_same_v<Job, StepsJob<float>>;

/// Whether a job's tiles may lie in shared memory. The tiles of programs lie in L2: their kernels are the largest,
/// so that a second layout would cost minutes of compiling.
template <class Job>
inline constexpr bool has_shared_tiles = !std::is_same_v<Job, ProgramJob<typename Job::Number>>;

/// Geometry of a job on tiles. Where a tile does not fit shared memory, the launch has as many thread blocks
/// as run at once; they share the job's room, and each computes several tiles one after the other.
template <class Job>
Geometry tile_geometry(const Job& job, const Limits& limits) {
  const auto rows = static_cast<std::size_t>(tile_room(job).rows());
  const auto bytes = [&](Layout layout) {
    return rows * static_cast<std::size_t>(tile_particles(layout)) * sizeof(*job.law.means);
  };
  const bool wide = has_wide_tiles<Job> && job.law.family != particle::Family::full &&
                    bytes(Layout::wide_tile) <= limits.shared_bytes;
  const Layout layout = wide ? Layout::wide_tile : Layout::narrow_tile;
  const std::int64_t tiles = (job.count + tile_particles(layout) - 1) / tile_particles(layout);
  const std::size_t needed = bytes(layout);
  if (has_shared_tiles<Job> && needed <= limits.shared_bytes) {
    return {.layout = layout, .in_shared = true, .blocks = tiles, .shared_bytes = needed, .room_bytes = 0};
  }
  const std::int64_t blocks = std::min(tiles, limits.blocks);
  return {.layout = layout,
          .in_shared = false,
          .blocks = blocks,
          .shared_bytes = 0,
          .room_bytes = needed * static_cast<std::size_t>(blocks)};
}

/// Whether a job runs in fast arithmetic. Only small laws do: elementary functions take most of their time,
/// while sums of products dominate in tiles.
inline bool runs_fast(const StepsJob<float>& job) {
  return job.is_fast && particle::is_small(job.law.family);
}

/// Number of particles per thread in layout `thread`: two in float, whose instructions then overlap and share
/// loads.
template <class Real>
constexpr int thread_particles = sizeof(Real) == sizeof(float) ? 2 : 1;

/// Up to this many coordinates a thread holds its particles in registers without spills. Where both layouts
/// are possible, threads are faster than tiles: only the few workers of a tile that own a row would have
/// work, and they would read their sums from memory.
inline constexpr int largest_thread_dim = 16;

/// Size of a thread's arrays for the law's d: two kernels in float, one in double.
template <class Real>
constexpr int thread_room(Index d) {
  return sizeof(Real) == sizeof(float) && d <= 8 ? 8 : largest_thread_dim;
}

/// Numbers in shared memory of a thread block in layout `thread`, for the given number of particles per
/// thread.
template <class Real>
int thread_numbers(const particle::LawTable<Real>& law, int particles = thread_particles<Real>) {
  using particle::Family;
  constexpr int chunk = 16;
  const int d = static_cast<int>(law.dim);
  const int room = thread_room<Real>(law.dim);
  const int columns = (chunk + room) * block_threads * particles;
  switch (law.family) {
    case Family::small_diag:
    case Family::small_full:
      return chunk * particle::SmallRecord{d, law.family == Family::small_full}.size();
    case Family::spherical:
      return columns + chunk * (room + 4);
    case Family::tied:
      return columns + chunk * (room + 1);
    case Family::diag:
      return columns + chunk * (4 * room + 1);
    case Family::full:
      break;
  }
  return columns + chunk * ((3 + room) * room + 1);
}

template <class Real>
Geometry geometry(const StepsJob<Real>& job, const Limits& limits) {
  if (job.law.dim > largest_thread_dim) return tile_geometry(job, limits);
  const std::size_t bytes = static_cast<std::size_t>(thread_numbers(job.law)) * sizeof(Real);
  if (!particle::is_small(job.law.family) && bytes > limits.shared_bytes) return tile_geometry(job, limits);
  constexpr std::int64_t particles = block_threads * thread_particles<Real>;
  return {.layout = Layout::thread,
          .in_shared = true,
          .blocks = (job.count + particles - 1) / particles,
          .shared_bytes = bytes,
          .room_bytes = 0};
}
template <class Real>
Geometry geometry(const PointsJob<Real>& job, const Limits& limits) {
  return tile_geometry(job, limits);
}
template <class Real>
Geometry geometry(const ProgramJob<Real>& job, const Limits& limits) {
  return tile_geometry(job, limits);
}

}  // namespace gmdiff::kernels
