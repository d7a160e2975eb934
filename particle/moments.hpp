#pragma once

#include "particle/arithmetic.hpp"
#include "particle/program_tables.hpp"

// Running moments of a Markov chain (mathematics.md §12.4), in double in both precisions. The numbers are in
// the memory of the device: `load(place)` and `store(place, value)` of a `Memory` access those of this team's
// particles.

namespace gmdiff::particle {

template <class V, class Team, class Memory>
class RunningMoments {
 public:
  using W = WideOf<V>;
  using Vector = typename Team::Vector;

  GMDIFF_PARTICLE RunningMoments(Team& team, Index dim, const AccumulateTable& table, const Memory& memory)
      : team_(team), table_(table), memory_(memory), places_{dim, table.has_covariance} {}

  /// Adds the state x after step number `step`, which counts.
  GMDIFF_PARTICLE void add(Vector x, std::uint64_t step) {
    const auto n = static_cast<double>(step - table_.counted_from + 1);
    is_first_ = step == table_.counted_from;
    team_.sync();
    add_products(x, (n - 1.0) / n);
    team_.sync();  // the others have read the means, which now change
    add_means(x, 1.0 / n);
    if (step >= table_.batched_from) add_to_batch(x, step - table_.batched_from);
  }

 private:
  /// A number before this step; 0 before the first one that counts, when the memory may hold anything.
  GMDIFF_PARTICLE W before(Index place, bool is_first) const {
    return is_first ? W(0.0) : memory_.load(place);
  }
  /// x_i - mean_i with the mean before this step
  GMDIFF_PARTICLE W deviation(Vector x, Index i) const {
    return widen(V(x[i])) - before(places_.mean(i), is_first_);
  }

  /// Q <- Q + (n - 1)/n (x - mean)(x - mean)^T, which is (x - mean)(x - mean')^T with the new mean'
  GMDIFF_PARTICLE void add_products(Vector x, double factor) const {
    team_.for_each_own(places_.dim, [&](Index i) {
      const W scaled = W(factor) * deviation(x, i);
      for (Index j = table_.has_covariance ? 0 : i; j <= i; ++j) {
        const Index place = places_.product(i, j);
        memory_.store(place, fma(scaled, deviation(x, j), before(place, is_first_)));
      }
    });
  }
  GMDIFF_PARTICLE void add_means(Vector x, double factor) const {
    team_.for_each_own(places_.dim, [&](Index i) {
      const Index place = places_.mean(i);
      memory_.store(place, fma(W(factor), deviation(x, i), before(place, is_first_)));
    });
  }
  /// @param n number of the step among those of the batches, from 0
  GMDIFF_PARTICLE void add_to_batch(Vector x, std::uint64_t n) const {
    const auto q = static_cast<Index>(n / table_.batch);
    const bool is_first = n % table_.batch == 0;
    team_.for_each_own(places_.dim, [&](Index i) {
      const Index place = places_.batch(q, i);
      memory_.store(place, before(place, is_first) + widen(V(x[i])));
    });
  }

  Team& team_;
  const AccumulateTable& table_;
  const Memory& memory_;
  MomentPlaces places_;
  bool is_first_ = false;
};

}  // namespace gmdiff::particle
