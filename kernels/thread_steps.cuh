#pragma once

#include "kernels/particle.cuh"
#include "particle/affine.hpp"
#include "particle/softmax.hpp"

// A thread takes the particles of one value of V through all steps of a launch, with their states in
// registers. From global memory, each thread block reads the tables once (through the cache); each particle's
// result is written once.
//
// `Law` is the mixture for such a thread:
//   most                                    room of arrays; beyond the law's coordinates they stay +0
//   Law(block, table)
//   dim()
//   for_each_coordinate(body)               body(i) for the law's coordinates, unrolled
//   for_each_normal(normal, body)           body(i, normal(i)) alike, `normal` called in ascending order
//   rotate(x, y, to_basis)                  y = U^T x or U x where there is a common basis, else x
//   previous()                              an array for the denoiser of the step before
//   denoiser(level, x, D)                   all threads of the block together, as the next two
//   for_each_logit(level, x, again, body)   body(k, logit) in ascending order; `again`: same x, level as before
//   move<has_gain>(level, table, component, normal, x)

namespace gmdiff::kernels {

using particle::Family;
using particle::LawTable;
using particle::MoveTable;

/// Calls body(i) for i = 0 ... d - 1, least <= d <= most. On a GPU the loop is unrolled, so that an array
/// indexed by i stays in registers.
template <int least, int most, class Body>
GMDIFF_PARTICLE void for_each_of(int d, Body body) {
#ifdef __CUDA_ARCH__
#pragma unroll
#endif
  for (int i = 0; i < most; ++i) {
    if (i >= least && i >= d) break;
    body(i);
  }
}

template <class V, class Law, class Block>
class ThreadSteps {
 public:
  using Real = RealOf<V>;
  static constexpr int lanes = Types<V>::lanes;
  static constexpr int most = Law::most;

  GMDIFF_PARTICLE ThreadSteps(Block& block, const StepsJob<Real>& job)
      : block_(block),
        job_(job),
        law_(block, job.law),
        streams_(job),
        begin_((block.index() * block.size() + block.thread_rank()) * lanes),
        first_(job.first + static_cast<std::uint64_t>(begin_)) {}

  GMDIFF_PARTICLE void run() {
    V x[most];
    for (V& x_i : x) x_i = V(Real(0));
    const auto before = law_.previous();
    law_.for_each_coordinate([&](int i) { before[i] = V(Real(0)); });
    if (job_.from_start) {
      start(x);
    } else {
      load(job_.states_in, x);
      if (job_.previous_in != nullptr) load(job_.previous_in, before);
    }
    if (job_.from_start) look(x, -1);
    Normals<V> noise(streams_.step_noise(), first_);
    for (int s = 0; s < job_.num_steps; ++s) {
      const StepTable<Real>& step = job_.steps[s];
      const auto number = static_cast<std::uint64_t>(job_.first_step) + static_cast<std::uint64_t>(s);
      const std::uint64_t m = number * static_cast<std::uint64_t>(law_.dim());
      if (step.is_transition) {
        transition(step, number, from(noise, m), x);
      } else {
        affine(step, m, noise, x);
      }
      if (step.slot >= 0 && !job_.look_for_first) keep(x, step.slot);
      look(x, job_.first_step + s);
    }
    finish(x);
  }

 private:
  /// The normals of a stream from number m on.
  GMDIFF_PARTICLE static auto from(Normals<V>& stream, std::uint64_t m) {
    return [&stream, m](Index i) { return stream(m + static_cast<std::uint64_t>(i)); };
  }

  // --- steps -----------------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void affine(const StepTable<Real>& step, std::uint64_t m, Normals<V>& noise, V* x) {
    if (particle::has_churn(step)) {
      law_.for_each_coordinate([&](int i) { x[i] = V(step.c_x) * x[i]; });
      if (step.c_n != Real(0)) {
        Normals<V> churn(streams_.churn_noise(), first_);
        law_.for_each_normal(from(churn, m), [&](int i, V z) { x[i] = fma(V(step.c_n), z, x[i]); });
      }
    }
    if (step.evaluations == 0) law_.for_each_coordinate([&](int i) { x[i] = V(step.a) * x[i]; });
    evaluations(step, x);
    if (step.e != Real(0))
      law_.for_each_normal(from(noise, m), [&](int i, V z) { x[i] = fma(V(step.e), z, x[i]); });
  }

  GMDIFF_PARTICLE void evaluations(const StepTable<Real>& step, V* x) {
    const auto before = law_.previous();
    V D[most], at[most];
    for (int i = 0; i < most; ++i) at[i] = x[i];
    // One loop for both evaluations, so that the denoiser's code is instantiated once.
    for (int n = 0; n < step.evaluations; ++n) {
      denoiser(step.levels[n], at, D);
      law_.for_each_coordinate([&](int i) {
        if (n == 0) {
          if (step.evaluations == 2) at[i] = particle::predicted(step, x[i], D[i]);
          x[i] = particle::after_first<V>(step, x[i], D[i], before[i]);
          before[i] = D[i];
        } else {
          x[i] = particle::after_second(step, x[i], D[i]);
        }
      });
    }
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, const V* x, V* D) {
    if (level.at_data) {
      law_.for_each_coordinate([&](int i) { D[i] = x[i] / V(level.alpha); });
    } else {
      law_.denoiser(level, x, D);
    }
  }

  /// Exact reverse transition (mathematics.md §5.1). The weights are computed again instead of kept, for any
  /// number of components.
  template <class Normal>
  GMDIFF_PARTICLE void transition(const StepTable<Real>& step, std::uint64_t number, Normal normal, V* x) {
    const LevelTable<Real>& level = step.levels[0];
    V maximum(std::numeric_limits<Real>::lowest());
    law_.for_each_logit(level, x, /*again=*/false,
                        [&](Index /*k*/, V ell) { maximum = particle::larger(maximum, ell); });
    V total(Real(0));
    law_.for_each_logit(level, x, /*again=*/true, [&](Index /*k*/, V ell) {
      total = total + particle::exp_nonpositive(ell - maximum);
    });
    Uniforms<V> choice(streams_.transition_component(), first_);
    particle::Choice<V> chosen(choice(number).real(), total);
    law_.for_each_logit(level, x, /*again=*/true,
                        [&](Index k, V ell) { chosen.add(k, particle::exp_nonpositive(ell - maximum)); });
    law_.template move<true>(level, step.move, chosen.component(), normal, x);
  }

  // --- first and last --------------------------------------------------------------------------------------

  GMDIFF_PARTICLE void start(V* x) {
    if (job_.start_states != nullptr) {
      V given[most];
      law_.for_each_coordinate([&](int i) {
        given[i] = gather_lanes(
            [&](int lane) { return static_cast<Real>(job_.start_states[(begin_ + lane) * law_.dim() + i]); });
      });
      law_.rotate(given, x, /*to_basis=*/true);
    } else {
      Normals<V> noise(streams_.start_noise(), first_);
      if (job_.start.gaussian) {
        law_.for_each_normal(from(noise, 0), [&](int i, V z) { x[i] = V(job_.start.sigma) * z; });
      } else {
        Uniforms<V> choice(streams_.start_component(), first_);
        const auto component =
            choice(0).component(job_.law.thresholds, static_cast<int>(job_.law.last_component));
        law_.template move<false>({}, job_.start.move, component, from(noise, 0), x);
      }
    }
    if (job_.start_slot >= 0 && !job_.look_for_first) keep(x, job_.start_slot);
  }

  GMDIFF_PARTICLE void finish(const V* x) {
    if (job_.states_out != nullptr) save(x, job_.states_out);
    if (job_.previous_out != nullptr) save(law_.previous(), job_.previous_out);
    if (job_.look_for_first) return;
    if (const int bad = non_finite(x); bad > 0)
      block_.atomic_add(&job_.report->non_finite, static_cast<std::uint64_t>(bad));
  }

  /// If `look_for_first` is set, reports the step when a particle is not finite after it.
  GMDIFF_PARTICLE void look(const V* x, int step) const {
    if (job_.look_for_first && non_finite(x) > 0) block_.atomic_min(&job_.report->first_step, step);
  }

  /// Number of this thread's particles that have a coordinate that is not finite; 0 times such a coordinate
  /// is NaN.
  GMDIFF_PARTICLE int non_finite(const V* x) const {
    V zero(Real(0));
    law_.for_each_coordinate([&](int i) { zero = fma(V(Real(0)), x[i], zero); });
    Real values[lanes];
    zero.store(values);
    int count = 0;
    for (int lane = 0; lane < lanes; ++lane)
      count += begin_ + lane < job_.count && values[lane] != Real(0) ? 1 : 0;
    return count;
  }

  // --- memory ----------------------------------------------------------------------------------------------

  /// Loads one number per lane; lanes beyond the last particle get 0.
  template <class Number>
  GMDIFF_PARTICLE V gather_lanes(Number number) const {
    Real values[lanes];
    for (int lane = 0; lane < lanes; ++lane)
      values[lane] = begin_ + lane < job_.count ? number(lane) : Real(0);
    return V::load(values);
  }
  template <class Vector>
  GMDIFF_PARTICLE void load(const Real* numbers, Vector x) const {
    law_.for_each_coordinate([&](int i) {
      x[i] = gather_lanes([&](int lane) { return numbers[i * job_.count + begin_ + lane]; });
    });
  }
  template <class Place>
  GMDIFF_PARTICLE void scatter_lanes(V value, Place place) const {
    Real values[lanes];
    value.store(values);
    for (int lane = 0; lane < lanes; ++lane) {
      if (begin_ + lane < job_.count) *place(lane) = values[lane];
    }
  }
  template <class Vector>
  GMDIFF_PARTICLE void save(Vector x, Real* to) const {
    law_.for_each_coordinate(
        [&](int i) { scatter_lanes(x[i], [&](int lane) { return to + i * job_.count + begin_ + lane; }); });
  }

  GMDIFF_PARTICLE void keep(const V* x, int slot) {
    V given[most];
    law_.rotate(x, given, /*to_basis=*/false);
    law_.for_each_coordinate([&](int i) {
      scatter_lanes(given[i], [&](int lane) {
        return job_.out + ((begin_ + lane) * job_.slots + slot) * law_.dim() + i;
      });
    });
  }

  Block& block_;
  const StepsJob<Real>& job_;
  Law law_;
  Streams<Real> streams_;
  std::int64_t begin_;   // index of lane 0 in the job
  std::uint64_t first_;  // index of lane 0 in the run
};

}  // namespace gmdiff::kernels
