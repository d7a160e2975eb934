#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

/// The axis of the target, extended to the components of all states, by its own length at most.
Axis axis_of_all(const ViewedTarget& target, const std::vector<SamplerState>& states, Eigen::Index axis) {
  const Axis of_target = axis_of(target, axis);
  const double length = of_target.high - of_target.low;
  double low = of_target.low, high = of_target.high;
  for (const SamplerState& state : states) {
    low = std::min(low, (state.means.col(axis) - state.deviations.col(axis)).minCoeff());
    high = std::max(high, (state.means.col(axis) + state.deviations.col(axis)).maxCoeff());
  }
  Axis result = of_target;
  result.low = std::max(low, of_target.low - length);
  result.high = std::min(high, of_target.high + length);
  return result;
}

/// The ellipse of one standard deviation around the mean of component k.
std::vector<Place> ellipse(const SamplerState& state, Eigen::Index k) {
  constexpr int sides = 64;
  std::vector<Place> places;
  places.reserve(sides + 1);
  for (int i = 0; i <= sides; ++i) {
    const double angle = 2.0 * std::numbers::pi * i / sides;
    places.push_back({state.means(k, 0) + state.deviations(k, 0) * std::cos(angle),
                      state.means(k, 1) + state.deviations(k, 1) * std::sin(angle)});
  }
  return places;
}

std::vector<Place> places_of(const Points& points) {
  std::vector<Place> places;
  places.reserve(static_cast<std::size_t>(points.rows()));
  for (Eigen::Index i = 0; i < points.rows(); ++i) places.push_back({points(i, 0), points(i, 1)});
  return places;
}

/// @returns how many draws lie outside of the frame.
std::int64_t draw_state(Figure& figure, const Box& box, const ViewedTarget& target, const SamplerState& state,
                        const Axis& x, const Axis& y) {
  Panel panel(figure.canvas(), frame_within(box, x, y, state.name), x, y, state.name);
  draw_density(panel, target, x, y);
  const std::vector<Place> draws = places_of(state.draws);
  const std::size_t inside = panel.dots(draws);
  for (Eigen::Index k = 0; k < state.means.rows(); ++k) panel.curve(ellipse(state, k), "arrow ink");
  panel.dots(places_of(state.means), "ends ink");
  panel.close();
  return static_cast<std::int64_t>(draws.size() - inside);
}

}  // namespace

Picture sampler_picture(const ViewedTarget& target, const std::vector<SamplerState>& states, double width) {
  require(target.law.dim() == 2, "a picture of a sampler shows a plane; ", target.name, " has dimension ",
          target.law.dim());
  require(!states.empty(), "a picture of a sampler needs a state of it");
  Figure figure(width, "Start law and draws of a sampler of the " + target.name);
  // Rows of nearly equal length, with panels of at least 230 pixels where the width allows it.
  const auto most_columns = static_cast<std::size_t>(std::clamp(width / 230.0, 1.0, 4.0));
  const std::size_t rows = (states.size() + most_columns - 1) / most_columns;
  const std::size_t columns = (states.size() + rows - 1) / rows;
  const Axis x = axis_of_all(target, states, 0), y = axis_of_all(target, states, 1);
  const double height = std::clamp(0.95 * figure.inner_width() / static_cast<double>(columns), 170.0, 380.0);
  std::int64_t outside = 0;
  std::vector<Box> row;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (i % columns == 0) row = figure.row(static_cast<int>(columns), height);
    outside += draw_state(figure, row[i % columns], target, states[i], x, y);
  }
  std::vector<LegendEntry> legend = density_legend();
  legend.push_back({LegendEntry::Mark::line, "ink", "components of the start law, one standard deviation"});
  legend.push_back({LegendEntry::Mark::dot, stroke_class(0), "draws"});
  figure.legend(legend);
  if (outside > 0) figure.note(concat("Draws outside the frames: ", count_label(outside), "."));
  return figure.finish();
}

}  // namespace gmdiff::report
