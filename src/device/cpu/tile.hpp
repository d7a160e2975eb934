#pragma once

#include "device/cpu/full.hpp"
#include "device/cpu/unit.hpp"
#include "particle/affine.hpp"
#include "particle/normals.hpp"
#include "particle/small.hpp"

// Runs a tile of particles, one per lane, through its steps (mathematics.md §5), with the same few lines for
// every law.

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::BitsOf;
using particle::Normals;
using particle::StepTable;
using particle::Streams;
using particle::Types;

/// A vector of the state: an array in registers for a small law, in cache for a wide one.
template <class V, int D>
struct SmallVector {
  V values[D];
  GMDIFF_PARTICLE V& operator[](Index i) { return values[i]; }
  GMDIFF_PARTICLE V* data() { return values; }
};
template <class V>
struct WideVector {
  V* values = nullptr;
  GMDIFF_PARTICLE V& operator[](Index i) const { return values[i]; }
  GMDIFF_PARTICLE V* data() const { return values; }
};

/// The functions of a law that steps use, for the records of small laws.
template <class V, int D, bool full>
class SmallSteps {
 public:
  using Real = RealOf<V>;
  using Law = particle::SmallLaw<V, D, full>;
  using Vector = SmallVector<V, D>;

  SmallSteps(const LawTable<Real>& law, void* scratch) : law_(law), weights_(static_cast<V*>(scratch)) {}
  static std::size_t scratch_bytes(const LawTable<Real>& law) {
    return static_cast<std::size_t>(law.num_components) * sizeof(V);
  }

  static constexpr Index dim() { return D; }
  GMDIFF_PARTICLE static Vector vector(int /*number*/) { return {}; }
  GMDIFF_PARTICLE Softmax<V> denoiser(const LevelTable<Real>& level, Vector& x, Vector& D_out) const {
    return Law::denoiser(law_, Law::in_place(level), x.data(), D_out.data());
  }
  GMDIFF_PARTICLE V weights(const LevelTable<Real>& level, Vector& x) {
    const auto records = Law::in_place(level);
    const auto logits = [&](Index first, Index n, V* ell) {
      Law::logits(records(first, n), n, x.data(), ell);
    };
    return particle::all_weights<V>(law_.num_components, logits, weights_).total;
  }
  const V* weights() const { return weights_; }
  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component,
                            Normal z, Vector& x) {
    V noise[D];
    for (int i = 0; i < D; ++i) noise[i] = z(i);
    Law::template move<has_gain>(law_, level, table, component, noise, x.data());
  }

 private:
  const LawTable<Real>& law_;
  V* weights_;
};

/// The same for wide laws.
template <class V, class Law>
class WideSteps {
 public:
  using Real = RealOf<V>;
  using Vector = WideVector<V>;
  static constexpr int vectors = 4;  // x, D, u, D of the step before

  WideSteps(const LawTable<Real>& law, void* scratch) : law_(law), values_(static_cast<V*>(scratch)) {
    scratch_.weights = values_ + vectors * law.dim;
    scratch_.coordinates = scratch_.weights + law.num_components;
  }
  static std::size_t scratch_bytes(const LawTable<Real>& law) {
    const Index coordinates = law.family == Family::full ? 2 + particle::chunk_size : 2;
    return static_cast<std::size_t>((vectors + coordinates) * law.dim + law.num_components) * sizeof(V);
  }

  Index dim() const { return law_.dim; }
  Scratch<V> scratch() const { return scratch_; }
  Vector vector(int number) const { return {values_ + number * law_.dim}; }
  Softmax<V> denoiser(const LevelTable<Real>& level, Vector& x, Vector& D) const {
    return Law::denoiser(law_, level, x.data(), D.data(), scratch_);
  }
  V weights(const LevelTable<Real>& level, Vector& x) {
    return Law::weights(law_, level, x.data(), scratch_);
  }
  const V* weights() const { return scratch_.weights; }
  template <bool has_gain, class Normal>
  void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component, Normal z,
            Vector& x) {
    Law::template move<has_gain>(law_, level.alpha, table, component, z, x.data(), scratch_);
  }

 private:
  const LawTable<Real>& law_;
  V* values_;
  Scratch<V> scratch_;
};

template <class V, class Steps>
class StepTile {
 public:
  using Real = RealOf<V>;
  using Vector = typename Steps::Vector;
  static constexpr int lanes = Types<V>::lanes;

  StepTile(const Job<Real>& job, std::int64_t tile, void* scratch)
      : job_(job),
        first_(job.first + static_cast<std::uint64_t>(tile) * lanes),
        begin_(tile * lanes),
        size_(static_cast<int>(job.count - begin_ < lanes ? job.count - begin_ : lanes)),
        streams_(job),
        steps_(*job.law, scratch),
        states_(job.states + begin_ * steps_.dim()),
        previous_(job.previous == nullptr ? nullptr : job.previous + begin_ * steps_.dim()) {}

  TileResult start() {
    Vector x = steps_.vector(0);
    if (job_.start_states != nullptr) {
      load_start(x);
    } else {
      draw_start(x);
    }
    save(x, states_);
    if (previous_ != nullptr) {
      for (Index i = 0; i < steps_.dim() * lanes; ++i) previous_[i] = Real(0);
    }
    if (job_.start_slot >= 0) keep(x, job_.start_slot);
    return {.non_finite = count_non_finite(x), .first_step = -1};
  }

  TileResult advance() {
    Vector x = steps_.vector(0), before = steps_.vector(3);
    load_window_start(x, before);
    run(x, before, /*until_non_finite=*/false);
    TileResult result{.non_finite = count_non_finite(x), .first_step = 0};
    if (result.non_finite > 0) {
      // The window runs again and checks every step. The states no longer matter, because such a run has no
      // result.
      load_window_start(x, before);
      result.first_step = run(x, before, /*until_non_finite=*/true);
    }
    save(x, states_);
    if (previous_ != nullptr) save(before, previous_);
    return result;
  }

  /// Writes the states to their rows of the result.
  void keep(Vector& x, int slot) {
    const Index d = steps_.dim();
    Vector rotated = steps_.vector(1);
    Vector* given = &x;
    if (job_.law->has_common_basis()) {
      rotate(x, rotated, /*to_basis=*/false);
      given = &rotated;
    }
    Real* row = job_.out + (begin_ * job_.slots + slot) * d;
    const std::int64_t stride = job_.slots * d;
    for (Index i = 0; i < d; ++i) {
      Real values[lanes];
      (*given)[i].store(values);
      for (int lane = 0; lane < size_; ++lane) row[lane * stride + i] = values[lane];
    }
  }

  /// Number of particles with a coordinate that is not finite, which times 0 is NaN.
  int count_non_finite(Vector& x) const {
    V zero = V(Real(0)) * x[0];
    for (Index i = 1; i < steps_.dim(); ++i) zero = fma(V(Real(0)), x[i], zero);
    Real values[lanes];
    zero.store(values);
    int count = 0;
    for (int lane = 0; lane < size_; ++lane) count += values[lane] == Real(0) ? 0 : 1;
    return count;
  }

 private:
  // --- steps -----------------------------------------------------------------------------------------------

  /// Runs all steps of the window or, with `until_non_finite`, the steps up to the first after which a state
  /// is not finite; returns the number of that step.
  int run(Vector& x, Vector& before, bool until_non_finite) {
    Normals<V> noise(streams_.step_noise(), first_);
    Normals<V> churn(streams_.churn_noise(), first_);
    particle::Uniforms<V> choice(streams_.transition_component(), first_);
    for (int s = 0; s < job_.num_steps; ++s) {
      const StepTable<Real>& step = job_.steps[s];
      const auto number = static_cast<std::uint64_t>(job_.first_step) + static_cast<std::uint64_t>(s);
      const std::uint64_t m = number * static_cast<std::uint64_t>(steps_.dim());
      if (step.is_transition) {
        transition(step, number, m, noise, choice, x);
      } else {
        affine(step, m, noise, churn, x, before);
      }
      if (until_non_finite) {
        if (count_non_finite(x) > 0) return job_.first_step + s;
      } else if (step.slot >= 0) {
        keep(x, step.slot);
      }
    }
    return job_.first_step + job_.num_steps - 1;
  }

  GMDIFF_PARTICLE void affine(const StepTable<Real>& step, std::uint64_t m, Normals<V>& noise,
                              Normals<V>& churn, Vector& x, Vector& before) {
    const Index d = steps_.dim();
    if (particle::has_churn(step)) {
      for (Index i = 0; i < d; ++i) {
        x[i] = V(step.c_x) * x[i];
        if (step.c_n != Real(0)) x[i] = fma(V(step.c_n), churn(m + static_cast<std::uint64_t>(i)), x[i]);
      }
    }
    // Both evaluations share one copy of the denoiser's code.
    Vector D = steps_.vector(1), at = x;
    if (step.evaluations == 0) {
      for (Index i = 0; i < d; ++i) x[i] = V(step.a) * x[i];
    }
    for (int n = 0; n < step.evaluations; ++n) {
      denoiser(step.levels[n], at, D);
      if (n == 0) {
        Vector u = steps_.vector(2);
        for (Index i = 0; i < d; ++i) {
          if (step.evaluations == 2) u[i] = particle::predicted(step, x[i], D[i]);
          x[i] = particle::after_first(step, x[i], D[i], before[i]);
          if (previous_ != nullptr) before[i] = D[i];
        }
        if (step.evaluations == 2) at = u;
      } else {
        for (Index i = 0; i < d; ++i) x[i] = particle::after_second(step, x[i], D[i]);
      }
    }
    if (step.e != Real(0)) {
      for (Index i = 0; i < d; ++i) x[i] = fma(V(step.e), noise(m + static_cast<std::uint64_t>(i)), x[i]);
    }
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, Vector& x, Vector& D) {
    if (level.at_data) {
      for (Index i = 0; i < steps_.dim(); ++i) D[i] = x[i] / V(level.alpha);
    } else {
      steps_.denoiser(level, x, D);
    }
  }

  /// Exact reverse transition (mathematics.md §5.1).
  GMDIFF_PARTICLE void transition(const StepTable<Real>& step, std::uint64_t number, std::uint64_t m,
                                  Normals<V>& noise, particle::Uniforms<V>& choice, Vector& x) {
    const V total = steps_.weights(step.levels[0], x);
    particle::Choice<V> chosen(choice(number).real(), total);
    for (Index k = 0; k < job_.law->num_components; ++k) chosen.add(k, steps_.weights()[k]);
    steps_.template move<true>(
        step.levels[0], step.move, chosen.component(),
        [&](Index i) { return noise(m + static_cast<std::uint64_t>(i)); }, x);
  }

  // --- the first state -------------------------------------------------------------------------------------

  void draw_start(Vector& x) {
    Normals<V> noise(streams_.start_noise(), first_);
    const auto z = [&](Index i) { return noise(static_cast<std::uint64_t>(i)); };
    if (job_.start->gaussian) {
      for (Index i = 0; i < steps_.dim(); ++i) x[i] = particle::gaussian_start(*job_.start, i, z(i));
      return;
    }
    particle::Uniforms<V> choice(streams_.start_component(), first_);
    const auto component =
        choice(0).component(job_.law->thresholds, static_cast<int>(job_.law->last_component));
    steps_.template move<false>({}, job_.start->move, component, z, x);
  }

  /// Loads given states and rotates them to the working coordinates.
  void load_start(Vector& x) {
    const Index d = steps_.dim();
    const double* rows = job_.start_states + begin_ * d;
    Vector given = steps_.vector(1);
    for (Index i = 0; i < d; ++i) {
      Real values[lanes] = {};
      for (int lane = 0; lane < size_; ++lane) values[lane] = static_cast<Real>(rows[lane * d + i]);
      given[i] = V::load(values);
    }
    rotate(given, x, /*to_basis=*/true);
  }

  // --- memory ----------------------------------------------------------------------------------------------

  void load(const Real* from, Vector& x) const {
    for (Index i = 0; i < steps_.dim(); ++i) x[i] = V::load(from + i * lanes);
  }
  void load_window_start(Vector& x, Vector& before) const {
    load(states_, x);
    if (previous_ != nullptr) load(previous_, before);
  }
  void save(Vector& x, Real* to) const {
    for (Index i = 0; i < steps_.dim(); ++i) x[i].store(to + i * lanes);
  }

  /// y = U^T x or U x if the law has a common basis, else x.
  void rotate(Vector& x, Vector& y, bool to_basis) const {
    const Index d = steps_.dim();
    if (!job_.law->has_common_basis()) {
      for (Index i = 0; i < d; ++i) y[i] = x[i];
      return;
    }
    const auto take = [&](Index i, V value) { y[i] = value; };
    if (to_basis) {
      FullLaw<V>::to_basis(job_.law->bases, d, x.data(), take);
    } else {
      FullLaw<V>::from_basis(job_.law->bases, d, x.data(), take);
    }
  }

  const Job<Real>& job_;
  std::uint64_t first_;  // index of lane 0
  std::int64_t begin_;   // number of lane 0 in the job
  int size_;             // lanes in use
  Streams<Real> streams_;
  Steps steps_;
  Real* states_;
  Real* previous_;
};

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
