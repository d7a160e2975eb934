#pragma once

#include <algorithm>

#include "device/particle/arithmetic.hpp"
#include "kernels/job.hpp"

// Which kernel runs a job and in what shape. But for fast arithmetic a choice of speed alone: the bits are the same.

namespace gmdiff::kernels {

inline constexpr int block_threads = 128;

/// How the particles of a job lie on threads.
enum class Layout {
  thread,       ///< a thread carries its particles alone, in registers
  wide_tile,    ///< a block carries 128 particles
  narrow_tile,  ///< a block carries 32
};

struct Geometry {
  Layout layout;
  bool in_shared;  ///< a tile lies in shared memory; else in the job's room
  std::int64_t blocks;
  std::size_t shared_bytes;
  std::size_t room_bytes;  ///< of all blocks
};

/// Particles of a tile.
constexpr int tile_particles(Layout layout) { return layout == Layout::wide_tile ? 128 : 32; }

/// What a GPU has for blocks.
struct Limits {
  std::size_t shared_bytes;  ///< that a block may have
  std::int64_t blocks;       ///< that run at once, roughly
};

/// What a tile keeps: arrays of (rows, particles), one after the other.
struct TileRoom {
  Index coordinates;  ///< rows of a vector
  int vectors;        ///< of the state, the denoiser and what else a law and its steps need
  Index weights;      ///< rows of logits, and of weights
  Index products;     ///< rows of U_k^T (x - alpha mu_k) of a chunk

  GMDIFF_PARTICLE constexpr Index rows() const { return coordinates * vectors + 3 * weights + products; }
};

template <class Real>
GMDIFF_PARTICLE TileRoom tile_room(const particle::LawTable<Real>& law, bool all_weights, bool has_two_evaluations) {
  using particle::Family;
  constexpr Index chunk = 16;
  TileRoom room{.coordinates = law.dim, .vectors = 2, .weights = chunk, .products = 0};  // x, D
  if (law.family == Family::diag || law.family == Family::tied) ++room.vectors;          // sums of gains; scaled states
  if (law.family == Family::full) room.vectors += 2;                                     // x - alpha mu_k, twice
  if (has_two_evaluations) ++room.vectors;                                               // u
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

/// Of a job on tiles. Where a tile does not fit shared memory, as many blocks as run at once share the job's room, each carrying several
/// tiles one after the other.
template <class Job>
Geometry tile_geometry(const Job& job, const Limits& limits) {
  const auto rows = static_cast<std::size_t>(tile_room(job).rows());
  const auto bytes = [&](Layout layout) { return rows * static_cast<std::size_t>(tile_particles(layout)) * sizeof(*job.law.means); };
  const bool wide = job.law.family != particle::Family::full && bytes(Layout::wide_tile) <= limits.shared_bytes;
  const Layout layout = wide ? Layout::wide_tile : Layout::narrow_tile;
  const std::int64_t tiles = (job.count + tile_particles(layout) - 1) / tile_particles(layout);
  const std::size_t needed = bytes(layout);
  if (needed <= limits.shared_bytes) {
    return {.layout = layout, .in_shared = true, .blocks = tiles, .shared_bytes = needed, .room_bytes = 0};
  }
  const std::int64_t blocks = std::min(tiles, limits.blocks);
  return {
      .layout = layout, .in_shared = false, .blocks = blocks, .shared_bytes = 0, .room_bytes = needed * static_cast<std::size_t>(blocks)};
}

/// Whether fast arithmetic runs a job. Small laws have it: functions take most of their time, in tiles sums of products do.
inline bool runs_fast(const StepsJob<float>& job) { return job.is_fast && particle::is_small(job.law.family); }

/// Particles of a thread where each carries its own: two in float, whose instructions then overlap.
template <class Real>
constexpr int thread_particles = sizeof(Real) == sizeof(float) ? 2 : 1;

template <class Real>
Geometry geometry(const StepsJob<Real>& job, const Limits& limits) {
  if (!particle::is_small(job.law.family)) return tile_geometry(job, limits);
  const particle::SmallRecord record{static_cast<int>(job.law.dim), job.law.family == particle::Family::small_full};
  constexpr std::int64_t particles = block_threads * thread_particles<Real>;
  return {.layout = Layout::thread,
          .in_shared = true,
          .blocks = (job.count + particles - 1) / particles,
          .shared_bytes = static_cast<std::size_t>(16 * record.size()) * sizeof(Real),
          .room_bytes = 0};
}
template <class Real>
Geometry geometry(const PointsJob<Real>& job, const Limits& limits) {
  return tile_geometry(job, limits);
}

}  // namespace gmdiff::kernels
