#pragma once

#include <cstddef>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "device/executor.hpp"
#include "particle/program_tables.hpp"

namespace gmdiff {

/// The steps of a plan as stages, and the windows of steps whose tables a device holds at a time.
class PlanPrograms {
 public:
  /// @param plan must live as long as this object
  explicit PlanPrograms(const Plan& plan);

  std::size_t size() const { return plan_.steps.size(); }
  Program step(std::size_t number) const;
  /// One past the last step of a window that begins with step `first`: as many steps as have tables of `bytes`,
  /// but at least one.
  template <class Real>
  std::size_t window_end(std::size_t first, std::size_t bytes) const;
  /// Bytes of the tables of the step that has most.
  template <class Real>
  std::size_t largest_step_bytes() const;

 private:
  template <class Real>
  std::size_t bytes(std::size_t step) const;

  const Plan& plan_;
  bool keeps_denoiser_;
};

/// End of the stages from `begin` on that particles go through without a pause: the next call of a custom
/// denoiser, or after one stage if the task runs in batches.
template <class Real>
std::size_t piece_end(const std::vector<particle::StageTable<Real>>& stages, std::size_t begin,
                      Extent extent) {
  if (extent == Extent::batch) return begin + 1;
  std::size_t end = begin;
  while (end < stages.size() && stages[end].kind != particle::StageKind::call) ++end;
  return end;
}

}  // namespace gmdiff
