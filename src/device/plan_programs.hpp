#pragma once

#include <cstddef>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "device/executor.hpp"
#include "particle/program_tables.hpp"

namespace gmdiff {

/// Steps that have the same stages, follow each other, and of which only the last one may be kept.
struct Segment {
  std::size_t first;  ///< number of the first step
  int steps;
  std::size_t entry;  ///< their entry of `Plan::steps`
  int slot;           ///< place of the last state among the kept levels, or -1
};

/// The steps of a plan as stages, and the windows of steps whose tables a device holds at a time.
class PlanPrograms {
 public:
  /// @param plan must live as long as this object
  explicit PlanPrograms(const Plan& plan);

  const Program& prologue() const { return plan_.prologue; }
  /// Number of parts in which the repeated stages of the search run. A device stops after a part in which the
  /// search of the last chain has ended. If the stages pause, every trial is a part.
  int search_rounds(Extent extent) const;
  /// Number of steps.
  std::size_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  Program step(const Segment& segment) const;
  /// The segments of a window that begins with step `first`: as many steps as have tables of `bytes`, but at
  /// least one. In batches every step is a segment of its own.
  template <class Real>
  std::vector<Segment> window(std::size_t first, const std::vector<int>& kept, Extent extent,
                              std::size_t bytes) const;
  /// Bytes of the tables of the step that has most.
  template <class Real>
  std::size_t largest_step_bytes() const;

 private:
  /// Whether particles wait for each other, or for a function, within a step.
  bool pauses(Extent extent) const;
  Segment segment(std::size_t first, const std::vector<int>& kept, Extent extent) const;
  template <class Real>
  std::size_t bytes(const Program& program) const;

  const Plan& plan_;
  bool keeps_denoiser_;
  std::vector<std::size_t> ends_;  // for each entry of the plan, one past the number of its last step
};

/// One past the last step of a window.
inline std::size_t end_of(const std::vector<Segment>& window) {
  return window.back().first + static_cast<std::size_t>(window.back().steps);
}

/// End of the stages from `begin` on that particles go through without a pause: the next call of a custom
/// denoiser or target, or after one stage if the task runs in batches.
template <class Real>
std::size_t piece_end(const std::vector<particle::StageTable<Real>>& stages, std::size_t begin,
                      Extent extent) {
  if (extent == Extent::batch) return begin + 1;
  std::size_t end = begin;
  while (end < stages.size() && !particle::is_call(stages[end].kind)) ++end;
  return end;
}

}  // namespace gmdiff
