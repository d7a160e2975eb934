#pragma once

#include <memory>
#include <span>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "particle/tables.hpp"

// From a plan to the tables of the fast devices: double-precision products, quotients and roots of the plan's numbers, and logarithms in
// long double, each rounded once to the precision of the run (numerics.md §2).

namespace gmdiff::particle {

/// How a law's components are computed: runs of small laws through records, all others, and given points, as wide ones.
Family family_of(const MixtureTable& table);
Family wide_family_of(const MixtureTable& table);

/// Memory of tables, given out piece by piece.
template <class Real>
class Arena {
 public:
  /// Room for n numbers, where they stay until the arena is cleared.
  Real* allocate(std::size_t n);
  void clear() { pieces_.clear(); }
  /// What was given out, in that order.
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

/// Bytes that the tables of one step take.
template <class Real>
std::size_t step_bytes(const MixtureTable& mixture, const Step& step);

/// Table of one step, its numbers in `arena`.
template <class Real>
StepTable<Real> step_table(const LawTables<Real>& law, const Step& step, Arena<Real>& arena);
template <class Real>
StartTableOf<Real> start_table(const LawTables<Real>& law, const StartTable& start, Arena<Real>& arena);
/// Of a level with sigma > 0, or one where every component has a density.
template <class Real>
LevelTable<Real> level_table(const LawTables<Real>& law, Level level, Arena<Real>& arena);

}  // namespace gmdiff::particle
