#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "report/palette.hpp"
#include "report/panel.hpp"
#include "report/pictures.hpp"

// Paths without a law behind them.

namespace gmdiff::report {
namespace {

/// The axis over all finite values of a coordinate.
Axis range_of(const std::vector<SampledPaths>& runs, Eigen::Index coordinate, const std::string& label) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const SampledPaths& run : runs) {
    for (const Points& path : run.paths) {
      for (Eigen::Index m = 0; m < path.rows(); ++m) {
        if (!std::isfinite(path(m, coordinate))) continue;
        low = std::min(low, path(m, coordinate));
        high = std::max(high, path(m, coordinate));
      }
    }
  }
  require(low <= high, "plot paths: no state of the paths is finite");
  return widened(low, high, 0.04, label);
}

Axis time_range(const std::vector<SampledPaths>& runs) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const SampledPaths& run : runs) {
    const auto [least, most] = std::ranges::minmax(run.times);
    low = std::min(low, least);
    high = std::max(high, most);
  }
  return {.low = low, .high = high, .label = "time t"};
}

/// A path over time, or in the plane.
std::vector<Place> places_of(const SampledPaths& run, const Points& path) {
  std::vector<Place> places;
  places.reserve(run.times.size());
  for (Eigen::Index m = 0; m < path.rows(); ++m) {
    places.push_back(path.cols() == 1 ? Place{run.times[static_cast<std::size_t>(m)], path(m, 0)}
                                      : Place{path(m, 0), path(m, 1)});
  }
  return places;
}

}  // namespace

Picture bare_paths_picture(const std::vector<SampledPaths>& runs, const std::vector<std::string>& axes,
                           double width) {
  require(!runs.empty() && runs.size() <= static_cast<std::size_t>(num_categories),
          "plot paths: expected 1 to ", num_categories, " runs, got ", runs.size());
  const bool over_time = axes.size() == 1;
  Figure figure(width, runs.size() == 1 ? runs.front().name : concat("Paths of ", runs.size(), " runs"));
  const Axis x = over_time ? time_range(runs) : range_of(runs, 0, axes[0]);
  const Axis y = range_of(runs, over_time ? 0 : 1, axes.back());
  const Box outer = figure.row(1, std::clamp((over_time ? 0.5 : 0.72) * width, 220.0, 600.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, x, y, ""), x, y);
  std::vector<LegendEntry> legend;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::string color = stroke_class(static_cast<int>(r));
    // A few paths are drawn as curves, many as thin lines.
    const std::string style = (runs[r].paths.size() > 5 ? "thin " : "curve ") + color;
    for (const Points& path : runs[r].paths) panel.curve(places_of(runs[r], path), style);
    legend.push_back({LegendEntry::Mark::line, color, runs[r].name});
  }
  panel.close();
  if (runs.size() > 1) figure.legend(legend);
  for (const SampledPaths& run : runs) {
    if (std::cmp_less(run.paths.size(), run.total))
      figure.note(concat(count_label(std::ssize(run.paths)), " of ", run.name, ", evenly spaced."));
  }
  return figure.finish();
}

}  // namespace gmdiff::report
