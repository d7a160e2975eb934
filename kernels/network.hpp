#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/geometry.hpp"
#include "particle/dense_tables.hpp"

namespace gmdiff::kernels {

/// Rows of particles by coordinates, (d, count), in float or in double; the other pointer is null.
struct NetworkRows {
  float* f32;
  double* f64;
  GMDIFF_PARTICLE constexpr bool is_empty() const { return f32 == nullptr && f64 == nullptr; }
  GMDIFF_PARTICLE double load(Index place) const {
    return f32 == nullptr ? f64[place] : static_cast<double>(f32[place]);
  }
  GMDIFF_PARTICLE void store(Index place, double value) const {
    if (f32 == nullptr) {
      f64[place] = value;
    } else {
      f32[place] = static_cast<float>(value);
    }
  }
};

/// The shape of a launch. It does not affect the bits.
struct NetworkGeometry {
  int rows;        ///< particles of a tile
  bool in_shared;  ///< whether the activations of a tile are in shared memory; otherwise in the job's room
  std::int64_t blocks;
  std::size_t shared_bytes;
  std::size_t room_bytes;  ///< of all thread blocks
};

/// D or J^T v of a learned denoiser for all particles (mathematics.md §17.4). All pointers are to the device's
/// memory.
template <class Real>
struct NetworkJob {
  particle::NetworkTable<Real> network;
  particle::DenoiserFactors factors;
  const double* mean;  ///< m (d)
  const Real* time;    ///< row T of the time table (width)
  NetworkRows x;
  NetworkRows v;   ///< empty: D; otherwise J^T v
  NetworkRows to;  ///< may be x or v
  std::int64_t count;
  Real* room;
  NetworkGeometry geometry;
};

/// Inputs or outputs of a tile, in whole fours.
template <class Real>
GMDIFF_PARTICLE Index network_input_rows(const particle::NetworkTable<Real>& network) {
  return (network.dim + 3) / 4 * 4;
}
/// Numbers of a tile for each of its particles: inputs; two layers; for J^T v the slopes of all layers.
template <class Real>
GMDIFF_PARTICLE Index network_numbers(const particle::NetworkTable<Real>& network, bool has_product) {
  return network_input_rows(network) + (has_product ? 2 + network.layers : 2) * network.width;
}

/// Most particles of a tile: with 128 hidden units every thread then has one register tile of a layer.
inline constexpr int network_rows = 32;
/// A register tile has as many particles.
inline constexpr int fewest_network_rows = 8;

/// @param bytes of a tile for each of its particles
inline NetworkGeometry tile_geometry(std::size_t bytes, std::int64_t count, const Limits& limits) {
  const auto of_tile = [&](int rows) { return bytes * static_cast<std::size_t>(rows); };
  const auto tiles = [&](int rows) { return (count + rows - 1) / rows; };
  NetworkGeometry of{
      .rows = network_rows, .in_shared = true, .blocks = 0, .shared_bytes = 0, .room_bytes = 0};
  // Few particles are spread over the multiprocessors, each of which runs several thread blocks at once.
  constexpr std::int64_t blocks_of_one = 8;
  while (of.rows > fewest_network_rows &&
         (of_tile(of.rows) > limits.shared_bytes || tiles(of.rows) < limits.blocks / blocks_of_one)) {
    of.rows /= 2;
  }
  of.in_shared = of_tile(of.rows) <= limits.shared_bytes;
  if (!of.in_shared) of.rows = network_rows;
  of.blocks = std::min(tiles(of.rows), limits.blocks);
  if (of.in_shared) {
    of.shared_bytes = of_tile(of.rows);
  } else {
    of.room_bytes = of_tile(of.rows) * static_cast<std::size_t>(of.blocks);
  }
  return of;
}

template <class Real>
NetworkGeometry geometry(const NetworkJob<Real>& job, const Limits& limits) {
  const auto numbers = static_cast<std::size_t>(network_numbers(job.network, !job.v.is_empty()));
  return tile_geometry(numbers * sizeof(Real), job.count, limits);
}

}  // namespace gmdiff::kernels
