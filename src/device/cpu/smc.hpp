#pragma once

#include <utility>

#include "device/cpu/ancestors.hpp"
#include "device/cpu/full.hpp"
#include "device/cpu/map_potential.hpp"
#include "device/cpu/unit.hpp"
#include "particle/normals.hpp"
#include "particle/smc.hpp"

// A tile of a chain's particles in SMC, one per lane: weighs them, and moves them from their ancestors, which
// may be anywhere in the chain (mathematics.md §7.3).

namespace gmdiff::cpu::GMDIFF_CPU_UNIT {

using particle::BitsOf;
using particle::Types;

/// The members that the start and the steps of a tile share: room, streams and memory.
template <class V>
class ChainTile {
 public:
  using Real = RealOf<V>;
  static constexpr int lanes = Types<V>::lanes;

  ChainTile(const ChainJob<Real>& job, std::int64_t tile, void* scratch)
      : job_(job),
        d_(job.tables.law.dim),
        begin_(tile * lanes),
        x_(static_cast<V*>(scratch)),
        y_(x_ + d_),
        rest_(y_ + d_) {
    scratch_.weights = rest_ + d_;
    scratch_.coordinates = scratch_.weights + 2 * job.tables.law.num_components;
    map_room_ = reinterpret_cast<V*>(static_cast<std::byte*>(scratch) + scratch_bytes(job.tables.law));
  }
  /// Upper bound for all laws.
  static std::size_t scratch_bytes(const LawTable<Real>& law) {
    return static_cast<std::size_t>((5 + particle::chunk_size) * law.dim + 2 * law.num_components) *
           sizeof(V);
  }

 protected:
  Index r() const { return job_.tables.num_observed; }
  particle::StreamOrigin origin(Purpose purpose) const { return {job_.tables.seed, purpose, 0}; }

  /// compute(index of lane 0) fills y. A stream has one upper half of the index; if the lanes have two,
  /// compute is called for each half.
  template <class Compute>
  void with_streams(Compute compute) {
    const std::uint64_t first = job_.first_slot + static_cast<std::uint64_t>(begin_);
    compute(first);
    const std::uint64_t to_next_half = (std::uint64_t{1} << 32) - (first & 0xffffffffU);
    if (to_next_half >= lanes) return;
    for (Index i = 0; i < d_; ++i) rest_[i] = y_[i];
    compute(first + (std::uint64_t{1} << 32));
    for (Index i = 0; i < d_; ++i) {
      Real low[lanes], values[lanes];
      rest_[i].store(low);
      y_[i].store(values);
      for (std::uint64_t lane = 0; lane < to_next_half; ++lane) values[lane] = low[lane];
      y_[i] = V::load(values);
    }
  }
  /// y <- normals of the particles' streams, from number m on; returns them coordinate by coordinate.
  auto normals(Purpose purpose, std::uint64_t first, std::uint64_t m) {
    particle::fill_normals(particle::Philox<V>(origin(purpose), first), m, d_, y_);
    return [this](Index i) { return y_[i]; };
  }

  void load(const Real* states) { load(states, x_); }
  void load(const Real* states, V* x) const {
    for (Index i = 0; i < d_; ++i) x[i] = V::load(states + begin_ * d_ + i * lanes);
  }
  void save(const V* x, Real* states) const {
    for (Index i = 0; i < d_; ++i) x[i].store(states + begin_ * d_ + i * lanes);
  }
  /// Writes the tile's states as rows if they are kept.
  void keep(const V* x) const {
    if (job_.kept == nullptr) return;
    const std::int64_t left = job_.tables.particles - begin_;
    for (int lane = 0; lane < lanes && lane < left; ++lane) {
      Real* row = job_.kept + (begin_ + lane) * d_;
      for (Index i = 0; i < d_; ++i) row[i] = reinterpret_cast<const Real*>(x)[i * lanes + lane];
    }
  }
  /// Loads the states (tiles, d, lanes) of the ancestors; null: each lane is its own ancestor.
  void load_ancestors(const Real* states, const std::uint32_t* ancestors) {
    load_ancestors(states, ancestors, x_);
  }
  void load_ancestors(const Real* states, const std::uint32_t* ancestors, V* x) const {
    if (ancestors == nullptr) return load(states, x);
    const AncestorStates<V> from(states, d_, lanes, ancestors + begin_);
    for (Index i = 0; i < d_; ++i) x[i] = from(i);
  }
  double& log_weight(int lane) const { return job_.log_weights[begin_ + lane]; }

  const ChainJob<Real>& job_;
  Index d_;
  std::int64_t begin_;
  V* x_;
  V* y_;
  V* rest_;
  V* map_room_;
  Scratch<V> scratch_;
};

/// The first particles; `Law` is that of the start.
template <class V, class Law>
class SmcStart : public ChainTile<V> {
  using Base = ChainTile<V>;
  using Base::x_;
  using Base::y_;

 public:
  using Base::Base;
  using Base::lanes;
  using Real = RealOf<V>;

  void run() {
    if (this->job_.has_start) {
      this->load(this->job_.from);
    } else {
      draw();
      this->save(x_, this->job_.from);
    }
    this->keep(x_);
    Real potential[lanes] = {};
    if (!this->job_.tables.weighs_before)
      particle::factor_quadratic<V>(this->job_.tables.start.factors, this->r(), x_).store(potential);
    for (int lane = 0; lane < lanes; ++lane) this->log_weight(lane) = -static_cast<double>(potential[lane]);
  }

 private:
  void draw() {
    const particle::SmcStartTable<Real>& start = this->job_.tables.start;
    this->with_streams([&](std::uint64_t first) {
      const auto z = this->normals(Purpose::start_noise, first, 0);
      if (start.mean != nullptr) {
        for (Index i = 0; i < this->d_; ++i) y_[i] = fma(V(start.deviation[i]), z(i), V(start.mean[i]));
      } else {
        particle::Uniforms<V> choice(this->origin(Purpose::start_component), first);
        const auto component =
            choice(0).component(start.law.thresholds, static_cast<int>(start.law.last_component));
        Law::template move<false>(start.law, Real(0), start.move, component, z, y_, this->scratch_);
      }
    });
    std::swap(x_, y_);
  }
};

template <class V, class Law>
class SmcTile : public ChainTile<V> {
  using Base = ChainTile<V>;
  using Base::d_;
  using Base::job_;
  using Base::x_;
  using Base::y_;

 public:
  using Base::lanes;
  using Real = RealOf<V>;
  using Step = particle::SmcStepTable<Real>;

  SmcTile(const ChainJob<Real>& job, int step, std::int64_t tile, void* scratch) : Base(job, tile, scratch) {
    enter(step);
  }

  /// Computes the weights before the step. An affine step replaces x by m.
  void weigh() {
    this->load(job_.from);
    add_weights_before();
    this->save(x_, job_.from);
  }

  /// Adds the potentials of a map at the states before the step, or after the last one, to the weights.
  void weigh_states() {
    this->load(job_.from);
    Real potential[lanes];
    const V of_state = of_map(number_, x_);
    of_state.store(potential);
    of_state.store(job_.new_potentials + this->begin_);
    for (int lane = 0; lane < lanes; ++lane) this->log_weight(lane) -= static_cast<double>(potential[lane]);
  }

  /// Moves from the ancestors (null: each particle from itself). Weights after moving are added to the
  /// log-weights. Weights before the next step are added at once, while the state is in cache; an affine next
  /// step replaces x by its m.
  void move(const std::uint32_t* ancestors) {
    this->load_ancestors(job_.from, ancestors);
    if (!job_.tables.weighs_before) return move_and_weigh(ancestors);
    step_->is_transition ? transition() : add_noise();
    std::swap(x_, y_);
    this->keep(x_);
    if (number_ + 1 < job_.tables.num_steps && job_.denoised == nullptr) {
      enter(number_ + 1);
      add_weights_before();
    }
    this->save(x_, job_.to);
  }

 private:
  void enter(int step) {
    number_ = step;
    step_ = job_.tables.steps + step;
  }
  const LawTable<Real>& law() const { return job_.tables.law; }
  std::uint64_t first_normal() const {
    return static_cast<std::uint64_t>(number_) * static_cast<std::uint64_t>(d_);
  }

  void add_to_weights(const Real* divided, const Real* factors) const {
    for (int lane = 0; lane < lanes; ++lane) {
      this->log_weight(lane) += static_cast<double>(divided[lane]) - static_cast<double>(factors[lane]);
    }
  }

  void add_weights_before() {
    if (step_->is_transition) return weigh_transition();
    Real divided[lanes], factors[lanes];
    particle::factor_quadratic<V>(step_->divided, this->r(), x_).store(divided);
    set_mean(/*ancestors=*/nullptr);
    particle::factor_quadratic<V>(step_->factors, this->r(), x_).store(factors);
    add_to_weights(divided, factors);
  }

  /// Negative logarithm of the potential of a map at a level. A custom denoiser's D is that of the states
  /// `from`.
  V of_map(int level, V* x) const {
    const V* denoised = nullptr;
    if (job_.denoised != nullptr) {
      this->load(job_.denoised, this->rest_);
      denoised = this->rest_;
    }
    return -log_map_potential<V, Law>(job_, level, x, denoised, this->scratch_, this->map_room_);
  }
  /// Negative logarithm of g_t at x, without its constants. That of a map is known from the step before.
  V potential_before(const std::uint32_t* ancestors) const {
    if (job_.map == nullptr) return particle::factor_quadratic<V>(step_->divided, this->r(), x_);
    if (ancestors == nullptr) return V::load(job_.potentials + this->begin_);
    return AncestorStates<V>(job_.potentials, /*d=*/1, lanes, ancestors + this->begin_)(0);
  }
  /// The potential g_s at the new state; `weigh_states` adds it where a custom denoiser must first give D.
  V potential_after() const {
    if (job_.map == nullptr) return particle::factor_quadratic<V>(step_->factors, this->r(), y_);
    if (job_.denoised != nullptr) return V(Real(0));
    const V potential = of_map(number_ + 1, y_);
    potential.store(job_.new_potentials + this->begin_);
    return potential;
  }

  void move_and_weigh(const std::uint32_t* ancestors) {
    Real divided[lanes], factors[lanes];
    potential_before(ancestors).store(divided);
    if (step_->is_transition) {
      transition();
    } else {
      set_mean(ancestors);
      add_noise();
    }
    this->save(y_, job_.to);
    this->keep(y_);
    potential_after().store(factors);
    add_to_weights(divided, factors);
  }

  /// y <- a draw of the kernel with mean m, which is in x
  void add_noise() {
    this->with_streams([&](std::uint64_t first) {
      const auto z = this->normals(Purpose::step_noise, first, first_normal());
      for (Index i = 0; i < d_; ++i) y_[i] = particle::moved<V>(*step_, this->r(), i, x_[i], z(i));
    });
  }

  /// x <- m = a x + b D. @param ancestors of x, or null
  void set_mean(const std::uint32_t* ancestors) {
    V* D = y_;
    if (job_.denoised != nullptr) {
      this->load_ancestors(job_.denoised, ancestors, D);
    } else if (step_->level.at_data) {
      for (Index i = 0; i < d_; ++i) D[i] = x_[i] / V(step_->level.alpha);
    } else {
      Law::denoiser(law(), step_->level, x_, D, this->scratch_);
    }
    for (Index i = 0; i < d_; ++i) x_[i] = particle::kernel_mean<V>(*step_, x_[i], D[i]);
  }

  /// Logits of all components at x, without the potential and with it: (K) each, in this order.
  V* logits() {
    const Index K = law().num_components;
    V* ell = this->scratch_.weights;
    const auto chunk = Law::logits(
        law(), step_->level, Law::scaled_state(law(), step_->level, x_, this->scratch_), this->scratch_);
    for (Index first = 0; first < K; first += particle::chunk_size)
      chunk(first, particle::chunk_length(K, first), ell + first);
    for (Index k = 0; k < K; ++k) {
      ell[K + k] =
          particle::tilted_logit<V>(law(), step_->level.alpha, step_->conditioned, this->r(), k, x_, ell[k]);
    }
    return ell;
  }
  /// Turns logits into weights.
  particle::Softmax<V> weights(V* ell) const {
    const auto there = [](Index /*first*/, Index /*n*/, V* /*logits*/) {};
    return particle::all_weights<V>(law().num_components, there, ell);
  }

  void weigh_transition() {
    if (!step_->is_weighted) return;
    Real divided[lanes], maxima[2][lanes], logs[2][lanes];
    particle::factor_quadratic<V>(step_->divided, this->r(), x_).store(divided);
    V* ell = logits();
    for (int tilted = 0; tilted < 2; ++tilted) {
      const particle::Softmax<V> softmax = weights(ell + tilted * law().num_components);
      softmax.maximum.store(maxima[tilted]);
      particle::log(softmax.total).store(logs[tilted]);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const auto difference = [lane](const Real(&of)[2][lanes]) {
        return static_cast<double>(of[1][lane]) - static_cast<double>(of[0][lane]);
      };
      this->log_weight(lane) += (difference(maxima) + difference(logs)) + static_cast<double>(divided[lane]);
    }
  }

  /// The exact transition under the potential (mathematics.md §7.5).
  void transition() {
    const Index K = law().num_components;
    V* e = logits() + K;
    const V total = weights(e).total;
    this->with_streams([&](std::uint64_t first) {
      particle::Uniforms<V> choice(this->origin(Purpose::transition_component), first);
      particle::Choice<V> chosen(choice(static_cast<std::uint64_t>(number_)).real(), total);
      for (Index k = 0; k < K; ++k) chosen.add(k, e[k]);
      const auto z = this->normals(Purpose::step_noise, first, first_normal());
      if (step_->conditioned.is_dense) return move_dense(chosen.component(), z);
      for (Index i = 0; i < d_; ++i) {
        y_[i] = particle::transitioned<V>(law(), step_->level.alpha, step_->conditioned, chosen.component(),
                                          i, x_, z(i));
      }
    });
  }

  /// Every lane has its own matrices, so lanes are processed one by one.
  template <class Normal>
  void move_dense(BitsOf<V> component, Normal z) {
    typename particle::Integers<Real>::Unsigned components[lanes];
    Types<V>::store(component, components);
    V* noise = this->scratch_.coordinates;
    for (Index i = 0; i < d_; ++i) noise[i] = z(i);
    auto* v = reinterpret_cast<Real*>(noise + d_);  // 2 d numbers
    for (int lane = 0; lane < lanes; ++lane) {
      const auto k = static_cast<Index>(components[lane]);
      for (Index i = 0; i < d_; ++i) {
        using Lane = particle::One<Real>;
        const Lane x(reinterpret_cast<const Real*>(x_)[i * lanes + lane]);
        v[i] = fma(Lane(-step_->level.alpha), Lane(law().means[k * d_ + i]), x).v;
        v[d_ + i] = reinterpret_cast<const Real*>(noise)[i * lanes + lane];
      }
      for (Index i = 0; i < d_; ++i) {
        reinterpret_cast<Real*>(y_)[i * lanes + lane] =
            particle::transitioned_dense<Real>(d_, step_->conditioned, k, i, v, v + d_);
      }
    }
  }

  int number_;
  const Step* step_;
};

/// e = exp(lw - maximum) in the working precision.
template <class V>
void exponentials(const double* log_weights, double maximum, RealOf<V>* e, std::int64_t count) {
  constexpr int lanes = Types<V>::lanes;
  for (std::int64_t first = 0; first < count; first += lanes) {
    RealOf<V> x[lanes];
    for (int lane = 0; lane < lanes; ++lane)
      x[lane] = static_cast<RealOf<V>>(log_weights[first + lane] - maximum);
    particle::exp_nonpositive(V::load(x)).store(e + first);
  }
}

}  // namespace gmdiff::cpu::GMDIFF_CPU_UNIT
