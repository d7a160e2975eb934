#pragma once

#include "device/particle/smc.hpp"
#include "kernels/full.cuh"
#include "kernels/resampling.cuh"
#include "kernels/wide.cuh"

// Chains of sequential Monte Carlo (mathematics.md §7.3): blocks carry a tile of a chain's particles at a time through a phase. States lie
// coordinate by coordinate, in two places that take turns; a move gathers from the one into the other.

namespace gmdiff::kernels {

/// A tile of particles, one a thread and worker, on its way through a phase.
template <class V, class Tile, class Law>
class ChainTile {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  using Step = particle::SmcStepTable<Real>;
  static_assert(Types<V>::lanes == 1, "the streams of two particles may differ in the upper half of their index");

  GMDIFF_PARTICLE ChainTile(Tile tile, const ChainsJob<Real>& job)
      : tile_(tile),
        job_(job),
        room_(tile_room(job)),
        x_(tile_.take(room_.coordinates)),
        D_(tile_.take(room_.coordinates)),
        noise_(job.tables.law.family == Family::full ? tile_.take(room_.coordinates) : D_),
        law_(tile_, job_.tables.law, room_, D_) {}

  /// The particles from `begin` on, of a chain whose memory this is; all threads have done with the last.
  GMDIFF_PARTICLE void set(const ChainMemory<Real>& memory, std::int64_t chain, std::int64_t begin) {
    memory_ = memory;
    n_ = begin + tile_.particle();
    slot_ = (job_.first + static_cast<std::uint64_t>(chain)) * static_cast<std::uint64_t>(job_.tables.particles) +
            static_cast<std::uint64_t>(n_);
  }

  GMDIFF_PARTICLE void start() {
    const particle::SmcStartTable<Real>& start = job_.tables.start;
    Normals<V> stream(origin(Purpose::start_noise), slot_);
    const auto z = [&](Index i) { return stream(static_cast<std::uint64_t>(i)); };
    if (start.mean != nullptr) {
      tile_.for_each_own(dim(), [&](Index i) { x_[i] = fma(V(start.deviation[i]), z(i), V(start.mean[i])); });
    } else {
      Uniforms<V> choice(origin(Purpose::start_component), slot_);
      const auto component = choice(0).component(start.law.thresholds, static_cast<int>(start.law.last_component));
      if (start.law.family == Family::full) {
        draw_full(start, component, z);
      } else {
        using Terms = particle::WideTerms<V, Family::diag>;
        tile_.for_each_own(
            dim(), [&](Index i) { x_[i] = Terms::template moved<false>(start.law, Real(0), start.move, component, i, V(Real(0)), z(i)); });
      }
    }
    save(states(0));
    V potential(Real(0));
    if (!job_.tables.weighs_before) {
      tile_.sync();
      potential = quadratic(start.factors);
    }
    if (writes_weight()) memory_.log_weights[n_] = -static_cast<double>(potential.v);
  }

  /// Weights before moving. An affine step leaves m in the place of x.
  GMDIFF_PARTICLE void weigh(int number) {
    const Step& step = job_.tables.steps[number];
    load(states(number), n_);
    tile_.sync();
    const V divided = quadratic(step.divided);
    if (step.is_transition) {
      weigh_transition(step, divided);
    } else {
      set_mean(step);
      tile_.sync();
      add_weight(divided, quadratic(step.factors));
      save(states(number));
    }
  }

  /// Moves from the ancestors, or each from itself. Weights after moving are added to what stands there.
  GMDIFF_PARTICLE void move(int number, bool resampled) {
    const Step& step = job_.tables.steps[number];
    const bool after = !job_.tables.weighs_before;
    load(states(number), resampled && has() ? static_cast<std::int64_t>(memory_.ancestors[n_]) : n_);
    tile_.sync();
    V divided(Real(0));
    if (after) divided = quadratic(step.divided);
    if (step.is_transition) {
      transition(step, number);
    } else {
      if (after) set_mean(step);
      const Index r = job_.tables.num_observed;
      for_each_normal(number, [&](Index i, V z) { x_[i] = particle::moved<V>(step, r, i, x_[i], z); });
    }
    save(states(number + 1));
    if (!after) return;
    tile_.sync();
    add_weight(divided, quadratic(step.factors));
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return job_.tables.law.dim; }
  GMDIFF_PARTICLE bool has() const { return n_ < job_.tables.particles; }
  /// One of the workers alone does what is done once a particle.
  GMDIFF_PARTICLE bool writes_weight() const { return tile_.worker() == 0 && has(); }
  GMDIFF_PARTICLE particle::StreamOrigin origin(Purpose purpose) const { return {job_.tables.seed, purpose, 0}; }

  // --- memory -------------------------------------------------------------------------------------------------------------------

  /// Of a number of steps; coordinate by coordinate.
  GMDIFF_PARTICLE Real* states(int number) const { return memory_.states + (number % 2) * dim() * padded_particles(job_.tables.particles); }
  /// x = the state of particle n; 0 where this thread has none.
  GMDIFF_PARTICLE void load(const Real* states, std::int64_t n) {
    const std::int64_t stride = padded_particles(job_.tables.particles);
    tile_.for_each_own(dim(), [&](Index i) { x_[i] = has() ? V(states[i * stride + n]) : V(Real(0)); });
  }
  GMDIFF_PARTICLE void save(Real* states) const {
    const std::int64_t stride = padded_particles(job_.tables.particles);
    tile_.for_each_own(dim(), [&](Index i) {
      const V x = x_[i];
      if (has()) states[i * stride + n_] = x.v;
    });
  }
  /// log w += divided - factors
  GMDIFF_PARTICLE void add_weight(V divided, V factors) const {
    using D = particle::One<double>;
    if (!writes_weight()) return;
    const D difference = D(static_cast<double>(divided.v)) - D(static_cast<double>(factors.v));
    memory_.log_weights[n_] = (D(memory_.log_weights[n_]) + difference).v;
  }

  // --- steps --------------------------------------------------------------------------------------------------------------------

  /// Of the whole state, by one worker.
  GMDIFF_PARTICLE V quadratic(const particle::FactorTable<Real>& factors) const {
    if (tile_.worker() != 0) return V(Real(0));
    return particle::factor_quadratic<V>(factors, job_.tables.num_observed, x_);
  }

  /// body(i, normal) for the own coordinates, with the normals of a step.
  template <class Body>
  GMDIFF_PARTICLE void for_each_normal(int number, Body body) const {
    Normals<V> stream(origin(Purpose::step_noise), slot_);
    const std::uint64_t m = static_cast<std::uint64_t>(number) * static_cast<std::uint64_t>(dim());
    tile_.for_each_own(dim(), [&](Index i) { body(i, stream(m + static_cast<std::uint64_t>(i))); });
  }

  /// x <- m = a x + b D; others have written x, and may still read it when they come here.
  GMDIFF_PARTICLE void set_mean(const Step& step) {
    tile_.sync();
    const bool at_data = step.level.at_data;
    if (!at_data) law_.denoiser(step.level, x_);
    tile_.for_each_own(dim(), [&](Index i) {
      const V x = x_[i];
      const V D = at_data ? x / V(step.level.alpha) : law_.denoised(step.level, i, x);
      x_[i] = particle::kernel_mean<V>(step, x, D);
    });
  }

  /// Logits of all components at x, without the potential and with it, for all workers to read.
  GMDIFF_PARTICLE void set_logits(const Step& step) {
    const LawTable<Real>& law = job_.tables.law;
    law_.all_logits(step.level, x_);
    for_each_own_component<typename Tile::Shape>(tile_.worker(), law.num_components, [&](Index k) {
      const V ell = law_.weights().ell()[k];
      tilted()[k] = particle::tilted_logit<V>(law, step.level.alpha, step.conditioned, job_.tables.num_observed, k, x_, ell);
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
    if (!writes_weight()) return;
    using D = particle::One<double>;
    const auto difference = [](V a, V b) { return D(static_cast<double>(a.v)) - D(static_cast<double>(b.v)); };
    const D increment = (difference(under.maximum, free.maximum) + difference(particle::log(under.total), particle::log(free.total))) +
                        D(static_cast<double>(divided.v));
    memory_.log_weights[n_] = (D(memory_.log_weights[n_]) + increment).v;
  }

  /// The exact transition under the potential (mathematics.md §7.5).
  GMDIFF_PARTICLE void transition(const Step& step, int number) {
    set_logits(step);
    Uniforms<V> choice(origin(Purpose::transition_component), slot_);
    const V u = choice(static_cast<std::uint64_t>(number)).real();
    const BitsOf<V> component = law_.weights().choose(job_.tables.law.num_components, u, tilted());
    if (step.conditioned.is_dense) return move_dense(step, number, static_cast<Index>(component));
    const LawTable<Real>& law = job_.tables.law;
    for_each_normal(number,
                    [&](Index i, V z) { x_[i] = particle::transitioned<V>(law, step.level.alpha, step.conditioned, component, i, x_, z); });
  }
  GMDIFF_PARTICLE void move_dense(const Step& step, int number, Index k) {
    const Real* means = job_.tables.law.means + k * dim();
    for_each_normal(number, [&](Index i, V z) {
      D_[i] = fma(V(-step.level.alpha), V(means[i]), x_[i]);
      noise_[i] = z;
    });
    tile_.sync();
    tile_.for_each_own(dim(), [&](Index i) { x_[i] = V(particle::transitioned_dense<Real>(dim(), step.conditioned, k, i, D_, noise_)); });
  }

  /// x = shift mu_k + U_k (deviation z), each particle with a matrix of its own.
  template <class Normal>
  GMDIFF_PARTICLE void draw_full(const particle::SmcStartTable<Real>& start, BitsOf<V> component, Normal z) {
    const auto k = static_cast<Index>(component);
    const Index d = dim();
    const Real* U = start.law.bases + k * d * d;
    tile_.for_each_own(d, [&](Index i) { D_[i] = fma(V(start.move.deviation(k, i)), z(i), V(Real(0))); });
    tile_.sync();
    tile_.for_each_own(d, [&](Index i) {
      V y = V(start.move.shift) * V(start.law.means[k * d + i]);
      for (Index j = 0; j < d; ++j) y = fma(V(U[j * d + i]), V(D_[j]), y);
      x_[i] = y;
    });
  }

  Tile tile_;
  const ChainsJob<Real>& job_;
  TileRoom room_;
  Vector x_, D_, noise_;
  Law law_;
  ChainMemory<Real> memory_{};
  std::int64_t n_ = 0;      // this thread's particle
  std::uint64_t slot_ = 0;  // its index
};

/// The chains of a block, or its parts of them.
template <class V, class Law, class Tile, class Block>
class ChainRun {
 public:
  using Real = RealOf<V>;

  GMDIFF_PARTICLE ChainRun(Block& block, const ChainsJob<Real>& job, const ChainGeometry& geometry)
      : block_(block),
        job_(job),
        geometry_(geometry),
        own_(shared_memory(block, job, geometry)),
        tile_(make_tile(block, job, geometry), job) {}

  GMDIFF_PARTICLE void run() {
    const std::int64_t first = block_.index() / geometry_.parts;
    for (std::int64_t chain = first; chain < job_.count; chain += geometry_.under_way) {
      begin(chain, first);
      const int last = job_.whole ? job_.tables.num_steps : job_.step;
      for (int step = job_.whole ? 0 : job_.step; step <= last; ++step) {
        for (int p = 0; p < num_phases; ++p) {
          const auto phase = static_cast<Phase>(p);
          if (!(job_.whole ? has_phase(kind(step), phase) : phase == job_.phase)) continue;
          block_.sync();  // the last phase is done with
          run_phase(phase, step);
        }
      }
    }
  }

 private:
  static constexpr int particles = Tile::Shape::particles;

  // --- memory -------------------------------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE static ChainMemory<Real> shared_memory(Block& block, const ChainsJob<Real>& job, const ChainGeometry& geometry) {
    ChainMemory<Real> memory{};
    const auto size = static_cast<std::size_t>(padded_particles(job.tables.particles));
    if (geometry.weights_in_shared) {
      memory.log_weights = block.template shared<double>(size);
      memory.sums = block.template shared<std::uint64_t>(size);
      if (job.scheme == Scheme::residual) memory.rests = block.template shared<std::uint64_t>(size);
      memory.ancestors = block.template shared<std::uint32_t>(size);
    }
    if (geometry.states_in_shared) memory.states = block.template shared<Real>(2 * static_cast<std::size_t>(job.tables.law.dim) * size);
    return memory;
  }
  GMDIFF_PARTICLE static Tile make_tile(Block& block, const ChainsJob<Real>& job, const ChainGeometry& geometry) {
    const Index numbers = tile_room(job).rows() * particles;
    Real* room = nullptr;
    if (geometry.tile_in_shared) {
      room = block.template shared<Real>(static_cast<std::size_t>(numbers));
    } else {
      room = job.tiles + block.index() * numbers;
    }
    return Tile(block, room);
  }

  /// @param place of the chain among those under way
  GMDIFF_PARTICLE void begin(std::int64_t chain, std::int64_t place) {
    const std::int64_t part = block_.index() % geometry_.parts;
    const std::int64_t end = (part + 1) * geometry_.part_size;
    range_ = {.chain = chain,
              .part = part,
              .parts = geometry_.parts,
              .begin = part * geometry_.part_size,
              .end = end < job_.tables.particles ? end : job_.tables.particles};
    const std::int64_t size = padded_particles(job_.tables.particles);
    memory_ = own_;
    if (!geometry_.weights_in_shared) {
      memory_.log_weights = job_.log_weights + place * size;
      memory_.sums = job_.sums + place * size;
      memory_.rests = job_.scheme == Scheme::residual ? job_.rests + place * size : nullptr;
      memory_.ancestors = job_.ancestors + place * size;
    }
    if (!geometry_.states_in_shared) memory_.states = job_.states + place * 2 * job_.tables.law.dim * size;
    memory_.parts = job_.parts + place * geometry_.parts;
    memory_.state = job_.chains + chain;
  }

  // --- phases -------------------------------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE StepKind kind(int step) const {
    const bool is_end = step == job_.tables.num_steps;
    return {.is_first = step == 0,
            .is_end = is_end,
            .weighs_before = job_.tables.weighs_before,
            .decides = !is_end && job_.weightings[step] >= 0,
            .is_residual = job_.scheme == Scheme::residual};
  }

  /// All threads of the block together. A chain that failed does nothing any more, but for `first_sums`, which says so.
  GMDIFF_PARTICLE void run_phase(Phase phase, int step) {
    ChainWeights<Real, Block> weights(block_, job_, memory_, range_);
    if (phase == Phase::start) return start();
    if (phase == Phase::first_sums) return weights.sum_first(step);
    if (memory_.state->failed_step >= 0) return;
    switch (phase) {
      case Phase::weigh:
        return weigh(step);
      case Phase::extremes:
        return weights.find_extremes();
      case Phase::weights:
        return weights.sum_weights();
      case Phase::decide:
        return weights.decide(step);
      case Phase::shares:
        return weights.share();
      case Phase::share_sums:
        return weights.sum_shares();
      case Phase::ancestors:
        return weights.find_ancestors(step);
      case Phase::move:
        return move(step);
      default:
        return output(weights);
    }
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_tile(Body body) {
    for (std::int64_t begin = range_.begin; begin < range_.end; begin += particles) {
      block_.sync();  // the last tile is done with
      tile_.set(memory_, range_.chain, begin);
      body();
    }
  }

  GMDIFF_PARTICLE void start() {
    if (range_.part == 0 && block_.thread_rank() == 0) {
      ChainState state{};
      state.failed_step = -1;
      *memory_.state = state;
    }
    for_each_tile([&] { tile_.start(); });
  }

  GMDIFF_PARTICLE void weigh(int step) {
    const particle::SmcStepTable<Real>& table = job_.tables.steps[step];
    if (table.is_transition && !table.is_weighted) return;
    for_each_tile([&] { tile_.weigh(step); });
  }

  GMDIFF_PARTICLE void move(int step) {
    const bool resampled = kind(step).decides && memory_.state->resampled;  // else it is of an earlier step
    for_each_tile([&] { tile_.move(step, resampled); });
  }

  GMDIFF_PARTICLE void output(const ChainWeights<Real, Block>& weights) const {
    const Index d = job_.tables.law.dim;
    const std::int64_t N = job_.tables.particles;
    const std::int64_t stride = padded_particles(N);
    const Real* states = memory_.states + (job_.tables.num_steps % 2) * d * stride;
    if (job_.draws) {
      if (range_.part != 0) return;
      const std::int64_t n = weights.final_choice();
      for (Index i = block_.thread_rank(); i < d; i += block_.size()) job_.out[range_.chain * d + i] = states[i * stride + n];
      return;
    }
    for (std::int64_t n = range_.begin + block_.thread_rank(); n < range_.end; n += block_.size()) {
      for (Index i = 0; i < d; ++i) job_.out[(range_.chain * N + n) * d + i] = states[i * stride + n];
    }
  }

  Block& block_;
  const ChainsJob<Real>& job_;
  const ChainGeometry& geometry_;
  ChainMemory<Real> own_;  // what lies in shared memory
  ChainTile<V, Tile, Law> tile_;
  ChainMemory<Real> memory_{};
  ChainRange range_{};
};

/// A kernel of chains, as those of kernels.cuh.
template <class Number, Family family, int particles>
struct ChainKernel {
  using Real = Number;
  using V = particle::One<Real>;
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const ChainsJob<Real>& job) {
    using Tile = kernels::Tile<V, particles, Block>;
    using Law = std::conditional_t<family == Family::full, FullTile<V, Tile>, WideTile<V, Tile, family>>;
    ChainRun<V, Law, Tile, Block>(block, job, job.geometry).run();
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const ChainsJob<Real>& job, Body body) {
  const auto of_family = [&]<Family family>() {
    if (job.geometry.tile_particles == 128) return body.template operator()<ChainKernel<Real, family, 128>>();
    body.template operator()<ChainKernel<Real, family, 32>>();
  };
  switch (job.tables.law.family) {
    case Family::spherical:
      return of_family.template operator()<Family::spherical>();
    case Family::diag:
      return of_family.template operator()<Family::diag>();
    default:
      return body.template operator()<ChainKernel<Real, Family::full, 32>>();
  }
}

}  // namespace gmdiff::kernels
