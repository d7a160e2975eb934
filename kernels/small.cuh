#pragma once

#include "device/particle/affine.hpp"
#include "device/particle/small.hpp"
#include "kernels/random.cuh"

// Laws of at most four coordinates: one thread carries the particles of a value of V, side by side, through all steps of a launch, their
// states in registers. The records of a level are brought to shared memory, a chunk of components at a time, and read by all threads at
// once. Global memory: the records once a block, the result once a particle.

namespace gmdiff::kernels {

template <class V, int D, bool full, class Block>
class SmallSteps {
 public:
  using Real = RealOf<V>;
  using Law = particle::SmallLaw<V, D, full>;
  static constexpr int lanes = Types<V>::lanes;

  /// Bytes of shared memory: the records of a chunk.
  static constexpr std::size_t shared_bytes() { return particle::chunk_size * Law::record.size() * sizeof(Real); }

  GMDIFF_PARTICLE SmallSteps(Block& block, const StepsJob<Real>& job)
      : block_(block),
        job_(job),
        streams_(job),
        chunk_(block.template shared<Real>(shared_bytes() / sizeof(Real))),
        begin_((block.index() * block.size() + block.thread_rank()) * lanes),
        first_(job.first + static_cast<std::uint64_t>(begin_)) {}

  GMDIFF_PARTICLE void run() {
    V x[D], before[D];
    for (int i = 0; i < D; ++i) before[i] = V(Real(0));
    if (job_.from_start) {
      start(x);
    } else {
      load(job_.states_in, x);
      if (job_.previous_in != nullptr) load(job_.previous_in, before);
    }
    int found = job_.from_start && non_finite(x) > 0 ? -1 : no_step;
    Normals<V> noise(streams_.step_noise(), first_);
    for (int s = 0; s < job_.num_steps; ++s) {
      const StepTable<Real>& step = job_.steps[s];
      const auto number = static_cast<std::uint64_t>(job_.first_step) + static_cast<std::uint64_t>(s);
      if (step.is_transition) {
        transition(step, number, noise, x);
      } else {
        affine(step, number * D, noise, x, before);
      }
      if (step.slot >= 0 && !job_.look_for_first) keep(x, step.slot);
      if (job_.look_for_first && found == no_step && non_finite(x) > 0) found = job_.first_step + s;
    }
    finish(x, before, found);
  }

 private:
  static constexpr int no_step = std::numeric_limits<int>::max();

  // --- steps --------------------------------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void affine(const StepTable<Real>& step, std::uint64_t m, Normals<V>& noise, V* x, V* before) {
    if (particle::has_churn(step)) {
      Normals<V> churn(streams_.churn_noise(), first_);
      for (int i = 0; i < D; ++i) {
        x[i] = V(step.c_x) * x[i];
        if (step.c_n != Real(0)) x[i] = fma(V(step.c_n), churn(m + i), x[i]);
      }
    }
    V D_of[D], at[D];
    for (int i = 0; i < D; ++i) at[i] = x[i];
    if (step.evaluations == 0) {
      for (int i = 0; i < D; ++i) x[i] = V(step.a) * x[i];
    }
    // The denoiser's code stands once, for both evaluations.
    for (int n = 0; n < step.evaluations; ++n) {
      denoiser(step.levels[n], at, D_of);
      for (int i = 0; i < D; ++i) {
        if (n == 0) {
          if (step.evaluations == 2) at[i] = particle::predicted(step, x[i], D_of[i]);
          x[i] = particle::after_first(step, x[i], D_of[i], before[i]);
          before[i] = D_of[i];
        } else {
          x[i] = particle::after_second(step, x[i], D_of[i]);
        }
      }
    }
    if (step.e != Real(0)) {
      for (int i = 0; i < D; ++i) x[i] = fma(V(step.e), noise(m + i), x[i]);
    }
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, const V* x, V* D_of) {
    if (level.at_data) {
      for (int i = 0; i < D; ++i) D_of[i] = x[i] / V(level.alpha);
    } else {
      Law::denoiser(
          job_.law, [&](Index first, Index n) { return stage(level, first, n); }, x, D_of);
    }
  }

  /// Exact reverse transition (mathematics.md §5.1). Weights are computed three times rather than kept, whatever the number of components.
  GMDIFF_PARTICLE void transition(const StepTable<Real>& step, std::uint64_t number, Normals<V>& noise, V* x) {
    V maximum(std::numeric_limits<Real>::lowest());
    for_each_logit(step.levels[0], x, [&](Index /*k*/, V ell) { maximum = particle::larger(maximum, ell); });
    V total(Real(0));
    for_each_logit(step.levels[0], x, [&](Index /*k*/, V ell) { total = total + particle::exp_nonpositive(ell - maximum); });
    Uniforms<V> choice(streams_.transition_component(), first_);
    particle::Choice<V> chosen(choice(number).real(), total);
    for_each_logit(step.levels[0], x, [&](Index k, V ell) { chosen.add(k, particle::exp_nonpositive(ell - maximum)); });
    V z[D];
    for (int i = 0; i < D; ++i) z[i] = noise(number * D + i);
    Law::template move<true>(job_.law, step.levels[0], step.move, chosen.component(), z, x);
  }

  /// body(k, logit of component k) in ascending order.
  template <class Body>
  GMDIFF_PARTICLE void for_each_logit(const LevelTable<Real>& level, const V* x, Body body) {
    for (Index first = 0; first < job_.law.num_components; first += particle::chunk_size) {
      const Index n = smaller_of(job_.law.num_components - first, particle::chunk_size);
      V ell[particle::chunk_size];
      Law::logits(stage(level, first, n), n, x, ell);
      particle::for_each_of_chunk(n, [&](Index k) { body(first + k, ell[k]); });
    }
  }

  /// Records of a chunk, brought to shared memory by all threads of the block.
  GMDIFF_PARTICLE const Real* stage(const LevelTable<Real>& level, Index first, Index n) {
    const Real* from = level.records + first * Law::record.size();
    const int numbers = static_cast<int>(n) * Law::record.size();
    block_.sync();  // nobody reads the last chunk any more
    for (int i = block_.thread_rank(); i < numbers; i += block_.size()) chunk_[i] = from[i];
    block_.sync();
    return chunk_;
  }

  // --- first and last -----------------------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void start(V* x) {
    if (job_.start_states != nullptr) {
      V given[D];
      for (int i = 0; i < D; ++i) {
        given[i] = gather_lanes([&](int lane) { return static_cast<Real>(job_.start_states[(begin_ + lane) * D + i]); });
      }
      rotate(given, x, /*to_basis=*/true);
    } else {
      Normals<V> noise(streams_.start_noise(), first_);
      V z[D];
      for (int i = 0; i < D; ++i) z[i] = noise(static_cast<std::uint64_t>(i));
      if (job_.start.gaussian) {
        for (int i = 0; i < D; ++i) x[i] = V(job_.start.sigma) * z[i];
      } else {
        Uniforms<V> choice(streams_.start_component(), first_);
        const auto component = choice(0).component(job_.law.thresholds, static_cast<int>(job_.law.last_component));
        Law::template move<false>(job_.law, {}, job_.start.move, component, z, x);
      }
    }
    if (job_.start_slot >= 0 && !job_.look_for_first) keep(x, job_.start_slot);
  }

  GMDIFF_PARTICLE void finish(const V* x, const V* before, int found) {
    if (job_.states_out != nullptr) save(x, job_.states_out);
    if (job_.previous_out != nullptr) save(before, job_.previous_out);
    if (job_.look_for_first) {
      if (found != no_step) block_.atomic_min(&job_.report->first_step, found);
    } else if (const int bad = non_finite(x); bad > 0) {
      block_.atomic_add(&job_.report->non_finite, static_cast<std::uint64_t>(bad));
    }
  }

  /// Particles of this thread with a coordinate that is not finite: times 0 it is NaN.
  GMDIFF_PARTICLE int non_finite(const V* x) const {
    V zero = V(Real(0)) * x[0];
    for (int i = 1; i < D; ++i) zero = fma(V(Real(0)), x[i], zero);
    Real values[lanes];
    zero.store(values);
    int count = 0;
    for (int lane = 0; lane < lanes; ++lane) count += begin_ + lane < job_.count && values[lane] != Real(0) ? 1 : 0;
    return count;
  }

  // --- memory -------------------------------------------------------------------------------------------------------------------

  /// One number a lane; those beyond the last particle stay 0.
  template <class Number>
  GMDIFF_PARTICLE V gather_lanes(Number number) const {
    Real values[lanes];
    for (int lane = 0; lane < lanes; ++lane) values[lane] = begin_ + lane < job_.count ? number(lane) : Real(0);
    return V::load(values);
  }
  GMDIFF_PARTICLE void load(const Real* from, V* x) const {
    for (int i = 0; i < D; ++i) x[i] = gather_lanes([&](int lane) { return from[i * job_.count + begin_ + lane]; });
  }
  template <class Place>
  GMDIFF_PARTICLE void scatter_lanes(V value, Place place) const {
    Real values[lanes];
    value.store(values);
    for (int lane = 0; lane < lanes; ++lane) {
      if (begin_ + lane < job_.count) *place(lane) = values[lane];
    }
  }
  GMDIFF_PARTICLE void save(const V* x, Real* to) const {
    for (int i = 0; i < D; ++i) scatter_lanes(x[i], [&](int lane) { return to + i * job_.count + begin_ + lane; });
  }

  /// y = U^T x or U x where the law has a common basis, else x.
  GMDIFF_PARTICLE void rotate(const V* x, V* y, bool to_basis) const {
    if (!job_.law.has_common_basis()) {
      for (int i = 0; i < D; ++i) y[i] = x[i];
      return;
    }
    const int row = to_basis ? D : 1;
    const int column = to_basis ? 1 : D;
    for (int r = 0; r < D; ++r) {
      y[r] = V(Real(0));
      for (int j = 0; j < D; ++j) y[r] = fma(V(job_.law.bases[r * row + j * column]), x[j], y[r]);
    }
  }

  GMDIFF_PARTICLE void keep(const V* x, int slot) const {
    V given[D];
    rotate(x, given, /*to_basis=*/false);
    for (int i = 0; i < D; ++i) {
      scatter_lanes(given[i], [&](int lane) { return job_.out + ((begin_ + lane) * job_.slots + slot) * D + i; });
    }
  }

  GMDIFF_PARTICLE static Index smaller_of(Index a, Index b) { return b < a ? b : a; }

  Block& block_;
  const StepsJob<Real>& job_;
  Streams<Real> streams_;
  Real* chunk_;
  std::int64_t begin_;   // number of lane 0 in the job
  std::uint64_t first_;  // its index
};

}  // namespace gmdiff::kernels
