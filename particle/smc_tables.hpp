#pragma once

#include "particle/tables.hpp"

// What the fast devices read of an SMC plan (mathematics.md §7), in the precision of the run. Views only; smc_table_builder.hpp makes them.
// r coordinates are observed, the first ones.

namespace gmdiff::particle {

/// Gaussian factors, (r): centre, and 1 / (2 variance), 0 where there is none.
template <class Real>
struct FactorTable {
  const Real* centre;
  const Real* precision;
};

/// The exact transition of every component under a potential (plan/conditioned_transition.hpp). Dense matrices stand row by row.
template <class Real>
struct ConditionedTable {
  bool is_dense;
  const Real* constants;  ///< (K): log constants, less the largest of them
  const Real* whitening;  ///< (K, r), dense (K, r, d)
  const Real* offset;     ///< (K, r)
  const Real* mean;       ///< (K, d)
  const Real* gain;       ///< (K, d), dense (K, d, d)
  const Real* noise;      ///< (K, d), dense (K, d, d)
};

template <class Real>
struct SmcStepTable {
  bool is_weighted;
  bool is_transition;
  LevelTable<Real> level;  ///< t: of D, or of the responsibilities
  Real a, b, nu;           ///< m = a x + b D; noise of the coordinates that are not observed
  /// What the weight multiplies with: before moving N(centre; m, nu^2 + v_s), after it g_s(x_s).
  FactorTable<Real> factors;
  FactorTable<Real> divided;  ///< factors of g_t
  /// x_i = keep m_i + offset + deviation z_i of an observed coordinate, (r).
  const Real *keep, *offset, *deviation;
  ConditionedTable<Real> conditioned;  ///< of a transition
  double log_constant;                 ///< the constant that `conditioned` leaves out, of a weighted step
};

/// The first particles: x = mean + deviation z, or a move from the mixture of `law`; and g_T, where they are weighted by it.
template <class Real>
struct SmcStartTable {
  const Real *mean, *deviation;  ///< (d), or null
  LawTable<Real> law;
  MoveTable<Real> move;
  FactorTable<Real> factors;
};

/// The streams and tables of one chain; pointers are to the memory of the device.
template <class Real>
struct ChainTables {
  LawTable<Real> law;
  SmcStartTable<Real> start;
  const SmcStepTable<Real>* steps;
  int num_steps;
  Index num_observed;
  bool weighs_before;  ///< moving (MCGdiff), or after it (bootstrap)
  std::uint64_t seed;
  std::int64_t particles;
  double log_particles;  ///< log N
};

}  // namespace gmdiff::particle
