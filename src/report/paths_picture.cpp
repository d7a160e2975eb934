#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/check.hpp"
#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

std::string time_text(double time) { return "t = " + number_label(time); }

void add_path_count(Figure& figure, const SampledPaths& paths) {
  if (std::cmp_less(paths.paths.size(), paths.total))
    figure.note(concat(count_label(std::ssize(paths.paths)), " of ", count_label(paths.total),
                       " paths, evenly spaced."));
}

/// The axis of the kept levels: their times, or their numbers where most times are close together.
struct LevelAxis {
  Axis axis;
  std::vector<double> places;  ///< of the levels
};

LevelAxis level_axis(const std::vector<double>& times) {
  std::vector<double> sorted = times;
  std::ranges::sort(sorted);
  const double middle = sorted[sorted.size() / 2];
  const bool is_crowded = middle - sorted.front() < 0.1 * (sorted.back() - sorted.front());
  if (!is_crowded) return {{.low = sorted.front(), .high = sorted.back(), .label = "time t"}, times};
  LevelAxis numbered{
      {.low = 0.0,
       .high = static_cast<double>(times.size() - 1),
       .label = concat("kept level, from ", time_text(times.front()), " to ", time_text(times.back()))},
      {}};
  for (std::size_t i = 0; i < times.size(); ++i) numbered.places.push_back(static_cast<double>(i));
  return numbered;
}

/// The depths of the diffused laws over the levels, in the order of the axis.
GridValues diffused_depths(const ViewedLaw& law, const SampledPaths& paths, const LevelAxis& levels,
                           const Axis& y, bool& blurred) {
  constexpr int nodes = 141;
  std::vector<std::size_t> order(levels.places.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return levels.places[i]; });
  GridValues grid{{}, {}, Points(nodes, std::ssize(order))};
  for (const std::size_t level : order) {
    const auto column = std::ssize(grid.x);
    grid.x.push_back(levels.places[level]);
    const std::vector<Place> curve =
        density_curve(law.mixture.diffuse(paths.levels[level]), y, nodes, blurred);
    grid.y.clear();
    for (const Place& place : curve) {
      grid.values(std::ssize(grid.y), column) = place.y;
      grid.y.push_back(place.x);
    }
  }
  grid.values = depth_of(grid.values, /*by_column=*/true);
  return grid;
}

Picture paths_over_time(const ViewedLaw& law, const SampledPaths& paths, double width) {
  Figure figure(width, paths.name, "paths over the diffused " + law.name);
  const LevelAxis levels = level_axis(paths.times);
  Axis y = axis_of(law, 0, paths.levels.front());
  for (const Level& level : paths.levels) y = union_of(y, axis_of(law, 0, level));
  bool blurred = false;
  const GridValues depths = diffused_depths(law, paths, levels, y, blurred);
  const Box outer = figure.row(1, std::clamp(0.58 * width, 220.0, 520.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, levels.axis, y, ""), levels.axis, y);
  draw_depths(panel, depths);
  for (const Points& path : paths.paths) {
    std::vector<Place> places;
    for (Eigen::Index m = 0; m < path.rows(); ++m)
      places.push_back({levels.places[static_cast<std::size_t>(m)], path(m, 0)});
    panel.curve(places, "thin " + stroke_class(0));
  }
  panel.close();
  std::vector<LegendEntry> legend = density_legend();
  legend.front().label = "99 % of the law's mass at each time";
  legend.push_back({LegendEntry::Mark::line, stroke_class(0), "paths"});
  figure.legend(legend);
  add_path_count(figure, paths);
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

/// The level with the least noise, which is the last one of a sampler and the first one of a forward run.
std::size_t cleanest(const SampledPaths& paths) {
  const auto noise = [&](const Level& level) { return level.sigma / level.alpha; };
  return static_cast<std::size_t>(std::ranges::min_element(paths.levels, {}, noise) - paths.levels.begin());
}

Picture paths_in_plane(const ViewedLaw& law, const SampledPaths& paths, double width) {
  const std::size_t clean = cleanest(paths);
  Figure figure(width, paths.name, "paths over the " + law.name + " at " + time_text(paths.times[clean]));
  Axis x = axis_of(law, 0, paths.levels[clean]), y = axis_of(law, 1, paths.levels[clean]);
  for (const Level& level : {paths.levels.front(), paths.levels.back()}) {
    x = union_of(x, axis_of(law, 0, level));
    y = union_of(y, axis_of(law, 1, level));
  }
  const Box outer = figure.row(1, std::clamp(0.72 * width, 240.0, 600.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, x, y, ""), x, y);
  const bool blurred = draw_density(panel, law.mixture.diffuse(paths.levels[clean]), x, y);
  std::vector<Place> starts, ends;
  for (const Points& path : paths.paths) {
    std::vector<Place> places;
    for (Eigen::Index m = 0; m < path.rows(); ++m) places.push_back({path(m, 0), path(m, 1)});
    panel.curve(places, "thin " + stroke_class(0));
    starts.push_back(places.front());
    ends.push_back(places.back());
  }
  panel.dots(starts, "ends " + stroke_class(6));
  panel.dots(ends, "ends " + stroke_class(0));
  panel.close();
  std::vector<LegendEntry> legend = density_legend();
  legend.push_back({LegendEntry::Mark::dot, stroke_class(6), "start, " + time_text(paths.times.front())});
  legend.push_back({LegendEntry::Mark::dot, stroke_class(0), "end, " + time_text(paths.times.back())});
  figure.legend(legend);
  add_path_count(figure, paths);
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

}  // namespace

Picture paths_picture(const ViewedLaw& law, const SampledPaths& paths, double width) {
  return law.is_curve() ? paths_over_time(law, paths, width) : paths_in_plane(law, paths, width);
}

}  // namespace gmdiff::report
