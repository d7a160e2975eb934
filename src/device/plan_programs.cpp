#include "device/plan_programs.hpp"

#include <algorithm>

#include "lowering/program_builder.hpp"
#include "plan/program.hpp"

namespace gmdiff {

PlanPrograms::PlanPrograms(const Plan& plan) : plan_(plan), keeps_denoiser_(reads_previous_denoiser(plan)) {}

Program PlanPrograms::step(std::size_t number) const { return program(plan_.steps[number], keeps_denoiser_); }

template <class Real>
std::size_t PlanPrograms::bytes(std::size_t number) const {
  // The problems of a batch have one shape.
  const GuidanceTable* guidance = plan_.guidance.empty() ? nullptr : &plan_.guidance.front();
  return particle::ProgramBuilder<Real>::bytes(plan_.problems.front(), guidance, step(number));
}

template <class Real>
std::size_t PlanPrograms::window_end(std::size_t first, std::size_t bytes) const {
  std::size_t used = 0;
  std::size_t end = first;
  while (end < size()) {
    used += this->bytes<Real>(end);
    if (used > bytes && end > first) break;
    ++end;
  }
  return end;
}

template <class Real>
std::size_t PlanPrograms::largest_step_bytes() const {
  std::size_t largest = 0;
  for (std::size_t number = 0; number < size(); ++number) largest = std::max(largest, bytes<Real>(number));
  return largest;
}

template std::size_t PlanPrograms::window_end<float>(std::size_t, std::size_t) const;
template std::size_t PlanPrograms::window_end<double>(std::size_t, std::size_t) const;
template std::size_t PlanPrograms::largest_step_bytes<float>() const;
template std::size_t PlanPrograms::largest_step_bytes<double>() const;

}  // namespace gmdiff
