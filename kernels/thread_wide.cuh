#pragma once

#include "kernels/thread_law.cuh"
#include "particle/wide.hpp"

// Laws of more than four coordinates whose covariances are diagonal in the working coordinates, on a thread.
// Sums over the components are in registers; components are added one after the other.

namespace gmdiff::kernels {

template <class V, Family family, class Shape, class Block>
class WideThread : public ThreadLaw<V, Shape, Block> {
  using Base = ThreadLaw<V, Shape, Block>;
  using Base::law_;

 public:
  using Real = RealOf<V>;
  using Terms = particle::WideTerms<V, family>;
  using Base::most;

  GMDIFF_PARTICLE WideThread(Block& block, const LawTable<Real>& law) : Base(block, law) {
    if constexpr (family == Family::tied) return;
    constexpr int numbers = family == Family::diag ? most : 1;
    precision_ = this->take(numbers);
    shrink_ = this->take(numbers);
    gain_ = this->take(numbers);
  }

  GMDIFF_PARTICLE void denoiser(const LevelTable<Real>& level, const V* x, V* D) {
    const Point y(*this, level, x);
    V sums[most], gains[num_gains];
    for (V& sum : sums) sum = V(Real(0));
    for (V& gain : gains) gain = V(Real(0));
    const auto rescale = [&](V factor) {
      for (V& sum : sums) sum = sum * factor;
      for (V& gain : gains) gain = gain * factor;
    };
    const auto add = [&](int k, V e) { this->add(k, e, sums, gains); };
    const V total = this->softmax_total(stage(level), logit(y), rescale, add);
    const V inverse = V(Real(1)) / total;
    this->for_each_coordinate(
        [&](int i) { D[i] = Terms::denoiser(level, i, x[i], sums[i], gains[i % num_gains], inverse); });
  }

  template <class Body>
  GMDIFF_PARTICLE void for_each_logit(const LevelTable<Real>& level, const V* x, bool again, Body body) {
    const Point y(*this, level, x);
    this->logits(again, stage(level), logit(y), body);
  }

  template <bool has_gain, class Normal>
  GMDIFF_PARTICLE void move(const LevelTable<Real>& level, const MoveTable<Real>& table, BitsOf<V> component,
                            Normal normal, V* x) const {
    this->for_each_normal(normal, [&](int i, V z) {
      x[i] = Terms::template moved<has_gain>(law_, level.alpha, table, component, i, x[i], z);
    });
  }

 private:
  static constexpr int num_gains = family == Family::diag ? most : 1;

  /// The scaled point of the differences, and the factors of the means in them.
  struct Point {
    V y[most], slope[most];
    GMDIFF_PARTICLE Point(const WideThread& law, const LevelTable<Real>& level, const V* x) {
      for (int i = 0; i < most; ++i) {
        y[i] = x[i];
        slope[i] = V(Real(0));
      }
      law.for_each_coordinate([&](int i) {
        if constexpr (family == Family::tied) y[i] = V(level.precision.values[i]) * x[i];
        slope[i] = Terms::slope(level, i);
      });
    }
  };

  GMDIFF_PARTICLE auto stage(const LevelTable<Real>& level) {
    return [this, &level](Index first, int n) {
      const auto of_level = [&](const particle::Spectrum<Real>& spectrum, Real* to) {
        if constexpr (family == Family::diag) this->stage_rows(spectrum.values + first * law_.dim, n, to);
        if constexpr (family == Family::spherical) this->stage_numbers(spectrum.values + first, n, to);
      };
      const auto always = [&] {
        of_level(level.precision, precision_);
        of_level(level.shrink, shrink_);
        of_level(level.gain, gain_);
      };
      Base::stage(level, first, n, always, [] {});
    };
  }

  GMDIFF_PARTICLE auto logit(const Point& point) const {
    return [this, &point](int k) {
      V q(Real(0));
      this->for_each_four([&](int i) {
        const Four<Real> mu(this->means_ + k * most + i);
        const Four<Real> precision(family == Family::diag ? precision_ + k * most + i : this->means_);
        for (int c = 0; c < 4; ++c)
          q = Terms::add_square(point.slope[i + c], mu[c], precision[c], point.y[i + c], q);
      });
      if constexpr (family == Family::spherical) q = q * V(precision_[k]);
      return particle::logit(V(this->constants_[k]), q);
    };
  }

  /// Adds a component's terms to the sums for the denoiser.
  GMDIFF_PARTICLE void add(int k, V e, V* sums, V* gains) const {
    V weight = e;
    if constexpr (family == Family::spherical) {
      gains[0] = fma(e, V(gain_[k]), gains[0]);
      weight = e * V(shrink_[k]);
    }
    this->add_row((family == Family::diag ? shrink_ : this->means_) + k * most, weight, sums);
    if constexpr (family == Family::diag) this->add_row(gain_ + k * most, e, gains);
  }

  // Tables of the chunk: spherical (n), diag (n, most).
  Real* precision_ = nullptr;
  Real* shrink_ = nullptr;
  Real* gain_ = nullptr;
};

}  // namespace gmdiff::kernels
