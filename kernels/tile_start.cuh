#pragma once

#include "kernels/tile_rows.cuh"
#include "particle/affine.hpp"
#include "particle/window.hpp"

namespace gmdiff::kernels {

/// x <- the first states of a tile's particles: given, or drawn. `unused` is a vector of the tile that is free.
/// @param first index of this thread's lane 0
template <class V, class Tile, class Law, class Job>
GMDIFF_PARTICLE void start_tile(Tile& tile, const Job& job, TileRows<V, Tile>& rows, Law& law,
                                std::uint64_t first, typename Tile::Vector x, typename Tile::Vector unused) {
  using Real = RealOf<V>;
  if (job.start_states != nullptr) {
    rows.load(job.start_states, x, unused);
    return;
  }
  const Streams<Real> streams(job);
  Normals<V> noise(streams.start_noise(), first);
  const auto z = [&](Index i) { return noise(static_cast<std::uint64_t>(i)); };
  if (job.start.gaussian) {
    tile.for_each_own(job.law.dim, [&](Index i) { x[i] = particle::gaussian_start(job.start, i, z(i)); });
    return;
  }
  Uniforms<V> choice(streams.start_component(), first);
  const auto component = choice(0).component(job.law.thresholds, static_cast<int>(job.law.last_component));
  law.template move<false>(Real(0), job.start.move, component, z, x);
}

}  // namespace gmdiff::kernels
