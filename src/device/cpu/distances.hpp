#pragma once

#include "device/cpu/unit.hpp"
#include "particle/arithmetic.hpp"
#include "particle/line_cost.hpp"

// Inner loops of distances between sets, and between a set and a law, in double (mathematics.md §9). Each sum
// has one accumulator, so that the unit does not change it.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

/// <x_j, u_s> of a tile of directions for n points.
template <class V, int n>
void project_points(const double* points, particle::Index dim, const double* directions, double* out,
                    particle::Index stride) {
  constexpr int packs = directions_per_tile / V::lanes;
  V sums[n][packs];
  for (auto& row : sums) {
    for (V& sum : row) sum = V(0.0);
  }
  for (particle::Index i = 0; i < dim; ++i) {
    for (int p = 0; p < packs; ++p) {
      const V u = V::load(directions + i * directions_per_tile + p * V::lanes);
      for (int j = 0; j < n; ++j) sums[j][p] = fma(V(points[j * dim + i]), u, sums[j][p]);
    }
  }
  for (int j = 0; j < n; ++j) {
    double values[directions_per_tile];
    for (int p = 0; p < packs; ++p) sums[j][p].store(values + p * V::lanes);
    for (int s = 0; s < directions_per_tile; ++s) out[s * stride + j] = values[s];
  }
}

template <class V>
void project(const double* points, particle::Index count, particle::Index dim, const double* directions,
             double* out, particle::Index stride) {
  constexpr int tile = V::lanes;  // with the packs of a tile of directions: eight accumulators
  particle::Index j = 0;
  for (; j + tile <= count; j += tile)
    project_points<V, tile>(points + j * dim, dim, directions, out + j, stride);
  for (; j < count; ++j) project_points<V, 1>(points + j * dim, dim, directions, out + j, stride);
}

template <class V>
void squared_distances(const double* point, particle::Index dim, const double* tiles,
                       particle::Index num_tiles, double* out) {
  constexpr int packs = points_per_tile / V::lanes;
  for (particle::Index t = 0; t < num_tiles; ++t) {
    const double* tile = tiles + t * dim * points_per_tile;
    V sums[packs];
    for (V& sum : sums) sum = V(0.0);
    for (particle::Index i = 0; i < dim; ++i) {
      for (int p = 0; p < packs; ++p) {
        const V difference = V::load(tile + i * points_per_tile + p * V::lanes) - V(point[i]);
        sums[p] = fma(difference, difference, sums[p]);
      }
    }
    for (int p = 0; p < packs; ++p) sums[p].store(out + t * points_per_tile + p * V::lanes);
  }
}

/// Two registers side by side, so that their latencies overlap.
template <class V>
double line_run(const particle::LineLaw& law, const particle::LinePoints& points, int p,
                particle::Index run) {
  return particle::line_run_cost<particle::Twice<V>>(law, points, p, run);
}

/// @tparam V of one register: more would not fit the tiles.
template <class V>
DistanceUnit make_distance_unit() {
  return {.project = project<V>, .squared_distances = squared_distances<V>, .line_run = line_run<V>};
}

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
