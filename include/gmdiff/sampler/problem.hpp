#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler/sampler.hpp>
#include <gmdiff/sampler/smc.hpp>

namespace gmdiff {

/// What a problem can be sampled by: a reverse-time sampler, of the prior or the exact posterior; or sequential Monte Carlo, which needs an
/// observation.
using AnySampler = std::variant<Sampler, SmcSampler>;

/// What a problem file holds (guide.md, "Problem files"). Missing parts have these defaults.
struct Problem {
  Mixture prior;
  ProcessDescription process = Vp{};
  GridDescription grid = UniformGrid{};
  std::optional<LinearObservation> observation = {};
  AnySampler sampler = Ddim{};
};

/// Mixtures of the tutorial (docs/guide.md): 1-D with three components observed at 0.5, 2-D with two components observed in its first
/// coordinate; VP linear 0.02 ... 7, 300 uniform steps.
Problem tutorial_1d();
Problem tutorial_2d();
/// The problem of all speed figures: three full components in 2-D, VP, 300 Euler-Maruyama steps.
Problem bench_2d();
/// Benchmark of the MCGdiff paper (mathematics.md §7.8): 25 components, linear observation drawn from `seed`. dx even, at most 10000; 1 <=
/// dy <= dx.
struct McgdiffProblem {
  int dx = 8;
  int dy = 2;
  std::uint64_t seed = 0;
  int points = 21;  ///< of the adapted grid: points - 1 steps
};
/// A function of the parameters alone: every random array has its own stream (numerics.md §5, purpose "user").
/// @throws std::invalid_argument for parameters out of range.
Problem mcgdiff_problem(const McgdiffProblem& parameters);

}  // namespace gmdiff
