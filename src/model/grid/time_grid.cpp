#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <gmdiff/model/time_grid.hpp>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "model/grid/time_grid_levels.hpp"

namespace gmdiff {

namespace {

using Levels = std::vector<GridLevel>;

constexpr int max_steps = 10'000'000;  // bounds the memory of a grid

// n_max is often given as sigma(T) / alpha(T) computed in double. A value that exceeds n(T) by rounding only
// counts as n(T).
constexpr long double noise_tolerance = 1e-12L;

void require_steps(const char* grid, int steps) {
  require(steps >= 1, grid, ": steps must be at least 1, got ", steps);
  require(steps <= max_steps, grid, ": at most ", max_steps, " steps, got ", steps);
}

void require_inside(const char* grid, const char* name, double t, const ForwardProcess& process) {
  require(t >= 0.0 && t <= process.T(), grid, ": ", name, " must lie in [0, ", process.T(), "], got ", t);
}

/// Start of a grid in t; checks start and end.
double start_time(const char* grid, const std::optional<double>& t_start, double t_end,
                  const ForwardProcess& process) {
  const double start = t_start.value_or(process.T());
  require_inside(grid, "t_start", start, process);
  require_inside(grid, "t_end", t_end, process);
  require(t_end < start, grid, ": t_end must be less than t_start = ", start, ", got ", t_end);
  return start;
}

/// Point i of 0..steps from `start` to `end`, both ends exact.
long double equally_spaced(long double start, long double end, int i, int steps) {
  return (static_cast<long double>(steps - i) * start + static_cast<long double>(i) * end) /
         static_cast<long double>(steps);
}

/// The level with noise-to-signal ratio n; its time is rounded to double.
GridLevel level_of(const ForwardProcess& process, long double n) {
  const ProcessValues v = process.values_at_noise_to_signal(n);
  return {.t = static_cast<double>(process.time_of_noise_to_signal(n)), .alpha = v.alpha, .sigma = v.sigma};
}

Levels levels_of(const UniformGrid& grid, const ForwardProcess& process, const LinearObservation*) {
  require_steps("UniformGrid", grid.steps);
  const double start = start_time("UniformGrid", grid.t_start, grid.t_end, process);
  Levels levels;
  for (int i = 0; i <= grid.steps; ++i)
    levels.push_back(
        level_at(process, static_cast<double>(equally_spaced(start, grid.t_end, i, grid.steps))));
  return levels;
}

/// The largest n of a Karras grid: n_max, limited to n(T).
long double largest_noise(const KarrasGrid& grid, const ForwardProcess& process) {
  const ProcessValues end = process.values(process.T());
  const long double reachable = end.sigma / end.alpha;
  require(grid.n_max <= reachable * (1.0L + noise_tolerance),
          "KarrasGrid: n_max must be at most sigma / alpha at T = ", process.T(), " of the process ",
          process.name(), ", which is ", reachable, ", got ", grid.n_max);
  return std::min(static_cast<long double>(grid.n_max), reachable);
}

Levels levels_of(const KarrasGrid& grid, const ForwardProcess& process, const LinearObservation*) {
  require_steps("KarrasGrid", grid.steps);
  require(std::isfinite(grid.rho) && grid.rho > 0.0, "KarrasGrid: rho must be finite and > 0, got ",
          grid.rho);
  require(std::isfinite(grid.n_min) && grid.n_min > 0.0, "KarrasGrid: n_min must be finite and > 0, got ",
          grid.n_min);
  require(std::isfinite(grid.n_max) && grid.n_max > grid.n_min,
          "KarrasGrid: n_max must be finite and greater than n_min = ", grid.n_min, ", got ", grid.n_max);
  const long double n_max = largest_noise(grid, process), n_min = grid.n_min, rho = grid.rho;
  const long double root_max = extended::pow(n_max, 1.0L / rho), root_min = extended::pow(n_min, 1.0L / rho);
  const int last = grid.steps - 1;
  Levels levels{level_of(process, n_max)};
  for (int i = 1; i <= last; ++i)
    levels.push_back(level_of(
        process, i == last ? n_min : extended::pow(equally_spaced(root_max, root_min, i, last), rho)));
  levels.push_back(level_of(process, 0.0L));
  return levels;
}

Levels levels_of(const LogSnrGrid& grid, const ForwardProcess& process, const LinearObservation*) {
  require_steps("LogSnrGrid", grid.steps);
  require(grid.t_end != 0.0, "LogSnrGrid: t_end is required and must be > 0, got 0");
  const double t_start = start_time("LogSnrGrid", grid.t_start, grid.t_end, process);
  const GridLevel start = level_at(process, t_start), end = level_at(process, grid.t_end);
  require(start.alpha > 0.0L, "LogSnrGrid: t_start must be given and have alpha > 0, but alpha(", t_start,
          ") = 0");
  require(end.sigma > 0.0L, "LogSnrGrid: sigma must be > 0 at t_end = ", grid.t_end);
  const long double first = extended::log(start.alpha / start.sigma),
                    last = extended::log(end.alpha / end.sigma);
  const int intervals = grid.end_at_data ? grid.steps - 1 : grid.steps;
  Levels levels{start};
  for (int i = 1; i < intervals; ++i)
    levels.push_back(level_of(process, extended::exp(-equally_spaced(first, last, i, intervals))));
  if (intervals > 0) levels.push_back(end);
  if (grid.end_at_data) levels.push_back(level_of(process, 0.0L));
  return levels;
}

Levels levels_at(const ForwardProcess& process, const std::vector<int>& indices) {
  Levels levels;
  for (const int index : indices) levels.push_back(level_at(process, index));
  return levels;
}

Levels levels_of(const DdimGrid& grid, const ForwardProcess& process, const LinearObservation*) {
  const std::int64_t table = table_steps(process, "DdimGrid"), steps = grid.steps;
  require(steps >= 1 && steps <= table, "DdimGrid: steps must lie between 1 and the ", table,
          " steps of the table, got ", steps);
  std::vector<int> indices;
  for (std::int64_t i = steps; i >= 0; --i) {  // A table has at most 1e6 steps, so table i^2 <= 1e18.
    const std::int64_t index =
        grid.spacing == DdimGrid::Spacing::linear ? table * i / steps : table * i * i / (steps * steps);
    if (indices.empty() || index < indices.back()) indices.push_back(static_cast<int>(index));
  }
  return levels_at(process, indices);
}

Levels levels_of(const McgdiffGrid& grid, const ForwardProcess& process,
                 const LinearObservation* observation) {
  return levels_at(process, mcgdiff_indices(process, grid, observation));
}

Levels levels_of(const ListGrid& grid, const ForwardProcess& process, const LinearObservation*) {
  require(grid.t.size() >= 2, "ListGrid: needs at least 2 times, got ", grid.t.size());
  Levels levels;
  for (std::size_t i = 0; i < grid.t.size(); ++i) {
    require_inside("ListGrid", ("t[" + std::to_string(i) + "]").c_str(), grid.t[i], process);
    require(i == 0 || grid.t[i] < grid.t[i - 1], "ListGrid: times must decrease, but t[", i,
            "] = ", grid.t[i], " follows ", i == 0 ? 0.0 : grid.t[i - 1]);
    levels.push_back(level_at(process, grid.t[i]));
  }
  return levels;
}

void require_decreasing_noise(const Levels& levels) {
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const GridLevel &noisy = levels[i - 1], &clean = levels[i];
    const long double before = noisy.sigma / noisy.alpha, after = clean.sigma / clean.alpha;
    require(after < before, "TimeGrid: sigma / alpha must decrease, but goes from ", before, " at level ",
            i - 1, " (t = ", noisy.t, ") to ", after, " at level ", i, " (t = ", clean.t, ")");
  }
}

}  // namespace

GridLevel level_at(const ForwardProcess& process, double t) {
  const ProcessValues v = process.values(t);
  return {.t = t, .alpha = v.alpha, .sigma = v.sigma};
}

int table_steps(const ForwardProcess& process, const char* grid) {
  require(std::holds_alternative<Ddpm>(process.description()), grid, ": needs a ddpm process, got ",
          process.name());
  return static_cast<int>(process.T());
}

TimeGrid::TimeGrid(const ForwardProcess& process, const GridDescription& description,
                   const LinearObservation* observation)
    : description_(description),
      levels_(
          std::visit([&](const auto& grid) { return levels_of(grid, process, observation); }, description)) {
  require_decreasing_noise(levels_);
}

TimeGrid TimeGrid::uniform(const ForwardProcess& process, int steps, double t_end) {
  return {process, UniformGrid{.steps = steps, .t_start = {}, .t_end = t_end}};
}

TimeGrid TimeGrid::list(const ForwardProcess& process, std::vector<double> t) {
  return {process, ListGrid{.t = std::move(t)}};
}

std::vector<double> TimeGrid::times() const {
  std::vector<double> times;
  times.reserve(levels_.size());
  for (const GridLevel& level : levels_) times.push_back(level.t);
  return times;
}

}  // namespace gmdiff
