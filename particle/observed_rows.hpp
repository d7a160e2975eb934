#pragma once

#include "particle/program_tables.hpp"
#include "particle/tape.hpp"

// The rows A of an observation at a denoised point D, which guidance reads (mathematics.md §10).

namespace gmdiff::particle {

/// The rows A of a linear observation, which all particles share.
template <class V>
class LinearRows {
 public:
  using Real = RealOf<V>;
  static constexpr bool are_of_map = false;

  GMDIFF_PARTICLE LinearRows(const ObservationTable<Real>& observation, Index dim)
      : A_(observation.A), dim_(dim) {}
  GMDIFF_PARTICLE V operator()(Index a, Index i) const { return V(A_[a * dim_ + i]); }

 private:
  const Real* A_;
  Index dim_;
};

/// The rows of a map (mathematics.md §10.3): the Jacobian J of Phi at D, which a tape leaves in the
/// particle's work vectors together with y - Phi(D).
/// @tparam Work a function from the number of a work vector to the vector
template <class V, class Vector, class Work>
class RowsOfMap {
 public:
  using Real = RealOf<V>;
  static constexpr bool are_of_map = true;

  GMDIFF_PARTICLE RowsOfMap(const ObservationTable<Real>& observation, Index dim, Vector D, Work work)
      : num_rows_(observation.rows), dim_(dim), tape_(observation.tape, D, Real(0), work) {}
  /// Evaluates the map. Only one worker of a team may do so.
  GMDIFF_PARTICLE void evaluate() const { tape_.run(); }
  GMDIFF_PARTICLE V residual(Index a) const { return tape_.output(a); }
  GMDIFF_PARTICLE V operator()(Index a, Index i) const { return tape_.output(num_rows_ + a * dim_ + i); }

 private:
  Index num_rows_, dim_;
  Tape<V, Vector, Work> tape_;
};

}  // namespace gmdiff::particle
