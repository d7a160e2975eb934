#pragma once

#include <memory>
#include <span>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "particle/tables.hpp"

// Builds the tables of the fast devices from a plan: products, quotients and roots of the plan's numbers in
// double and logarithms in long double, each rounded once to the precision of the run (numerics.md §2).

namespace gmdiff::particle {

/// Family of a law: small laws are computed from records in runs; all other laws, and all laws at given
/// points, are wide.
Family family_of(const MixtureTable& table);
Family wide_family_of(const MixtureTable& table);
inline bool is_full(const MixtureTable& table) { return table.structure == CovarianceType::full; }

/// Memory of tables, allocated piece by piece.
template <class Real>
class Arena {
 public:
  /// Allocates n numbers, which stay in place until the arena is cleared.
  Real* allocate(std::size_t n);
  void clear() { pieces_.clear(); }
  /// The allocated pieces in order.
  const std::vector<std::vector<Real>>& pieces() const { return pieces_; }

 private:
  std::vector<std::vector<Real>> pieces_;
};

/// The tables of one law that hold at every level.
template <class Real>
class LawTables {
 public:
  LawTables(const MixtureTable& mixture, Family family);
  const LawTable<Real>& table() const { return table_; }
  const MixtureTable& mixture() const { return mixture_; }
  /// Bytes of these tables.
  static std::size_t bytes(const MixtureTable& mixture, Family family);

 private:
  const MixtureTable& mixture_;
  std::vector<Real> means_, bases_;
  LawTable<Real> table_;
};

/// Bytes of the tables of one step.
template <class Real>
std::size_t step_bytes(const MixtureTable& mixture, const Step& step);

/// Table of one step, with its numbers in `arena`.
template <class Real>
StepTable<Real> step_table(const LawTables<Real>& law, const Step& step, Arena<Real>& arena);
/// Table of an exact transition or, at s = (1, 0), of a draw of x_0.
template <class Real>
MoveTable<Real> transition_table(const LawTables<Real>& law, const MixtureTransition& step,
                                 Arena<Real>& arena);
/// Table of the level of an evaluation of D, which needs no density at the data.
template <class Real>
LevelTable<Real> evaluation_level(const LawTables<Real>& law, const Level& level, Arena<Real>& arena);
template <class Real>
StartTableOf<Real> start_table(const LawTables<Real>& law, const StartTable& start, Arena<Real>& arena);
/// Table of a level with sigma > 0, or of any level at which every component has a density.
template <class Real>
LevelTable<Real> level_table(const LawTables<Real>& law, Level level, Arena<Real>& arena);

}  // namespace gmdiff::particle
