#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"
#include "particle/line_tables.hpp"
#include "particle/pair_term.hpp"

// Jobs of the kernels for distances between sets, in double. Sets are (count, d) row-major. Every sum is
// built from pieces whose bounds depend only on the sets, not on the GPU.

namespace gmdiff::kernels {

inline constexpr Index tile_side = 64;   // points on one side of a tile of pairs
inline constexpr Index tile_depth = 16;  // coordinates of these points in shared memory at a time
// points y of one thread block's strip, which consists of whole tiles
inline constexpr Index strip_points = 2048;
inline constexpr Index run_points = 128;  // sorted numbers that one thread compares

struct Rows {
  const double* values;
  Index count;
};

/// Computes <x_i, u_s> for all points and some directions.
struct ProjectionJob {
  Rows points;
  Rows directions;
  Index dim;
  double* out;   ///< [s stride + i]
  Index stride;  ///< distance between directions
};

/// Sums a term over pairs x_i, y_j, one sum per tile of x and strip of y.
struct PairSumJob {
  Rows x, y;
  Index dim;
  bool upper;  ///< only i < j; x and y are one set
  PairTerm term;
  double* sums;  ///< (tiles of x, strips of y)
};

/// Costs of transport between sorted projections of n and m <= n numbers, for several slices: one sum per run
/// of x, in units of 1 / (n mass_x). In these units every x has the mass mass_x = m / g and every y the mass
/// mass_y = n / g, where g = gcd(n, m).
struct TransportJob {
  const double* x;  ///< (slices, n)
  const double* y;  ///< (slices, m)
  Index n, m;       ///< below 2^32, so that no product of masses overflows
  Index slices;
  std::uint64_t mass_x, mass_y;
  int p;         ///< 1 or 2
  double* sums;  ///< (slices, runs of x)
};

/// Distances of sorted projections to the laws of their directions, for several slices: one sum per run of
/// points. The masses of the points are equal.
struct LineJob {
  const particle::LineLaw* laws;  ///< (slices), with arrays on the GPU
  const double* x;                ///< (slices, n)
  Index n;
  Index lower;  ///< intervals or points of the lower half
  Index slices;
  int p;         ///< 1 or 2
  double* sums;  ///< (slices, runs)

  constexpr particle::LinePoints points(Index slice) const {
    return {
        .sorted = x + slice * n, .count = n, .mass_below = nullptr, .mass_above = nullptr, .lower = lower};
  }
};

/// Sorts `segments` contiguous runs of `length` finite or infinite numbers each.
struct SortJob {
  double* numbers;  ///< undefined after the sort
  double* sorted;   ///< the sorted runs, ascending
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

constexpr std::int64_t num_blocks(const LineJob& job) {
  return pieces_of(job.slices * particle::num_line_runs(job.points(0), job.p), block_threads);
}

/// Distance in shared memory between a coordinate of all points of a tile and the next coordinate. It is even
/// and not a multiple of the number of banks, so that threads that copy neighbouring coordinates do not all
/// use one bank.
inline constexpr Index tile_stride = tile_side + 2;

constexpr std::size_t tile_bytes = 2 * static_cast<std::size_t>(tile_depth * tile_stride) * sizeof(double);
constexpr std::size_t shared_bytes(const ProjectionJob& /*job*/) { return tile_bytes; }
constexpr std::size_t shared_bytes(const PairSumJob& /*job*/) {
  return tile_bytes + block_threads * sizeof(double);
}
constexpr std::size_t shared_bytes(const TransportJob& /*job*/) { return 0; }
constexpr std::size_t shared_bytes(const LineJob& /*job*/) { return 0; }

}  // namespace gmdiff::kernels
