#pragma once

#include "particle/line_law.hpp"

// W_p^p between sorted points on a line and a law, in runs of neighbouring points (mathematics.md §9.1). The
// lower half of the points is compared from below, the upper half from above with the signs of all numbers
// changed, so that both are the same computation.

namespace gmdiff::particle {

/// Half of the points as they are compared: a coordinate that ascends, with 0 at the centre.
struct LineHalf {
  const LineLaw& law;
  const LinePoints& points;
  bool is_upper;

  GMDIFF_PARTICLE double sign() const { return is_upper ? -1.0 : 1.0; }
  GMDIFF_PARTICLE double point(Index k) const {
    const double x = points.sorted[is_upper ? points.count - 1 - k : k];
    return is_upper ? Exact::subtract(law.centre, x) : Exact::subtract(x, law.centre);
  }
  /// Mass of the first j points.
  GMDIFF_PARTICLE double mass(Index j) const {
    const double* const sums = is_upper ? points.mass_above : points.mass_below;
    if (sums != nullptr) return sums[j];
    return Exact::divide(static_cast<double>(j), static_cast<double>(points.count));
  }
};

/// int_a^b |u - F| for neighbouring points a <= b with the values of the law at both.
GMDIFF_PARTICLE double interval_cost(const LineHalf& half, double u, double a, double b,
                                     const LineValues<One<double>>& at_a,
                                     const LineValues<One<double>>& at_b) {
  using V = One<double>;
  const V length = V(b) - V(a);
  const V below = at_b.integral - at_a.integral;
  if (!(V(0.0) < length)) return 0.0;
  if (V(u) <= at_a.cdf) return fma(V(-u), length, below).v;
  if (at_b.cdf <= V(u)) return fma(V(u), length, -below).v;
  // F crosses u at c. The cost is stationary in c, so that its error is of second order.
  const V share = (V(u) - at_a.cdf) / (at_b.cdf - at_a.cdf);
  const V start = smaller(fma(share, length, V(a)), V(b));
  const auto c = line_quantile<false>(half.law, half.sign(), V(u), start, V(a), V(b));
  const V left = fma(V(u), c.x - V(a), at_a.integral - c.values.integral);
  const V right = fma(V(-u), V(b) - c.x, at_b.integral - c.values.integral);
  return (left + right).v;
}

/// Computes a run's share of W_p^p. V is the type in which the law is evaluated.
template <class V>
struct LineRun {
  static constexpr int lanes = V::lanes;
  const LineHalf half;
  Index begin, end;

  /// Intervals [begin, end); interval j lies between points j - 1 and j, and interval 0 below all points.
  GMDIFF_PARTICLE double first_order() const {
    double x[line_run_values];
    double cdf[line_run_values];
    double integral[line_run_values];
    const Index last = half.points.count - 1;
    for (int i = 0; i < line_run_values; ++i) {
      const Index k = begin - 1 + i;
      x[i] = half.point(k < 0 ? 0 : k < last ? k : last);
    }
    for (Index i = 0; i <= end - begin; i += lanes) {
      const LineValues<V> values = line_values<false>(half.law, half.sign(), V::load(x + i));
      values.cdf.store(cdf + i);
      values.integral.store(integral + i);
    }
    using Number = One<double>;
    const auto values = [&](Index i) {
      return LineValues<Number>{Number(cdf[i]), Number(0.0), Number(integral[i]), Number(0.0)};
    };
    Number sum(0.0);
    for (Index j = begin; j < end; ++j) {
      const Index i = j - begin;
      sum = sum + (j == 0
                       ? Number(integral[1])
                       : Number(interval_cost(half, half.mass(j), x[i], x[i + 1], values(i), values(i + 1))));
    }
    return sum.v;
  }

  /// Points [begin, end). Boundary j is the quantile q_j of the mass of the first j points, and point j
  /// receives the law's mass between boundaries j and j + 1.
  GMDIFF_PARTICLE double second_order() const {
    double mass[line_run_values];
    double start[line_run_values];
    double first[line_run_values];   // int_{-inf}^{q_j} t f(t) dt
    double second[line_run_values];  // int_{-inf}^{q_j} t^2 f(t) dt
    for (int i = 0; i < line_run_values; ++i) set_boundary(i, mass, start);
    for (Index i = 0; i <= end - begin; i += lanes) {
      const V u = V::load(mass + i);
      const auto inside = V(0.0) < u;
      const V safe = select(u < V(1.0), select(inside, u, V(0.5)), V(0.5));
      const V radius(half.law.radius);
      const V at = smaller(larger(V::load(start + i), -radius), radius);
      const auto q = line_quantile<true>(half.law, half.sign(), safe, at, -radius, radius);
      // Partial integration; both are stationary in q, also at a step of F.
      const V product = safe * q.x;
      const V moment = product - q.values.integral;
      const V square = fma(product, q.x, fma(V(-2.0) * q.x, q.values.integral, q.values.second));
      select(inside, select(u < V(1.0), moment, V(0.0)), V(0.0)).store(first + i);
      select(inside, select(u < V(1.0), square, V(half.law.second_moment)), V(0.0)).store(second + i);
    }
    using Number = One<double>;
    Number sum(0.0);
    for (Index j = begin; j < end; ++j) {
      const Index i = j - begin;
      const Number c(half.point(j));
      const Number moment = fma(c, Number(mass[i + 1]) - Number(mass[i]),
                                Number(-2.0) * (Number(first[i + 1]) - Number(first[i])));
      sum = sum + fma(c, moment, Number(second[i + 1]) - Number(second[i]));
    }
    return sum.v;
  }

 private:
  /// The mass below a boundary, and the middle of its neighbours. For good samples the quantile is near it.
  GMDIFF_PARTICLE void set_boundary(int i, double* mass, double* start) const {
    const Index n = half.points.count;
    const Index j = begin + i < n ? begin + i : n;
    const One<double> left(half.point(j > 0 ? j - 1 : 0));
    const One<double> right(half.point(j < n ? j : n - 1));
    mass[i] = half.mass(j);
    start[i] = fma(One<double>(0.5), right - left, left).v;
  }
};

/// Share of W_p^p of run number `run`.
template <class V>
GMDIFF_PARTICLE double line_run_cost(const LineLaw& law, const LinePoints& points, int p, Index run) {
  const Index lower_runs = (points.lower + line_run - 1) / line_run;
  const bool is_upper = run >= lower_runs;
  const Index all = p == 1 ? points.count + 1 : points.count;
  const Index size = is_upper ? all - points.lower : points.lower;
  const Index begin = (is_upper ? run - lower_runs : run) * line_run;
  const Index end = begin + line_run < size ? begin + line_run : size;
  const LineRun<V> part{{law, points, is_upper}, begin, end};
  return p == 1 ? part.first_order() : part.second_order();
}

}  // namespace gmdiff::particle
