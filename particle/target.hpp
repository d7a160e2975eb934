#pragma once

#include "particle/tape.hpp"
#include "particle/target_tables.hpp"

// Log-density and gradient of a target that is no mixture (mathematics.md §13). Sums that l contains are in
// double in both precisions. All workers of a team compute l, and each writes its own coordinates of the
// gradient.

namespace gmdiff::particle {

/// @tparam Vectors a function from the number of a vector of the particle to the vector
template <class V, class Team, class Vectors>
class TargetBody {
 public:
  using Real = RealOf<V>;
  using W = WideOf<V>;
  using Vector = typename Team::Vector;
  /// Rows of data that a logistic regression takes together, and of which it takes one logarithm.
  static constexpr int rows_at_once = 4, rows_a_logarithm = 16;

  GMDIFF_PARTICLE TargetBody(Team& team, const TargetTable<Real>& table, Index dim, Vectors vectors, Vector x,
                             Vector g)
      : team_(team), table_(table), dim_(dim), vectors_(vectors), x_(x), g_(g) {}

  /// l(x); g <- grad l(x), the own coordinates.
  GMDIFF_PARTICLE W evaluate() {
    team_.sync();
    const W l = evaluate_kind();
    team_.sync();  // x may change now
    return l;
  }

  /// Adds the log-likelihood of an observation to the log-density l of a mixture, and its gradient to g.
  GMDIFF_PARTICLE W add_likelihood(W l) {
    team_.sync();
    const W likelihood = with_constant(from_tape([](V g, V derivative) { return g + derivative; }));
    team_.sync();  // x may change now
    return l + likelihood;
  }

 private:
  GMDIFF_PARTICLE W evaluate_kind() {
    switch (table_.kind) {
      case TargetKind::sin_gaussian:
        return sin_gaussian();
      case TargetKind::banana:
        return banana();
      case TargetKind::funnel:
        return funnel();
      case TargetKind::many_well:
        return many_well();
      case TargetKind::logistic:
        return logistic();
      case TargetKind::expression:
        return expression();
      case TargetKind::mixture:
      case TargetKind::observed:
      case TargetKind::custom:
        break;
    }
    return W(0.0);
  }

  GMDIFF_PARTICLE V parameter(int i) const { return V(table_.parameters[i]); }
  GMDIFF_PARTICLE V x(Index i) const { return x_[i]; }
  GMDIFF_PARTICLE static V half() { return V(Real(0.5)); }
  GMDIFF_PARTICLE W with_constant(W l) const { return l + W(table_.constant); }

  GMDIFF_PARTICLE void write(Index i, V value) {
    if (team_.owns(i)) g_[i] = value;
  }
  /// Sum of x_j^2 for j >= first.
  GMDIFF_PARTICLE W squares(Index first) const {
    W sum(0.0);
    for (Index j = first; j < dim_; ++j) sum = fma(widen(x(j)), widen(x(j)), sum);
    return sum;
  }

  /// l = -1/2 sum [x^2 + a sin(p + w x)], g = -x - (a w / 2) cos(p + w x)
  GMDIFF_PARTICLE W sin_gaussian() {
    const V a = parameter(0), p = parameter(1), w = parameter(2);
    W sum(0.0);
    for (Index j = 0; j < dim_; ++j) {
      const SineCosine<V> of = sine_cosine(fma(w, x(j), p));
      sum = sum + widen(fma(x(j), x(j), a * of.sine));
      write(j, fma(-half() * a * w, of.cosine, -x(j)));
    }
    return with_constant(W(-0.5) * sum);
  }

  /// l = -x_1^2 / (2 s^2) - u^2 / 2 - rest, u = x_2 - b (x_1^2 - s^2)
  GMDIFF_PARTICLE W banana() {
    const V inverse = parameter(0), b = parameter(1), s2 = parameter(2);
    const V x1 = x(0);
    const V u = fma(-b, fma(x1, x1, -s2), x(1));
    write(0, fma(V(Real(2)) * b * x1, u, -x1 * inverse));
    write(1, -u);
    for (Index j = 2; j < dim_; ++j) write(j, -x(j));
    const W sum = fma(widen(u), widen(u), squares(2));
    return with_constant(W(-0.5) * fma(widen(x1 * inverse), widen(x1), sum));
  }

  /// l = -x_1^2 / (2 s^2) - e S / 2 - (d - 1) x_1 / 2, e = exp(-x_1)
  GMDIFF_PARTICLE W funnel() {
    const V inverse = parameter(0), half_rest = parameter(1);
    const V x1 = x(0);
    const V e = exp(-x1);
    const W scaled = widen(e) * squares(1);
    write(0, fma(half(), narrow<V>(scaled), -x1 * inverse) - half_rest);
    for (Index j = 1; j < dim_; ++j) write(j, -e * x(j));
    const W of_first = fma(widen(x1 * inverse), widen(x1), scaled);
    return with_constant(fma(W(-0.5), of_first, -widen(half_rest) * widen(x1)));
  }

  /// l = -sum_{j <= m} (x_j^2 - D)^2 - rest
  GMDIFF_PARTICLE W many_well() {
    const V D = parameter(0);
    W sum(0.0);
    for (Index j = 0; j < table_.rows; ++j) {
      const V u = fma(x(j), x(j), -D);
      sum = fma(widen(u), widen(u), sum);
      write(j, V(Real(-4)) * x(j) * u);
    }
    for (Index j = table_.rows; j < dim_; ++j) write(j, -x(j));
    return with_constant(fma(W(-0.5), squares(table_.rows), -sum));
  }

  /// l = -sum_i log(1 + e^{-u_i}) - |w|^2 / (2 s^2), u = R w with the signed rows R of the table
  GMDIFF_PARTICLE W logistic() {
    const V inverse = parameter(0);
    team_.for_each_own(dim_, [&](Index j) { g_[j] = -x(j) * inverse; });
    W sum(0.0);
    for (Index i = 0; i < table_.rows;) {
      const Index rest = table_.rows - i, end = rest < rows_a_logarithm ? table_.rows : i + rows_a_logarithm;
      V normalisers(Real(1));  // their product, of which one logarithm suffices; at most 2^rows_a_logarithm
      for (; i + rows_at_once <= end; i += rows_at_once) add_rows<rows_at_once>(i, sum, normalisers);
      for (; i < end; ++i) add_rows<1>(i, sum, normalisers);
      sum = sum - widen(log_normal_number(normalisers));
    }
    return with_constant(fma(W(-0.5) * widen(inverse), squares(0), sum));
  }
  /// Adds some rows of the data to the gradient, and their log-likelihoods to `sum` and `normalisers`. The
  /// sums of several rows are held side by side, because each addition to a single one would wait for the one
  /// before.
  template <int count>
  GMDIFF_PARTICLE void add_rows(Index first, W& sum, V& normalisers) {
    const Real* rows = table_.data + first * dim_;
    V u[count], weights[count];
    for (V& one : u) one = V(Real(0));
    for (Index j = 0; j < dim_; ++j) {
      for (int n = 0; n < count; ++n) u[n] = fma(V(rows[n * dim_ + j]), x(j), u[n]);
    }
    for (int n = 0; n < count; ++n) {
      const Logistic<V> of(-u[n]);
      sum = sum - widen(of.positive);
      normalisers = normalisers * of.normaliser;
      weights[n] = of.sigmoid;
    }
    team_.for_each_own(dim_, [&](Index j) {
      V g = g_[j];
      for (int n = 0; n < count; ++n) g = fma(V(rows[n * dim_ + j]), weights[n], g);
      g_[j] = g;
    });
  }

  GMDIFF_PARTICLE W expression() {
    return with_constant(from_tape([](V /*g*/, V derivative) { return derivative; }));
  }

  /// One worker runs the tape, and all of them read its outputs. g <- merge(g, its gradient)
  template <class Merge>
  GMDIFF_PARTICLE W from_tape(Merge merge) {
    const auto work = [this](int number) { return vectors_(table_.first_work + number); };
    const Tape<V, Vector, decltype(work)> tape(table_.tape, x_, Real(0), work);
    if (team_.is_first()) tape.run();
    team_.sync();
    team_.for_each_own(dim_, [&](Index j) { g_[j] = merge(V(g_[j]), tape.output(1 + j)); });
    return widen(tape.output(0));
  }

  Team& team_;
  const TargetTable<Real>& table_;
  Index dim_;
  Vectors vectors_;
  Vector x_, g_;
};

}  // namespace gmdiff::particle
