#include "plan/annealed.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "plan/coefficients.hpp"

namespace gmdiff {
namespace {

using coefficients::LevelValues;

constexpr std::int64_t most_steps = 1'000'000;

void check(const Annealed& sampler) {
  require(sampler.relative_step > 0.0 && sampler.relative_step < 4.0,
          "annealed: relative_step must be in (0, 4), got ", sampler.relative_step);
  require(sampler.inner >= 1, "annealed: inner must be at least 1, got ", sampler.inner);
}

/// The levels with noise, as those of x / alpha: (1, n).
std::vector<LevelValues> noise_levels(const TimeGrid& grid) {
  std::vector<LevelValues> levels;
  for (int i = 0; i <= grid.num_steps(); ++i) {
    const GridLevel& level = grid.level(i);
    require(level.alpha > 0.0L, "annealed: x / alpha is not defined at alpha = 0, where the grid starts");
    if (level.sigma > 0.0L)
      levels.push_back(
          {.t = level.t, .alpha = 1.0L, .sigma = level.sigma / level.alpha, .p = 0.0L, .q = 0.0L});
  }
  return levels;
}

}  // namespace

Plan annealed_plan(const TimeGrid& grid, const Annealed& sampler) {
  check(sampler);
  const std::vector<LevelValues> levels = noise_levels(grid);
  require(std::ssize(levels) * std::int64_t{sampler.inner} <= most_steps, "annealed: a run has at most ",
          most_steps, " steps, got ", levels.size(), " levels of ", sampler.inner);
  Plan plan;
  plan.kind = PlanKind::sample;
  plan.start = {.law = sampler.start, .level = levels.front().rounded()};
  plan.times = {static_cast<double>(levels.front().t)};
  for (const LevelValues& level : levels) {
    plan.steps.insert(plan.steps.end(), static_cast<std::size_t>(sampler.inner),
                      coefficients::annealed(level, sampler.relative_step));
    plan.times.insert(plan.times.end(), static_cast<std::size_t>(sampler.inner),
                      static_cast<double>(level.t));
  }
  const LevelValues& last = levels.back();
  const double n = last.rounded().sigma;
  if (sampler.denoise) {
    constexpr LevelValues data{.t = 0.0L, .alpha = 1.0L, .sigma = 0.0L, .p = 0.0L, .q = 0.0L};
    plan.steps.emplace_back(coefficients::denoise(last, data));
    plan.times.push_back(0.0);
    plan.notes.push_back(concat("annealed: the last step is x <- D at n = ", n, " (denoise=true)"));
  } else {
    plan.notes.push_back(
        concat("the samples are x_t / alpha at t = ", plan.times.back(), " (n = ", n, "), not x_0"));
  }
  return plan;
}

}  // namespace gmdiff
