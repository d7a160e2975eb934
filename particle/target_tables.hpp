#pragma once

#include "particle/tape_tables.hpp"

// Tables of targets that are no mixtures (mathematics.md §13).

namespace gmdiff::particle {

enum class TargetKind {
  mixture,
  sin_gaussian,
  banana,
  funnel,
  many_well,
  logistic,
  expression,
  observed,
  custom,  ///< evaluated by a function of the calling program, outside of the device's code
};

template <class Real>
struct TargetTable {
  TargetKind kind;
  /// sin-gaussian: a, p, w; banana: 1 / s^2, b, s^2; funnel: 1 / s^2, (d - 1) / 2; many-well: D;
  /// logistic: 1 / s^2
  Real parameters[3];
  double constant;       ///< added to l
  Index rows;            ///< logistic: N; many-well: number of wells
  const Real* data;      ///< logistic: (N, d), the rows with the signs 2 y - 1 of their labels y
  TapeTable<Real> tape;  ///< expression; observed: of the likelihood, which is added to the mixture
  int first_work;        ///< of the tape: number of the particle's vector that is the first work vector
};

}  // namespace gmdiff::particle
