#pragma once

#include "particle/tables.hpp"

// Tables of an SMC plan (mathematics.md §7) in the precision of the run, as the fast devices read them. The
// types are views; smc_table_builder.hpp builds the tables. The first r coordinates are observed.

namespace gmdiff::particle {

/// Gaussian factors of the observed coordinates, (r): centre and 1 / (2 variance), which is 0 for a
/// coordinate without factor.
template <class Real>
struct FactorTable {
  const Real* centre;
  const Real* precision;
};

/// The exact transition of every component under a potential (plan/conditioned_transition.hpp). Dense
/// matrices are row-major.
template <class Real>
struct ConditionedTable {
  bool is_dense;
  const Real* constants;  ///< (K): log constants minus the largest of them
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
  LevelTable<Real> level;  ///< level t, for D or for the responsibilities
  Real a, b, nu;           ///< m = a x + b D; nu: noise of the unobserved coordinates
  /// Numerator of the weight: N(centre; m, nu^2 + v_s) when weighing before the move, g_s(x_s) when weighing
  /// after it.
  FactorTable<Real> factors;
  FactorTable<Real> divided;  ///< factors of g_t
  /// An observed coordinate moves to x_i = keep m_i + offset + deviation z_i, (r).
  const Real *keep, *offset, *deviation;
  ConditionedTable<Real> conditioned;  ///< only of transitions
  double log_constant;                 ///< the constant that `conditioned` leaves out of the weight
};

/// The first particles: x = mean + deviation z, or a draw from the mixture of `law`; and g_T if they are
/// weighted by it.
template <class Real>
struct SmcStartTable {
  const Real *mean, *deviation;  ///< (d), or null
  LawTable<Real> law;
  MoveTable<Real> move;
  FactorTable<Real> factors;
};

/// The streams and tables of one chain. Pointers refer to the memory of the device.
template <class Real>
struct ChainTables {
  LawTable<Real> law;
  SmcStartTable<Real> start;
  const SmcStepTable<Real>* steps;
  int num_steps;
  Index num_observed;
  bool weighs_before;  ///< true: weighs before moving (MCGdiff); false: after it (bootstrap)
  std::uint64_t seed;
  std::int64_t particles;
  double log_particles;  ///< log N
};

}  // namespace gmdiff::particle
