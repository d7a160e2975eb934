#pragma once

#include "kernels/tile_law.cuh"
#include "particle/component_moments.hpp"
#include "particle/product.hpp"

// A tile as the stages of programs and the potentials of maps see it: workers that share particles, and the
// functions of their mixture.

namespace gmdiff::kernels {

/// The workers of a tile.
template <class V, class Tile>
class TileTeam {
 public:
  using Vector = typename Tile::Vector;
  /// Workers synchronise inside the loops over components, so all of them must take part.
  static constexpr bool may_skip = false;

  GMDIFF_PARTICLE explicit TileTeam(const Tile& tile) : tile_(tile) {}
  template <class Body>
  GMDIFF_PARTICLE void for_each_own(Index n, Body body) const {
    tile_.for_each_own(n, body);
  }
  template <class Body>
  GMDIFF_PARTICLE void for_each_row(Index n, Body body) const {
    for_each_own_component<typename Tile::Shape>(tile_.worker(), n, body);
  }
  GMDIFF_PARTICLE void sync() { tile_.sync(); }
  GMDIFF_PARTICLE bool is_first() const { return tile_.worker() == 0; }
  GMDIFF_PARTICLE bool owns(Index row) const { return tile_.owns(row); }

 private:
  Tile tile_;
};

/// Products with the bases of full covariances, for the own rows.
template <class V, class Team>
struct TileProducts {
  using Real = RealOf<V>;
  using Vector = typename Team::Vector;
  const Team& team;
  const LawTable<Real>& law;

  template <class Take>
  GMDIFF_PARTICLE void to_basis(Index k, Vector v, Take take) const {
    const auto zero = [](Index) { return V(Real(0)); };
    multiply(k, law.dim, 1, v, zero, take);
  }
  template <class Start, class Take>
  GMDIFF_PARTICLE void from_basis(Index k, Vector z, Start start, Take take) const {
    multiply(k, 1, law.dim, z, start, take);
  }

 private:
  template <class Start, class Take>
  GMDIFF_PARTICLE void multiply(Index k, Index row, Index column, Vector v, Start start, Take take) const {
    const Real* U = law.bases + k * law.dim * law.dim;
    team.for_each_own(
        law.dim, [&](Index i) { particle::product_rows<1>(U, row, column, i, law.dim, v, start, take); });
  }
};

/// The functions of a tile's mixture that stages use.
template <class V, class Tile, class Law>
class StageLaw
    : public particle::ComponentMoments<V, Law::kind, TileTeam<V, Tile>, TileProducts<V, TileTeam<V, Tile>>> {
 public:
  using Real = RealOf<V>;
  using Team = TileTeam<V, Tile>;
  using Vector = typename Tile::Vector;
  using Moments = particle::ComponentMoments<V, Law::kind, Team, TileProducts<V, Team>>;
  static constexpr Family family = Law::kind;

  GMDIFF_PARTICLE StageLaw(Team& team, const LawTable<Real>& table, Law& law)
      : Moments(team, table, {team, table}), team_(team), table_(table), law_(law) {}

  GMDIFF_PARTICLE const LawTable<Real>& table() const { return table_; }
  GMDIFF_PARTICLE void denoise(const LevelTable<Real>& level, Vector from, Vector to) {
    team_.sync();
    law_.denoiser(level, from);
    team_.for_each_own(table_.dim, [&](Index i) { to[i] = law_.denoised(level, i, V(from[i])); });
  }
  GMDIFF_PARTICLE particle::WideOf<V> log_density(const LevelTable<Real>& level, Vector from,
                                                  Vector gradient) {
    team_.sync();
    const auto softmax = law_.score(level, from);
    team_.for_each_own(table_.dim, [&](Index i) { gradient[i] = law_.scored(level, i); });
    return particle::log_density(softmax, level);
  }
  GMDIFF_PARTICLE V responsibilities(const LevelTable<Real>& level, Vector from) {
    team_.sync();
    law_.all_logits(level, from);
    return law_.weights().all(table_.num_components).total;
  }
  GMDIFF_PARTICLE V weight(Index k) { return law_.weights().e()[k]; }
  GMDIFF_PARTICLE BitsOf<V> choose(const LevelTable<Real>& level, Vector from, V u) {
    team_.sync();
    law_.all_logits(level, from);
    return law_.weights().choose(table_.num_components, u);
  }
  template <class Normal>
  GMDIFF_PARTICLE void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component,
                            Normal z, Vector x) {
    law_.template move<true>(level.alpha, table, component, z, x);
  }

 private:
  Team& team_;
  const LawTable<Real>& table_;
  Law& law_;
};

}  // namespace gmdiff::kernels
