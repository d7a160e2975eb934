#pragma once

#include "kernels/chain_phases.cuh"
#include "kernels/thread_wide.cuh"

namespace gmdiff::kernels {

/// Particles of a chain in a phase, one per thread, for laws of at most 16 coordinates whose covariances are
/// diagonal in the working coordinates. Arrays that are indexed at run time are in a column of shared memory,
/// the sums of the law in registers.
template <class V, class Law>
class ChainThread : public ChainPhases<ChainThread<V, Law>, V> {
  using Phases = ChainPhases<ChainThread<V, Law>, V>;
  using Phases::dim;
  using Phases::job_;
  using Phases::particle_;

 public:
  using Real = RealOf<V>;
  using Step = typename Phases::Step;
  static constexpr int particles = block_threads;

  template <class Block>
  GMDIFF_PARTICLE ChainThread(Block& block, const ChainsJob<Real>& job)
      : Phases(job),
        place_(block.thread_rank()),
        law_(block, job.tables.law),
        x_(law_.previous()),
        D_(law_.scratch()) {}

  /// Like ChainTile::set.
  GMDIFF_PARTICLE void set(const ChainMemory<Real>& memory, std::int64_t chain, std::int64_t begin) {
    particle_.set(memory, chain, begin + place_);
  }

  GMDIFF_PARTICLE void start() {
    if (job_.start_states != nullptr) {
      for (Index i = 0; i < dim(); ++i) x_[i] = particle_.given(i);
    } else {
      draw();
    }
    save(0);
    const V potential = job_.tables.weighs_before ? V(Real(0)) : quadratic(job_.tables.start.factors);
    if (particle_.has()) particle_.set_weight(potential);
  }

 private:
  friend Phases;

  GMDIFF_PARTICLE void draw() {
    const particle::SmcStartTable<Real>& start = job_.tables.start;
    Normals<V> stream = particle_.normals(Purpose::start_noise);
    const auto z = [&](Index i) { return stream(static_cast<std::uint64_t>(i)); };
    if (start.mean != nullptr) {
      for (Index i = 0; i < dim(); ++i) x_[i] = fma(V(start.deviation[i]), z(i), V(start.mean[i]));
    } else {
      const auto component = start_component(particle_, start);
      if (start.law.family == Family::full) {
        for (Index i = 0; i < dim(); ++i) D_[i] = scaled<V>(start, component, i, z(i));
        for (Index i = 0; i < dim(); ++i) x_[i] = drawn_full<V>(start, component, i, D_);
      } else {
        for (Index i = 0; i < dim(); ++i) x_[i] = drawn<V>(start, component, i, z(i));
      }
    }
  }

  GMDIFF_PARTICLE void load(int number, bool resampled) {
    const std::int64_t n = particle_.origin(resampled);
    for (Index i = 0; i < dim(); ++i) x_[i] = particle_.state(number, n, i);
  }
  GMDIFF_PARTICLE void save(int number) const {
    for (Index i = 0; i < dim(); ++i) particle_.save(number, i, x_[i]);
  }
  /// No other thread shares the particle.
  GMDIFF_PARTICLE void sync() const {}
  GMDIFF_PARTICLE void add_weight(V divided, V factors) const {
    if (particle_.has()) particle_.add_weight(divided, factors);
  }
  /// Threads have no potentials of a map.
  GMDIFF_PARTICLE V potential_before(int number, bool /*resampled*/) const {
    return quadratic(job_.tables.steps[number].divided);
  }
  GMDIFF_PARTICLE V potential_after(int number) const { return quadratic(job_.tables.steps[number].factors); }
  GMDIFF_PARTICLE V potential_of(int /*number*/) const { return V(Real(0)); }
  GMDIFF_PARTICLE V quadratic(const particle::FactorTable<Real>& factors) const {
    return particle::factor_quadratic<V>(factors, job_.tables.num_observed, x_);
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_normal(int number, Body body) const {
    Normals<V> stream = particle_.normals(Purpose::step_noise);
    const std::uint64_t m = static_cast<std::uint64_t>(number) * static_cast<std::uint64_t>(dim());
    for (Index i = 0; i < dim(); ++i) body(i, stream(m + static_cast<std::uint64_t>(i)));
  }

  /// The state in registers; entries beyond the law's coordinates are 0.
  struct State {
    V x[Law::most];
    GMDIFF_PARTICLE explicit State(const ChainThread& from) {
      for (V& x_i : x) x_i = V(Real(0));
      from.law_.for_each_coordinate([&](int i) { x[i] = from.x_[i]; });
    }
  };

  /// x <- m = a x + b D. All threads of the thread block call this and the functions below together.
  GMDIFF_PARTICLE void set_mean(const Step& step, bool resampled) {
    if (job_.has_denoiser) {
      const std::int64_t n = particle_.origin(resampled);
      for (Index i = 0; i < dim(); ++i)
        x_[i] = particle::kernel_mean<V>(step, x_[i], particle_.denoised(n, i));
      return;
    }
    const State at(*this);
    V D[Law::most];
    if (step.level.at_data) {
      law_.for_each_coordinate([&](int i) { D[i] = at.x[i] / V(step.level.alpha); });
    } else {
      law_.denoiser(step.level, at.x, D);
    }
    law_.for_each_coordinate([&](int i) { x_[i] = particle::kernel_mean<V>(step, at.x[i], D[i]); });
  }

  /// Calls body(k, ell, tilted) with the logits of all components at x, without the potential and with it.
  /// `again`: x is the same as in the last call.
  template <class Body>
  GMDIFF_PARTICLE void for_each_logit(const Step& step, const State& at, bool again, Body body) {
    law_.for_each_logit(step.level, at.x, again, [&](Index k, V ell) {
      body(k, ell,
           particle::tilted_logit<V>(job_.tables.law, step.level.alpha, step.conditioned,
                                     job_.tables.num_observed, k, x_, ell));
    });
  }

  GMDIFF_PARTICLE void weigh_transition(const Step& step, V divided) {
    const State at(*this);
    constexpr Real lowest = std::numeric_limits<Real>::lowest();
    particle::Softmax<V> free{V(lowest), V(Real(0))};
    particle::Softmax<V> under = free;
    for_each_logit(step, at, /*again=*/false, [&](Index /*k*/, V ell, V tilted) {
      free.maximum = particle::larger(free.maximum, ell);
      under.maximum = particle::larger(under.maximum, tilted);
    });
    for_each_logit(step, at, /*again=*/true, [&](Index /*k*/, V ell, V tilted) {
      free.total = free.total + particle::exp_nonpositive(ell - free.maximum);
      under.total = under.total + particle::exp_nonpositive(tilted - under.maximum);
    });
    if (particle_.has()) particle_.add_weight(under, free, divided);
  }

  /// The exact transition under the potential (mathematics.md §7.5).
  GMDIFF_PARTICLE void transition(const Step& step, int number) {
    const State at(*this);
    V maximum(std::numeric_limits<Real>::lowest());
    for_each_logit(step, at, /*again=*/false,
                   [&](Index /*k*/, V /*ell*/, V tilted) { maximum = particle::larger(maximum, tilted); });
    V total(Real(0));
    for_each_logit(step, at, /*again=*/true, [&](Index /*k*/, V /*ell*/, V tilted) {
      total = total + particle::exp_nonpositive(tilted - maximum);
    });
    Uniforms<V> choice = particle_.uniforms(Purpose::transition_component);
    particle::Choice<V> chosen(choice(static_cast<std::uint64_t>(number)).real(), total);
    for_each_logit(step, at, /*again=*/true, [&](Index k, V /*ell*/, V tilted) {
      chosen.add(k, particle::exp_nonpositive(tilted - maximum));
    });
    const BitsOf<V> component = chosen.component();
    for_each_normal(number, [&](Index i, V z) {
      x_[i] =
          particle::transitioned<V>(job_.tables.law, step.level.alpha, step.conditioned, component, i, x_, z);
    });
  }

  using Column = typename Law::Column;

  int place_;  // number of the thread in the thread block
  Law law_;
  Column x_, D_;
};

}  // namespace gmdiff::kernels
