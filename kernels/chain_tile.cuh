#pragma once

#include "kernels/chain_map.cuh"
#include "kernels/chain_phases.cuh"
#include "kernels/full.cuh"
#include "kernels/wide.cuh"

namespace gmdiff::kernels {

/// A tile of a chain's particles in a phase; each worker has one thread per particle.
/// @tparam has_map the potentials are those of a map
template <class V, class Tile, class Law, bool has_map>
class ChainTile : public ChainPhases<ChainTile<V, Tile, Law, has_map>, V> {
  using Phases = ChainPhases<ChainTile<V, Tile, Law, has_map>, V>;
  using Phases::dim;
  using Phases::job_;
  using Phases::particle_;

 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  using Step = typename Phases::Step;
  static constexpr int particles = Tile::Shape::particles;

  template <class Block>
  GMDIFF_PARTICLE ChainTile(Block& block, const ChainsJob<Real>& job)
      : Phases(job),
        tile_(make_tile(block, job)),
        room_(tile_room(job)),
        x_(tile_.take(room_.coordinates)),
        D_(tile_.take(room_.coordinates)),
        noise_(job.tables.law.family == Family::full ? tile_.take(room_.coordinates) : D_),
        law_(tile_, job.tables.law, room_, D_),
        map_(tile_, job, law_) {}

  /// Sets the particles from `begin` on, of the chain with the given memory. All threads must have finished
  /// with the previous particles.
  GMDIFF_PARTICLE void set(const ChainMemory<Real>& memory, std::int64_t chain, std::int64_t begin) {
    particle_.set(memory, chain, begin + tile_.particle());
  }

  GMDIFF_PARTICLE void start() {
    if (job_.start_states != nullptr) {
      tile_.for_each_own(dim(), [&](Index i) { x_[i] = particle_.given(i); });
    } else {
      draw();
    }
    save(0);
    V start_potential(Real(0));
    if (!job_.tables.weighs_before && !job_.weighs_states()) {
      tile_.sync();
      start_potential = of_map_or(job_.tables.start.factors, 0);
    }
    if (writes_weight()) particle_.set_weight(start_potential);
  }

 private:
  friend Phases;

  GMDIFF_PARTICLE void draw() {
    const particle::SmcStartTable<Real>& start = job_.tables.start;
    Normals<V> stream = particle_.normals(Purpose::start_noise);
    const auto z = [&](Index i) { return stream(static_cast<std::uint64_t>(i)); };
    if (start.mean != nullptr) {
      tile_.for_each_own(dim(), [&](Index i) { x_[i] = fma(V(start.deviation[i]), z(i), V(start.mean[i])); });
    } else {
      const auto component = start_component(particle_, start);
      if (start.law.family == Family::full) {
        draw_full(start, component, z);
      } else {
        tile_.for_each_own(dim(), [&](Index i) { x_[i] = drawn<V>(start, component, i, z(i)); });
      }
    }
  }

  GMDIFF_PARTICLE static Tile make_tile(auto& block, const ChainsJob<Real>& job) {
    const Index numbers = tile_room(job).rows() * particles;
    Real* room = nullptr;
    if (job.geometry.tile_in_shared) {
      room = block.template shared<Real>(static_cast<std::size_t>(numbers));
    } else {
      room = job.tiles + block.index() * numbers;
    }
    return Tile(block, room);
  }

  GMDIFF_PARTICLE void sync() { tile_.sync(); }
  /// One worker does the work that is needed once per particle.
  GMDIFF_PARTICLE bool writes_weight() const { return tile_.worker() == 0 && particle_.has(); }

  GMDIFF_PARTICLE void load(int number, bool resampled) {
    const std::int64_t n = particle_.origin(resampled);
    tile_.for_each_own(dim(), [&](Index i) { x_[i] = particle_.state(number, n, i); });
    tile_.sync();
  }
  GMDIFF_PARTICLE void save(int number) const {
    tile_.for_each_own(dim(), [&](Index i) { particle_.save(number, i, x_[i]); });
  }
  GMDIFF_PARTICLE void add_weight(V divided, V factors) const {
    if (writes_weight()) particle_.add_weight(divided, factors);
  }

  /// One worker computes it from the whole state.
  GMDIFF_PARTICLE V quadratic(const particle::FactorTable<Real>& factors) const {
    if (tile_.worker() != 0) return V(Real(0));
    return particle::factor_quadratic<V>(factors, job_.tables.num_observed, x_);
  }

  /// Negative logarithm of the plan's potential at level number `level`, without its constants. That of a map
  /// is kept for the next step.
  GMDIFF_PARTICLE V of_map_or(const particle::FactorTable<Real>& factors, int level) {
    if constexpr (has_map) {
      return potential_of(level);
    } else {
      return quadratic(factors);
    }
  }
  GMDIFF_PARTICLE V potential_of([[maybe_unused]] int level) {
    V potential(Real(0));
    if constexpr (has_map) {
      potential = -map_.log_potential(level, x_, particle_);
      if (writes_weight()) particle_.save_potential(level, potential);
    }
    return potential;
  }
  GMDIFF_PARTICLE V potential_before(int number, bool resampled) const {
    if constexpr (has_map) return particle_.potential(number, particle_.origin(resampled));
    return quadratic(job_.tables.steps[number].divided);
  }
  GMDIFF_PARTICLE V potential_after(int number) {
    if (job_.weighs_states()) return V(Real(0));
    return of_map_or(job_.tables.steps[number].factors, number + 1);
  }

  /// Calls body(i, normal) for the own coordinates, with the normals of a step.
  template <class Body>
  GMDIFF_PARTICLE void for_each_normal(int number, Body body) const {
    Normals<V> stream = particle_.normals(Purpose::step_noise);
    const std::uint64_t m = static_cast<std::uint64_t>(number) * static_cast<std::uint64_t>(dim());
    tile_.for_each_own(dim(), [&](Index i) { body(i, stream(m + static_cast<std::uint64_t>(i))); });
  }

  /// x <- m = a x + b D. Synchronises first, because other workers have written x and may still read it.
  GMDIFF_PARTICLE void set_mean(const Step& step, bool resampled) {
    tile_.sync();
    if (job_.has_denoiser) {
      const std::int64_t n = particle_.origin(resampled);
      tile_.for_each_own(
          dim(), [&](Index i) { x_[i] = particle::kernel_mean<V>(step, x_[i], particle_.denoised(n, i)); });
      return;
    }
    const bool at_data = step.level.at_data;
    if (!at_data) law_.denoiser(step.level, x_);
    tile_.for_each_own(dim(), [&](Index i) {
      const V x = x_[i];
      const V D = at_data ? x / V(step.level.alpha) : law_.denoised(step.level, i, x);
      x_[i] = particle::kernel_mean<V>(step, x, D);
    });
  }

  /// Computes the logits of all components at x, without the potential and with it; all workers may read
  /// them.
  GMDIFF_PARTICLE void set_logits(const Step& step) {
    const LawTable<Real>& law = job_.tables.law;
    law_.all_logits(step.level, x_);
    for_each_own_component<typename Tile::Shape>(tile_.worker(), law.num_components, [&](Index k) {
      const V ell = law_.weights().ell()[k];
      tilted()[k] = particle::tilted_logit<V>(law, step.level.alpha, step.conditioned,
                                              job_.tables.num_observed, k, x_, ell);
    });
    tile_.sync();
  }
  GMDIFF_PARTICLE Vector tilted() { return law_.weights().terms(); }

  GMDIFF_PARTICLE void weigh_transition(const Step& step, V divided) {
    set_logits(step);
    const Index K = job_.tables.law.num_components;
    const particle::Softmax<V> free = law_.weights().all(K);
    tile_.sync();
    const particle::Softmax<V> under = law_.weights().all(K, tilted());
    if (writes_weight()) particle_.add_weight(under, free, divided);
  }

  /// The exact transition under the potential (mathematics.md §7.5).
  GMDIFF_PARTICLE void transition(const Step& step, int number) {
    set_logits(step);
    Uniforms<V> choice = particle_.uniforms(Purpose::transition_component);
    const V u = choice(static_cast<std::uint64_t>(number)).real();
    const BitsOf<V> component = law_.weights().choose(job_.tables.law.num_components, u, tilted());
    if (step.conditioned.is_dense) return move_dense(step, number, static_cast<Index>(component));
    const LawTable<Real>& law = job_.tables.law;
    for_each_normal(number, [&](Index i, V z) {
      x_[i] = particle::transitioned<V>(law, step.level.alpha, step.conditioned, component, i, x_, z);
    });
  }
  GMDIFF_PARTICLE void move_dense(const Step& step, int number, Index k) {
    const Real* means = job_.tables.law.means + k * dim();
    for_each_normal(number, [&](Index i, V z) {
      D_[i] = fma(V(-step.level.alpha), V(means[i]), x_[i]);
      noise_[i] = z;
    });
    tile_.sync();
    tile_.for_each_own(dim(), [&](Index i) {
      x_[i] = V(particle::transitioned_dense<Real>(dim(), step.conditioned, k, i, D_, noise_));
    });
  }

  /// A draw of a component with a full covariance; each particle has its own matrix.
  template <class Normal>
  GMDIFF_PARTICLE void draw_full(const particle::SmcStartTable<Real>& start, BitsOf<V> component, Normal z) {
    tile_.for_each_own(dim(), [&](Index i) { D_[i] = scaled<V>(start, component, i, z(i)); });
    tile_.sync();
    tile_.for_each_own(dim(), [&](Index i) { x_[i] = drawn_full<V>(start, component, i, D_); });
  }

  Tile tile_;
  TileRoom room_;
  Vector x_, D_, noise_;
  Law law_;
  std::conditional_t<has_map, ChainMap<V, Tile, Law>, NoChainMap<V, Tile, Law>> map_;
};

}  // namespace gmdiff::kernels
