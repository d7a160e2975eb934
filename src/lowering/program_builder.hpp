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
  /// @param guidance of the law's problem, or null. All parameters must live as long as the builder.
  ProgramBuilder(const LawTables<Real>& law, const GuidanceTable* guidance, const Plan& plan);

  /// Tables of all steps, with their numbers in `arena`; valid as long as the builder.
  const ObservationTable<Real>& observation() const { return observation_; }
  const TargetTable<Real>& target() const { return target_; }
  /// Owns the arrays of these tables, and those of the fields and matrices in the tables of stages.
  const Arena<Real>& arena() const { return arena_; }

  /// The stages of the `iterations` steps from number `first` on, closed by an `end` with the slot of the
  /// last state.
  std::vector<StageTable<Real>> step(const Program& program, std::uint64_t first, int iterations, int slot,
                                     Arena<Real>& arena) const;
  /// The stages before the first step, without an `end`.
  std::vector<StageTable<Real>> prologue(const Program& program, Arena<Real>& arena) const;

  /// Bytes of the tables of all steps, without the rows of a linear observation.
  static std::size_t shared_bytes(const Plan& plan);
  /// Bytes of the tables of one step.
  static std::size_t bytes(const MixtureTable& mixture, const GuidanceTable* guidance,
                           const Program& program);

 private:
  class StepTables;
  void add_observation();
  void add_matrix(const Eigen::MatrixXd& matrix);
  void add_fields(const Plan& plan);

  const LawTables<Real>& law_;
  const GuidanceTable* guidance_;
  const Plan& plan_;
  Arena<Real> arena_;
  ObservationTable<Real> observation_{};
  TargetTable<Real> target_{};
  std::vector<FieldTable<Real>> fields_;  // without times
  std::vector<const Real*> field_times_;
  std::vector<MatrixTable<Real>> matrices_;
  std::vector<Eigen::MatrixXd> axes_;  // A U_k: one, or K of full covariances
};

}  // namespace gmdiff::particle
