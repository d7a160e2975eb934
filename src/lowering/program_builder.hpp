#pragma once

#include <cstdint>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "lowering/table_builder.hpp"
#include "particle/program_tables.hpp"

namespace gmdiff::particle {

/// Builds the tables of programs. Programs compute laws of all dimensions as wide ones.
template <class Real>
class ProgramBuilder {
 public:
  /// @param guidance of the law's problem, or null. Both must live as long as the builder.
  ProgramBuilder(const LawTables<Real>& law, const GuidanceTable* guidance);

  /// The observation; valid as long as the builder.
  const ObservationTable<Real>& observation() const { return observation_; }
  const Arena<Real>& observation_arena() const { return observation_arena_; }

  /// The stages of step number `number`, closed by an `end` with the slot of its state.
  std::vector<StageTable<Real>> step(const Program& program, std::uint64_t number, int slot,
                                     Arena<Real>& arena) const;

  /// Bytes of the tables of one step.
  static std::size_t bytes(const MixtureTable& mixture, const GuidanceTable* guidance,
                           const Program& program);

 private:
  class StepTables;

  const LawTables<Real>& law_;
  const GuidanceTable* guidance_;
  Arena<Real> observation_arena_;
  ObservationTable<Real> observation_{};
  std::vector<Eigen::MatrixXd> axes_;  // A U_k: one, or K of full covariances
};

}  // namespace gmdiff::particle
