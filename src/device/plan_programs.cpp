#include "device/plan_programs.hpp"

#include <algorithm>

#include "device/work.hpp"
#include "lowering/program_builder.hpp"
#include "plan/dual_averaging.hpp"
#include "plan/program.hpp"

namespace gmdiff {

PlanPrograms::PlanPrograms(const Plan& plan) : plan_(plan), keeps_denoiser_(reads_previous_denoiser(plan)) {
  for (const Step& step : plan.steps) ends_.push_back(size() + static_cast<std::size_t>(repeats(step)));
}

Program PlanPrograms::step(const Segment& segment) const {
  return program(plan_.steps[segment.entry], keeps_denoiser_);
}

bool PlanPrograms::pauses(Extent extent) const { return extent == Extent::batch || calls_functions(plan_); }

int PlanPrograms::search_rounds(Extent extent) const {
  // Most chains find their step within a few trials.
  constexpr int trials = 3;
  static_assert((1 + most_crossing_steps) % trials == 0);
  return pauses(extent) ? plan_.search.repeats : plan_.search.repeats / trials;
}

Segment PlanPrograms::segment(std::size_t first, const std::vector<int>& kept, Extent extent) const {
  // A window is also the time that a request to stop waits.
  constexpr std::size_t most = 1 << 14;
  const auto entry = std::upper_bound(ends_.begin(), ends_.end(), first);
  std::size_t end = pauses(extent) ? first + 1 : std::min(*entry, first + most);
  // Level s + 1 is the state after step s.
  const auto next_kept = std::upper_bound(kept.begin(), kept.end(), static_cast<int>(first));
  if (next_kept != kept.end()) end = std::min(end, static_cast<std::size_t>(*next_kept));
  return {.first = first,
          .steps = static_cast<int>(end - first),
          .entry = static_cast<std::size_t>(entry - ends_.begin()),
          .slot = slot_of(kept, static_cast<int>(end))};
}

template <class Real>
std::size_t PlanPrograms::bytes(const Program& program) const {
  // The problems of a batch have one shape.
  const GuidanceTable* guidance = plan_.guidance.empty() ? nullptr : &plan_.guidance.front();
  return particle::ProgramBuilder<Real>::bytes(plan_.problems.front(), guidance, program);
}

template <class Real>
std::vector<Segment> PlanPrograms::window(std::size_t first, const std::vector<int>& kept, Extent extent,
                                          std::size_t bytes) const {
  std::vector<Segment> window;
  std::size_t used = 0;
  while (first < size()) {
    const Segment next = segment(first, kept, extent);
    used += this->bytes<Real>(step(next));
    if (used > bytes && !window.empty()) break;
    window.push_back(next);
    first = end_of(window);
  }
  return window;
}

template <class Real>
std::size_t PlanPrograms::largest_step_bytes() const {
  std::size_t largest = std::max(bytes<Real>(plan_.prologue), bytes<Real>(plan_.search));
  for (const Step& step : plan_.steps)
    largest = std::max(largest, bytes<Real>(program(step, keeps_denoiser_)));
  return largest;
}

template std::vector<Segment> PlanPrograms::window<float>(std::size_t, const std::vector<int>&, Extent,
                                                          std::size_t) const;
template std::vector<Segment> PlanPrograms::window<double>(std::size_t, const std::vector<int>&, Extent,
                                                           std::size_t) const;
template std::size_t PlanPrograms::largest_step_bytes<float>() const;
template std::size_t PlanPrograms::largest_step_bytes<double>() const;

}  // namespace gmdiff
