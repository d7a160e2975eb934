#pragma once

#include "device/cpu/program.hpp"
#include "device/cpu/unit.hpp"

// The potentials of an observation with a map on a tile of SMC's particles (mathematics.md §10.4).

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

/// Bytes of a tile's arrays: D, those of guidance, and the work vectors of the tape.
template <class V>
std::size_t map_scratch_bytes(Index dim, const particle::MapPotentialTable<RealOf<V>>* map) {
  if (map == nullptr) return 0;
  const Index rows =
      dim + particle::GuidanceRoom<WideVector<V>>::rows(dim, map->observation.rows) + map->work_vectors * dim;
  return static_cast<std::size_t>(rows) * sizeof(V);
}

/// Logarithm of the potential of the states x at a level of the plan, without its constants.
/// @param denoised (d) D of a custom denoiser at x, or null
/// @param room of `map_scratch_bytes`
template <class V, class Law>
V log_map_potential(const ChainJob<RealOf<V>>& job, int level, V* x, const V* denoised, Scratch<V> scratch,
                    V* room) {
  using Vector = WideVector<V>;
  const LawTable<RealOf<V>>& table = job.tables.law;
  const particle::MapPotentialTable<RealOf<V>>& map = *job.map;
  const particle::StageTable<RealOf<V>>& stage = map.levels[level];
  const Index d = table.dim;
  const auto take = [&room](Index rows) {
    Vector vector{room};
    room += rows;
    return vector;
  };
  const Vector state{x};
  const Vector D = take(d);
  const auto guidance_room = particle::GuidanceRoom<Vector>::make(d, map.observation.rows, take);
  const auto work = [first = room, d](int number) { return Vector{first + number * d}; };

  Solo<V> team;
  SoloLaw<V, Law> law(team, table, scratch);
  if (stage.level.at_data) {
    for (Index i = 0; i < d; ++i) D[i] = x[i] / V(stage.level.alpha);
  } else if (denoised != nullptr) {
    for (Index i = 0; i < d; ++i) D[i] = denoised[i];
  } else {
    law.denoise(stage.level, state, D);
  }
  const particle::RowsOfMap<V, Vector, decltype(work)> rows(map.observation, d, D, work);
  return particle::Guidance<V, Solo<V>, SoloLaw<V, Law>, decltype(rows)>(team, law, map.observation,
                                                                         guidance_room, rows)
      .log_potential(stage, state, D);
}

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
