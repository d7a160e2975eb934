#pragma once

#include "kernels/chain_particle.cuh"
#include "kernels/smc.hpp"
#include "kernels/tile_team.cuh"
#include "particle/guidance.hpp"

// The potentials of an observation with a map on a tile of a chain's particles (mathematics.md §10.4).

namespace gmdiff::kernels {

/// The arrays of the potentials, which follow those of the law in the tile's room, and their evaluation.
template <class V, class Tile, class Law>
class ChainMap {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  using Team = TileTeam<V, Tile>;

  GMDIFF_PARTICLE ChainMap(Tile& tile, const ChainsJob<Real>& job, Law& law)
      : job_(job),
        D_(tile.take(dim())),
        work_(tile.take(job.map.work_vectors * dim())),
        room_(particle::GuidanceRoom<Vector>::make(dim(), job.map.observation.rows,
                                                   [&](Index rows) { return tile.take(rows); })),
        team_(tile),
        law_(team_, job.tables.law, law) {}

  /// Logarithm of the potential at level number `level`, without its constants. All threads of the thread
  /// block call it together, and all of them must see x.
  /// @param particle the particle, of which a custom denoiser gives D
  GMDIFF_PARTICLE V log_potential(int level, Vector x, const ChainParticle<V>& particle) {
    const particle::StageTable<Real>& stage = job_.map.levels[level];
    if (stage.level.at_data) {
      team_.for_each_own(dim(), [&](Index i) { D_[i] = V(x[i]) / V(stage.level.alpha); });
    } else if (job_.has_denoiser) {
      const std::int64_t n = particle.origin(/*resampled=*/false);
      team_.for_each_own(dim(), [&](Index i) { D_[i] = particle.denoised(n, i); });
    } else {
      law_.denoise(stage.level, x, D_);
    }
    const auto work = [this](int number) { return work_.from(number * dim()); };
    const particle::RowsOfMap<V, Vector, decltype(work)> rows(job_.map.observation, dim(), D_, work);
    return particle::Guidance<V, Team, StageLaw<V, Tile, Law>, decltype(rows)>(
               team_, law_, job_.map.observation, room_, rows)
        .log_potential(stage, x, D_);
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return job_.tables.law.dim; }

  const ChainsJob<Real>& job_;
  Vector D_, work_;
  particle::GuidanceRoom<Vector> room_;
  Team team_;
  StageLaw<V, Tile, Law> law_;
};

/// Chains without a map.
template <class V, class Tile, class Law>
struct NoChainMap {
  GMDIFF_PARTICLE NoChainMap(Tile& /*tile*/, const ChainsJob<RealOf<V>>& /*job*/, Law& /*law*/) {}
};

}  // namespace gmdiff::kernels
