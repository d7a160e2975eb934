#pragma once

#include "particle/elementary.hpp"
#include "particle/tables.hpp"

// Proximal maps of a prior weight |F x|_1 (mathematics.md §13.3).

namespace gmdiff::particle {

/// sign(y) max(|y| - s, 0)
template <class V>
GMDIFF_PARTICLE V soft_threshold(V y, V s) {
  const V zero(RealOf<V>(0));
  const V size = larger(particle::abs(y) - s, zero);
  return select(y < zero, -size, size);
}

/// The minimum of sum (x_i - y_i)^2 / 2 + s sum |x_{i+1} - x_i| of one lane, by Condat's algorithm (2013), in
/// double in both precisions. From coordinate `begin` on, x is one constant up to `end` as far as is known,
/// which is in [low, high]; `u_low` and `u_high` are the dual variables after coordinate `end` for these two
/// values. The dual variables of the minimum are in [-s, s]: where one leaves this interval, x jumps at the
/// last place where the variable was at its other end.
template <class V, class Vector>
class TautString {
 public:
  using Real = RealOf<V>;
  using D = One<double>;

  GMDIFF_PARTICLE TautString(Vector y, Vector x, Index dim, double s, int lane)
      : y_(y), x_(x), dim_(dim), lane_(lane), s_(s) {}

  GMDIFF_PARTICLE void run() {
    begin_segment();
    low_ = input(0) - s_;
    high_ = input(0) + s_;
    while (begin_ < dim_) {
      if (end_ + 1 < dim_) {
        extend();
      } else {
        close();
      }
    }
  }

 private:
  GMDIFF_PARTICLE D input(Index i) const {
    Real numbers[Types<V>::lanes];
    V(y_[i]).store(numbers);
    return D(static_cast<double>(numbers[lane_]));
  }
  GMDIFF_PARTICLE void output(Index i, D value) {
    Real numbers[Types<V>::lanes];
    V(x_[i]).store(numbers);
    numbers[lane_] = static_cast<Real>(value.v);
    x_[i] = V::load(numbers);
  }
  /// x_i <- value from `begin` to `last`, and at `begin` in any case.
  GMDIFF_PARTICLE void fix(D value, Index last) {
    do {
      output(begin_++, value);
    } while (begin_ <= last);
  }
  GMDIFF_PARTICLE void begin_segment() {
    end_ = last_low_ = last_high_ = begin_;
    u_low_ = s_;
    u_high_ = -s_;
  }
  /// Number of coordinates of the segment.
  GMDIFF_PARTICLE D size() const { return D(static_cast<double>(end_ - begin_ + 1)); }

  /// Takes the next coordinate into the segment, or lets x jump.
  GMDIFF_PARTICLE void extend() {
    const D next = input(end_ + 1);
    u_low_ = u_low_ + (next - low_);
    u_high_ = u_high_ + (next - high_);
    if (u_low_ < -s_) {
      fix(low_, last_low_);
      begin_segment();
      low_ = input(begin_);
      high_ = low_ + (s_ + s_);
    } else if (s_ < u_high_) {
      fix(high_, last_high_);
      begin_segment();
      high_ = input(begin_);
      low_ = high_ - (s_ + s_);
    } else {
      ++end_;
      narrow_bounds();
    }
  }
  /// The bounds for which the dual variables are in [-s, s] again.
  GMDIFF_PARTICLE void narrow_bounds() {
    if (s_ <= u_low_) {
      low_ = low_ + (u_low_ - s_) / size();
      u_low_ = s_;
      last_low_ = end_;
    }
    if (u_high_ <= -s_) {
      high_ = high_ + (u_high_ + s_) / size();
      u_high_ = -s_;
      last_high_ = end_;
    }
  }

  /// The dual variable after the last coordinate is 0.
  GMDIFF_PARTICLE void close() {
    const D zero(0.0);
    if (u_low_ < zero) {
      fix(low_, last_low_);
      if (begin_ == dim_) return;
      end_ = last_low_ = begin_;
      low_ = input(begin_);
      u_low_ = s_;
      u_high_ = low_ + s_ - high_;
    } else if (zero < u_high_) {
      fix(high_, last_high_);
      if (begin_ == dim_) return;
      end_ = last_high_ = begin_;
      high_ = input(begin_);
      u_high_ = -s_;
      u_low_ = high_ - s_ - low_;
    } else {
      fix(low_ + u_low_ / size(), end_);
    }
  }

  Vector y_, x_;
  Index dim_;
  int lane_;
  D s_;
  Index begin_ = 0, end_ = 0, last_low_ = 0, last_high_ = 0;
  D low_, high_, u_low_, u_high_;
};

/// x <- the minimum, in every lane.
template <class V, class Vector>
GMDIFF_PARTICLE void total_variation(Vector y, Vector x, Index dim, double s) {
  for (int lane = 0; lane < Types<V>::lanes; ++lane) TautString<V, Vector>(y, x, dim, s, lane).run();
}

}  // namespace gmdiff::particle
