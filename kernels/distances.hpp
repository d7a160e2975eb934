#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"
#include "particle/pair_term.hpp"

// What the kernels of distances between sets are told, in double. Sets are (count, d) row by row. Every sum is made of pieces whose bounds
// depend on the sets alone, not on the GPU.

namespace gmdiff::kernels {

inline constexpr Index tile_side = 64;       // points on a side of a tile of pairs
inline constexpr Index tile_depth = 16;      // their coordinates in shared memory at a time
inline constexpr Index strip_points = 2048;  // whole tiles of y that one block goes along
inline constexpr Index run_points = 128;     // sorted numbers that one thread compares

struct Rows {
  const double* values;
  Index count;
};

/// <x_i, u_s> of all points and some directions.
struct ProjectionJob {
  Rows points;
  Rows directions;
  Index dim;
  double* out;   ///< [s stride + i]
  Index stride;  ///< between directions
};

/// A term over pairs x_i, y_j: a sum for each tile of x and strip of y.
struct PairSumJob {
  Rows x, y;
  Index dim;
  bool upper;  ///< only i < j; x and y are one set
  PairTerm term;
  double* sums;  ///< (tiles of x, strips of y)
};

/// Costs of transport between sorted projections of n and m <= n numbers, for several slices: a sum for each run of x, in units of
/// 1 / (n mass_x). In these units every x holds the mass mass_x = m / g and every y mass_y = n / g, g = gcd(n, m).
struct TransportJob {
  const double* x;  ///< (slices, n)
  const double* y;  ///< (slices, m)
  Index n, m;       ///< below 2^32, so that no product of masses overflows
  Index slices;
  std::uint64_t mass_x, mass_y;
  int p;         ///< 1 or 2
  double* sums;  ///< (slices, runs of x)
};

/// `segments` runs of `length` finite or infinite numbers, side by side.
struct SortJob {
  double* numbers;  ///< what they hold afterwards is undefined
  double* sorted;   ///< where each run goes, ascending
  std::int64_t segments;
  std::int64_t length;
};

constexpr Index pieces_of(Index count, Index size) { return (count + size - 1) / size; }

constexpr std::int64_t num_blocks(const ProjectionJob& job) {
  return pieces_of(job.points.count, tile_side) * pieces_of(job.directions.count, tile_side);
}
constexpr std::int64_t num_blocks(const PairSumJob& job) {
  return pieces_of(job.x.count, tile_side) * pieces_of(job.y.count, strip_points);
}
constexpr std::int64_t num_blocks(const TransportJob& job) {
  return pieces_of(job.slices * pieces_of(job.n, run_points), block_threads);
}

/// Distance in shared memory between the same coordinate of all points of a tile and the next one: even, and not a multiple of a row of
/// banks, so that threads that copy neighbouring coordinates do not all meet in one bank.
inline constexpr Index tile_stride = tile_side + 2;

constexpr std::size_t tile_bytes = 2 * static_cast<std::size_t>(tile_depth * tile_stride) * sizeof(double);
constexpr std::size_t shared_bytes(const ProjectionJob& /*job*/) { return tile_bytes; }
constexpr std::size_t shared_bytes(const PairSumJob& /*job*/) {
  return tile_bytes + block_threads * sizeof(double);
}
constexpr std::size_t shared_bytes(const TransportJob& /*job*/) { return 0; }

}  // namespace gmdiff::kernels
