#pragma once

#include <vector>

#include <gmdiff/plan/smc_plan.hpp>

#include "lowering/table_builder.hpp"
#include "particle/program_tables.hpp"
#include "particle/smc_tables.hpp"

namespace gmdiff::particle {

/// All tables of an SMC plan. SMC computes laws of all dimensions as wide ones.
template <class Real>
class SmcTables {
 public:
  explicit SmcTables(const SmcPlan& plan);

  /// The tables of the chains of one seed; valid as long as this object.
  ChainTables<Real> chain(std::uint64_t seed) const;
  const LawTables<Real>& law() const { return law_; }
  const Arena<Real>& arena() const { return arena_; }
  const std::vector<SmcStepTable<Real>>& steps() const { return steps_; }
  const SmcStartTable<Real>& start() const { return start_; }
  /// Potentials of an observation with a map, or null.
  const MapPotentialTable<Real>* map() const { return plan_.map ? &map_ : nullptr; }
  /// The levels of `map`, (steps + 1) or none.
  const std::vector<StageTable<Real>>& potentials() const { return potentials_; }
  /// Logarithm of the constants that the weights of all steps omit.
  double log_constant() const;
  /// Bytes that these tables will take.
  static std::size_t bytes(const SmcPlan& plan);

 private:
  const Real* numbers(const Eigen::VectorXd& values);
  FactorTable<Real> factors(const Potential& g, double added);
  SmcStepTable<Real> step(const SmcStep& step);
  void set_affine(const AffineStep& affine, const Potential& at_s, SmcStepTable<Real>& table);
  void set_transition(const MixtureTransition& transition, const Potential& at_s, SmcStepTable<Real>& table);
  void set_start();
  void set_map(const MapPotentials& map);

  const SmcPlan& plan_;
  LawTables<Real> law_;
  std::vector<LawTables<Real>> start_law_;  // at most one
  Arena<Real> arena_;
  SmcStartTable<Real> start_{};
  std::vector<SmcStepTable<Real>> steps_;
  std::vector<StageTable<Real>> potentials_;  // of a map, one for each level
  MapPotentialTable<Real> map_{};
};

}  // namespace gmdiff::particle
