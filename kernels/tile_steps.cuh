#pragma once

#include "kernels/tile_rows.cuh"
#include "kernels/tile_start.cuh"
#include "particle/affine.hpp"

// Steps of laws that are too large for single threads: a thread block takes a tile of particles through all
// steps of a launch, then the next tile. From global memory, each tile reads the tables once (through the
// cache); each particle's result is written once.

namespace gmdiff::kernels {

template <class V, class Tile, class Law>
class TileSteps {
 public:
  using Real = RealOf<V>;
  using Vector = typename Tile::Vector;
  static constexpr int lanes = Types<V>::lanes;

  /// @param begin index of the tile's first particle in the job
  GMDIFF_PARTICLE TileSteps(Tile tile, const StepsJob<Real>& job, const TileRoom& room, std::int64_t begin)
      : tile_(tile),
        job_(job),
        streams_(job),
        begin_(begin + tile.particle()),
        first_(job.first + static_cast<std::uint64_t>(begin_)),
        x_(tile_.take(room.coordinates)),
        D_(tile_.take(room.coordinates)),
        u_(job.has_two_evaluations ? tile_.take(room.coordinates) : x_),
        law_(tile_, job_.law, room, D_),
        rows_(tile_, job_.law, begin_, job.count) {}

  template <class Block>
  GMDIFF_PARTICLE void run(Block& block) {
    if (job_.from_start) {
      start();
    } else {
      tile_.for_each_own(dim(), [&](Index i) {
        x_[i] = rows_.lanes_of([&](int lane) { return job_.states_in[place(lane, i)]; });
      });
    }
    if (job_.look_for_first && job_.from_start) look(block, -1);
    Normals<V> noise(streams_.step_noise(), first_);
    for (int s = 0; s < job_.num_steps; ++s) {
      const StepTable<Real>& step = job_.steps[s];
      const auto number = static_cast<std::uint64_t>(job_.first_step) + static_cast<std::uint64_t>(s);
      const std::uint64_t m = number * static_cast<std::uint64_t>(dim());
      if (step.is_transition) {
        transition(step, number, m, noise);
      } else {
        affine(step, m, noise, /*is_first=*/s == 0);
      }
      if (job_.look_for_first) {
        look(block, job_.first_step + s);
      } else if (step.slot >= 0) {
        keep(step.slot);
      }
    }
    finish(block);
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return job_.law.dim; }

  // --- steps -----------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void affine(const StepTable<Real>& step, std::uint64_t m, Normals<V>& noise,
                              bool is_first) {
    if (particle::has_churn(step)) {
      Normals<V> churn(streams_.churn_noise(), first_);
      tile_.for_each_own(dim(), [&](Index i) {
        V x = V(step.c_x) * x_[i];
        if (step.c_n != Real(0)) x = fma(V(step.c_n), churn(m + static_cast<std::uint64_t>(i)), x);
        x_[i] = x;
      });
    }
    if (step.evaluations == 0) {
      tile_.for_each_own(dim(), [&](Index i) { x_[i] = V(step.a) * x_[i]; });
    }
    if (step.evaluations >= 1) {
      first_evaluation(step, is_first);
    }
    if (step.evaluations == 2) {
      denoiser(step.levels[1], u_);
      tile_.for_each_own(dim(), [&](Index i) {
        x_[i] = particle::after_second<V>(step, x_[i], denoised(step.levels[1], i, u_[i]));
      });
    }
    if (step.e != Real(0)) {
      tile_.for_each_own(dim(), [&](Index i) {
        x_[i] = fma(V(step.e), noise(m + static_cast<std::uint64_t>(i)), V(x_[i]));
      });
    }
  }

  GMDIFF_PARTICLE void first_evaluation(const StepTable<Real>& step, bool is_first) {
    denoiser(step.levels[0], x_);
    // Only the owner of a row reads and writes its D1 of the step before, in global memory.
    const Real* before_from = is_first ? job_.previous_in : job_.previous_out;
    tile_.for_each_own(dim(), [&](Index i) {
      const V x = x_[i];
      const V D = denoised(step.levels[0], i, x);
      V before(Real(0));
      if (step.b_p != Real(0) && before_from != nullptr) {
        before = rows_.lanes_of([&](int lane) { return before_from[place(lane, i)]; });
      }
      if (step.evaluations == 2) u_[i] = particle::predicted(step, x, D);
      x_[i] = particle::after_first(step, x, D, before);
      if (job_.previous_out != nullptr) {
        rows_.store_lanes(D, [&](int lane) { return job_.previous_out + place(lane, i); });
      }
    });
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, Vector point) {
    if (level.at_data) return;
    tile_.sync();
    law_.denoiser(level, point);
  }
  GMDIFF_PARTICLE V denoised(const LevelTable<Real>& level, Index i, V point) const {
    if (level.at_data) return point / V(level.alpha);
    return law_.denoised(level, i, point);
  }

  /// Exact reverse transition (mathematics.md §5.1).
  GMDIFF_PARTICLE void transition(const StepTable<Real>& step, std::uint64_t number, std::uint64_t m,
                                  Normals<V>& noise) {
    tile_.sync();
    law_.all_logits(step.levels[0], x_);
    Uniforms<V> choice(streams_.transition_component(), first_);
    const auto component = law_.weights().choose(job_.law.num_components, choice(number).real());
    law_.template move<true>(
        step.levels[0].alpha, step.move, component,
        [&](Index i) { return noise(m + static_cast<std::uint64_t>(i)); }, x_);
  }

  // --- first and last --------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void start() {
    start_tile<V>(tile_, job_, rows_, law_, first_, x_, D_);
    if (job_.start_slot >= 0 && !job_.look_for_first) keep(job_.start_slot);
  }

  template <class Block>
  GMDIFF_PARTICLE void finish(Block& block) {
    if (job_.states_out != nullptr) {
      tile_.for_each_own(dim(), [&](Index i) {
        rows_.store_lanes(x_[i], [&](int lane) { return job_.states_out + place(lane, i); });
      });
    }
    if (job_.look_for_first) return;
    const std::uint64_t bad = block.reduce_sum(static_cast<std::uint64_t>(non_finite()));
    if (block.thread_rank() == 0 && bad > 0) block.atomic_add(&job_.report->non_finite, bad);
  }

  /// Reports the step if a particle is not finite after it.
  template <class Block>
  GMDIFF_PARTICLE void look(Block& block, int step) {
    const std::uint64_t bad = block.reduce_sum(static_cast<std::uint64_t>(non_finite()));
    if (block.thread_rank() == 0 && bad > 0) block.atomic_min(&job_.report->first_step, step);
  }

  /// Number of this thread's particles that are not finite; the first of their workers counts them.
  GMDIFF_PARTICLE int non_finite() {
    tile_.sync();
    if (tile_.worker() != 0) return 0;
    return rows_.count_non_finite(x_);
  }

  // --- memory ----------------------------------------------------------------------------------------------

  /// Index of a lane's coordinate in the job's (d, count) arrays.
  GMDIFF_PARTICLE std::int64_t place(int lane, Index i) const { return i * job_.count + begin_ + lane; }

  GMDIFF_PARTICLE void keep(int slot) {
    tile_.sync();
    rows_.store(
        x_, [&](int lane, Index i) { return job_.out + ((begin_ + lane) * job_.slots + slot) * dim() + i; });
    if (job_.law.has_common_basis()) tile_.sync();  // other workers read x_
  }

  Tile tile_;
  const StepsJob<Real>& job_;
  Streams<Real> streams_;
  std::int64_t begin_;   // index of lane 0 in the job
  std::uint64_t first_;  // index of lane 0 in the run
  Vector x_, D_, u_;
  Law law_;
  TileRows<V, Tile> rows_;
};

}  // namespace gmdiff::kernels
