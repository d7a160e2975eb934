#pragma once

#include "base/check.hpp"
#include "kernels/chain_thread.cuh"
#include "kernels/chain_tile.cuh"

// Chains of sequential Monte Carlo (mathematics.md §7.3). A thread block takes a tile of a chain's particles
// at a time through a phase.

namespace gmdiff::kernels {

/// The chains of a thread block, or its parts of them.
template <class Particles, class Block>
class ChainRun {
 public:
  using Real = typename Particles::Real;

  GMDIFF_PARTICLE ChainRun(Block& block, const ChainsJob<Real>& job)
      : block_(block),
        job_(job),
        geometry_(job.geometry),
        own_(shared_memory(block, job)),
        particles_(block, job) {}

  GMDIFF_PARTICLE void run() {
    const std::int64_t first = block_.index() / geometry_.parts;
    for (std::int64_t chain = first; chain < job_.count; chain += geometry_.under_way) {
      begin(chain, first);
      const int last = job_.whole ? job_.tables.num_steps : job_.step;
      for (int step = job_.whole ? 0 : job_.step; step <= last; ++step) {
        for (int p = 0; p < num_phases; ++p) {
          const auto phase = static_cast<Phase>(p);
          if (!(job_.whole ? has_phase(kind(step), phase) : phase == job_.phase)) continue;
          block_.sync();  // the previous phase is complete
          run_phase(phase, step);
        }
      }
    }
  }

 private:
  // --- memory ----------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE static ChainMemory<Real> shared_memory(Block& block, const ChainsJob<Real>& job) {
    const ChainGeometry& geometry = job.geometry;
    ChainMemory<Real> memory{};
    const auto size = static_cast<std::size_t>(padded_particles(job.tables.particles));
    if (geometry.weights_in_shared) {
      memory.log_weights = block.template shared<double>(size);
      memory.sums = block.template shared<std::uint64_t>(size);
      if (job.scheme == Scheme::residual) memory.rests = block.template shared<std::uint64_t>(size);
      memory.ancestors = block.template shared<std::uint32_t>(size);
    }
    if (geometry.states_in_shared)
      memory.states = block.template shared<Real>(2 * static_cast<std::size_t>(job.tables.law.dim) * size);
    return memory;
  }

  /// @param place of the chain among the active ones
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
    if (job_.has_map) memory_.potentials = job_.potentials + place * 2 * size;
    if (job_.has_denoiser) memory_.denoised = job_.denoised + place * job_.tables.law.dim * size;
    memory_.parts = job_.parts + place * geometry_.parts;
    memory_.state = job_.chains + chain;
  }

  // --- phases ----------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE StepKind kind(int step) const {
    const bool is_end = step == job_.tables.num_steps;
    return {.is_first = step == 0,
            .is_end = is_end,
            .keeps = job_.slots[step] >= 0,
            .draws = job_.draws,
            .weighs_before = job_.tables.weighs_before,
            .weighs_states = job_.weighs_states(),
            .decides = !is_end && job_.weightings[step] >= 0,
            .is_residual = job_.scheme == Scheme::residual};
  }

  /// All threads of the thread block call it together. A failed chain does no more work, except that
  /// `first_sums` reports the failure.
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
      case Phase::keep:
        return keep(step);
      case Phase::output:
        return output(weights);
      case Phase::start:
      case Phase::first_sums:
        return;  // handled above
    }
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_tile(Body body) {
    for (std::int64_t begin = range_.begin; begin < range_.end; begin += Particles::particles) {
      block_.sync();  // the previous tile is complete
      particles_.set(memory_, range_.chain, begin);
      body();
    }
  }

  GMDIFF_PARTICLE void start() {
    if (range_.part == 0 && block_.thread_rank() == 0) {
      ChainState state{};
      state.failed_step = -1;
      state.smallest_ess = static_cast<double>(job_.tables.particles);
      *memory_.state = state;
    }
    for_each_tile([&] { particles_.start(); });
  }

  GMDIFF_PARTICLE void weigh(int step) {
    if (job_.weighs_states()) return for_each_tile([&] { particles_.weigh_states(step); });
    const particle::SmcStepTable<Real>& table = job_.tables.steps[step];
    if (table.is_transition && !table.is_weighted) return;
    for_each_tile([&] { particles_.weigh(step); });
  }

  GMDIFF_PARTICLE void move(int step) {
    // otherwise `resampled` belongs to an earlier step
    const bool resampled = kind(step).decides && memory_.state->resampled;
    for_each_tile([&] { particles_.move(step, resampled); });
  }

  /// Writes the states that a step begins with.
  GMDIFF_PARTICLE void keep(int step) const {
    const Index d = job_.tables.law.dim;
    const std::int64_t N = job_.tables.particles;
    const std::int64_t first = (range_.chain * job_.num_kept + job_.slots[step]) * N;
    for (std::int64_t n = range_.begin + block_.thread_rank(); n < range_.end; n += block_.size()) {
      for (Index i = 0; i < d; ++i) job_.out[(first + n) * d + i] = state(step, n, i);
    }
  }

  GMDIFF_PARTICLE void output(const ChainWeights<Real, Block>& weights) const {
    if (range_.part != 0) return;
    const Index d = job_.tables.law.dim;
    const std::int64_t n = weights.final_choice();
    for (Index i = block_.thread_rank(); i < d; i += block_.size())
      job_.out[range_.chain * d + i] = state(job_.tables.num_steps, n, i);
  }

  /// Coordinate i of particle n after the given number of steps.
  GMDIFF_PARTICLE Real state(int steps, std::int64_t n, Index i) const {
    const std::int64_t stride = padded_particles(job_.tables.particles);
    return memory_.states[(steps % 2 * job_.tables.law.dim + i) * stride + n];
  }

  Block& block_;
  const ChainsJob<Real>& job_;
  const ChainGeometry& geometry_;
  ChainMemory<Real> own_;  // the arrays in shared memory
  Particles particles_;
  ChainMemory<Real> memory_{};
  ChainRange range_{};
};

/// Kernels of chains, in the form of kernels.cuh: on tiles of 32 particles, with and without the potentials
/// of a map, and on threads whose arrays have room for `most_dim` coordinates.
template <class Number, Family family, bool has_map>
struct ChainTileKernel {
  using Real = Number;
  using V = particle::One<Real>;
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const ChainsJob<Real>& job) {
    using Tile = kernels::Tile<V, tile_particles(Layout::narrow_tile), Block>;
    using Law = std::conditional_t<family == Family::full, FullTile<V, Tile>, WideTile<V, Tile, family>>;
    ChainRun<ChainTile<V, Tile, Law, has_map>, Block>(block, job).run();
  }
};
template <class Number, Family family, int most_dim>
struct ChainThreadKernel {
  using Real = Number;
  using V = particle::One<Real>;
  struct Shape {
    static constexpr int least = thread_room<Real>(8) < most_dim ? 9 : 1;
    static constexpr int most = most_dim;
  };
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const ChainsJob<Real>& job) {
    ChainRun<ChainThread<V, WideThread<V, family, Shape, Block>>, Block>(block, job).run();
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Real, class Body>
void with_kernel(const ChainsJob<Real>& job, Body body) {
  const auto on_tiles = [&]<Family family>() {
    if (job.has_map) return body.template operator()<ChainTileKernel<Real, family, true>>();
    body.template operator()<ChainTileKernel<Real, family, false>>();
  };
  const auto of_family = [&]<Family family>() {
    if (job.geometry.layout != Layout::thread) return on_tiles.template operator()<family>();
    constexpr int less = thread_room<Real>(1);
    if (thread_room<Real>(job.tables.law.dim) == less)
      return body.template operator()<ChainThreadKernel<Real, family, less>>();
    body.template operator()<ChainThreadKernel<Real, family, largest_thread_dim>>();
  };
  switch (job.tables.law.family) {
    case Family::spherical:
      return of_family.template operator()<Family::spherical>();
    case Family::diag:
      return of_family.template operator()<Family::diag>();
    case Family::full:
      return on_tiles.template operator()<Family::full>();
    case Family::tied:
    case Family::small_diag:
    case Family::small_full:
      break;
  }
  fail("kernels: SMC runs on spherical, diag and full laws");
}

}  // namespace gmdiff::kernels
