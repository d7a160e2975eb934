#pragma once

#include "particle/normals.hpp"
#include "particle/program_tables.hpp"

// The Metropolis step of a Markov chain (mathematics.md §12.2). Everything that decides is in double in both
// precisions. All workers of a team compute the same ratio.

namespace gmdiff::particle {

template <class V, class Team>
class Metropolis {
 public:
  using Real = RealOf<V>;
  using W = WideOf<V>;
  using Vector = typename Team::Vector;

  /// @param vectors a function from the number of a vector to the vector
  template <class Vectors>
  GMDIFF_PARTICLE Metropolis(Team& team, Index dim, const AcceptTable& table, Vectors vectors,
                             ChainNumbers<W>& numbers)
      : team_(team),
        dim_(dim),
        table_(table),
        numbers_(numbers),
        proposal_(vectors(table.proposal)),
        gradient_(vectors(table.gradient)),
        proposed_gradient_(vectors(table.proposed_gradient)),
        before_(vectors(table.before)),
        after_(vectors(table.after)) {}

  /// Moves the state x to the proposal if log u < log ratio.
  GMDIFF_PARTICLE void run(Vector x, W u, bool is_counted) {
    team_.sync();
    const W log_ratio = finite_or_rejected();
    if (is_counted || table_.adapts) numbers_.probability = probability(log_ratio);
    if (is_counted) count();
    W moves = select(log_normal_number(u) < log_ratio, W(1.0), W(0.0));
    if (table_.always) moves = W(1.0);
    team_.sync();  // the others have read what is now written
    if (table_.is_trial) return;
    move(x, narrow<V>(moves));
    numbers_.log_density = select(W(0.0) < moves, numbers_.proposed, numbers_.log_density);
  }

 private:
  static constexpr double lowest = std::numeric_limits<double>::lowest();

  /// The log-ratio; `lowest` if l or the gradient at the proposal is not finite, which rejects it.
  GMDIFF_PARTICLE W finite_or_rejected() {
    // Times 0, a number that is not finite is NaN.
    finite_ = W(0.0) * numbers_.proposed;
    for (Index i = 0; i < dim_; ++i) finite_ = fma(W(0.0), widen(V(proposed_gradient_[i])), finite_);
    const W difference = numbers_.proposed - numbers_.log_density;
    return select(finite_ == W(0.0), difference - (table_.has_energy ? energy() : asymmetry()), W(lowest));
  }
  /// <q, z> + |q|^2 / 2 of a Langevin proposal, q = factor (g + g').
  GMDIFF_PARTICLE W asymmetry() const {
    const W factor = table_.of_step ? W(table_.factor) * numbers_.step : W(table_.factor);
    W sum(0.0);
    for (Index i = 0; i < dim_; ++i) {
      const W q = factor * (widen(V(gradient_[i])) + widen(V(proposed_gradient_[i])));
      sum = fma(q, fma(W(0.5), q, widen(V(before_[i]))), sum);
    }
    return sum;
  }
  /// |v'|^2 / 2 - |v|^2 / 2
  GMDIFF_PARTICLE W energy() const {
    W sum(0.0);
    for (Index i = 0; i < dim_; ++i) {
      const W v = widen(V(before_[i]));
      const W moved = widen(V(after_[i]));
      sum = fma(W(0.5) * (moved - v), moved + v, sum);
    }
    return sum;
  }

  /// min(1, ratio); 0 where the ratio is NaN.
  GMDIFF_PARTICLE static W probability(W log_ratio) {
    return select(log_ratio < W(0.0), exp_nonpositive(smaller(log_ratio, W(0.0))),
                  select(W(0.0) <= log_ratio, W(1.0), W(0.0)));
  }
  GMDIFF_PARTICLE void count() {
    numbers_.acceptance = numbers_.acceptance + numbers_.probability;
    numbers_.non_finite = numbers_.non_finite + select(finite_ == W(0.0), W(0.0), W(1.0));
  }

  /// x, gradient <- those of the proposal where `moves` is 1. A velocity that stays turns round.
  GMDIFF_PARTICLE void move(Vector x, V moves) {
    team_.for_each_own(dim_, [&](Index i) {
      const auto mask = V(Real(0)) < moves;
      x[i] = select(mask, V(proposal_[i]), V(x[i]));
      gradient_[i] = select(mask, V(proposed_gradient_[i]), V(gradient_[i]));
      if (table_.has_energy) after_[i] = select(mask, V(after_[i]), -V(before_[i]));
    });
  }

  Team& team_;
  Index dim_;
  const AcceptTable& table_;
  ChainNumbers<W>& numbers_;
  Vector proposal_, gradient_, proposed_gradient_, before_, after_;
  W finite_ = W(0.0);
};

}  // namespace gmdiff::particle
