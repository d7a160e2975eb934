#pragma once

#include "particle/elementary.hpp"
#include "particle/program_tables.hpp"

// The step eps that a Markov chain adapts (mathematics.md §12.3), in double in both precisions. The square
// root and the quotients are correctly rounded, so every device has the same m^(-3/4) without a table.

namespace gmdiff::particle {

/// A factor f as a function of eps.
template <class W>
GMDIFF_PARTICLE W scaled(W f, StepScale scale, W eps) {
  switch (scale) {
    case StepScale::none:
      return f;
    case StepScale::linear:
      return f * eps;
    case StepScale::square:
      return f * eps * eps;
    case StepScale::decay:
      return exp(-(f * eps));
    case StepScale::spread: {
      // C^2 + S^2 = 1 to rounding, also for the decay C of a short step.
      const W C = exp(-(f * eps));
      return sqrt(fma(-C, C, W(1.0)));
    }
  }
  return f;
}

/// After a trial: eps doubles where the acceptance at eps = 1 was above 1/2, else it halves, until the
/// acceptance is on the other side.
template <class W>
GMDIFF_PARTICLE void search_step(ChainNumbers<W>& chain) {
  const W side = select(W(0.5) < chain.probability, W(1.0), W(-1.0));
  const W found = select(chain.search == side, side, W(ChainNumbers<W>::search_ended));
  chain.search = select(chain.search == W(0.0), side, found);
  const W factor = select(chain.search == W(1.0), W(2.0), select(chain.search == W(-1.0), W(0.5), W(1.0)));
  chain.step = chain.step * factor;
}

/// After step m = 1, 2, ... of the warm-up, with a = min(1, ratio):
///   H_m = (1 - 1/(m + 10)) H_{m-1} + (delta - a) / (m + 10)
///   log eps_m = log(10 eps_0) - 20 sqrt(m) H_m
///   log eps~_m = m^(-3/4) log eps_m + (1 - m^(-3/4)) log eps~_{m-1}
/// and eps = eps~ after the last one.
template <class W>
GMDIFF_PARTICLE void average_step(const AdaptTable& table, std::uint64_t step, ChainNumbers<W>& chain) {
  if (step == table.first) {
    chain.centre = log(W(10.0) * chain.step);
    chain.error = W(0.0);
    chain.average = W(0.0);
  }
  const W m(static_cast<double>(step - table.first + 1));
  const W weight = W(1.0) / (m + W(10.0));
  chain.error = fma(weight, (W(table.target) - chain.probability) - chain.error, chain.error);
  const W root = sqrt(m);
  const W log_step = fma(W(-20.0) * root, chain.error, chain.centre);
  const W newest = W(1.0) / (root * sqrt(root));
  chain.average = fma(newest, log_step - chain.average, chain.average);
  chain.step = exp(step == table.last ? chain.average : log_step);
}

template <class W>
GMDIFF_PARTICLE void adapt_step(const AdaptTable& table, std::uint64_t step, ChainNumbers<W>& chain) {
  switch (table.rule) {
    case StepRule::begin:
      chain.step = W(1.0);
      return;
    case StepRule::search:
      return search_step(chain);
    case StepRule::average:
      return average_step(table, step, chain);
  }
}

}  // namespace gmdiff::particle
