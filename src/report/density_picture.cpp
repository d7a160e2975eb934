#include <algorithm>
#include <cmath>

#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

constexpr int curve_nodes = 401;

std::string title_of(const ViewedLaw& law, const std::vector<NamedLevel>& levels) {
  return "Density of the " + law.name + (levels.size() > 1 ? " as noise is added" : "");
}

/// One panel with a curve for each level.
Picture density_curves(const ViewedLaw& law, const std::vector<NamedLevel>& levels, double width) {
  Figure figure(width, title_of(law, levels));
  Axis x = axis_of(law, 0, levels.front().level);
  for (const NamedLevel& named : levels) x = union_of(x, axis_of(law, 0, named.level));
  bool blurred = false;
  double top = 0.0;
  std::vector<std::vector<Place>> curves;
  std::vector<LegendEntry> legend;
  for (const NamedLevel& named : levels) {
    legend.push_back({LegendEntry::Mark::line, stroke_class(static_cast<int>(curves.size())), named.name});
    curves.push_back(density_curve(law.mixture.diffuse(named.level), x, curve_nodes, blurred));
    for (const Place& place : curves.back()) top = std::max(top, place.y);
  }
  const Axis y{.low = 0.0, .high = 1.06 * top, .label = "density"};
  const Box outer = figure.row(1, std::clamp(0.52 * width, 200.0, 460.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, x, y, ""), x, y);
  for (std::size_t i = 0; i < curves.size(); ++i)
    panel.curve(curves[i], "curve " + stroke_class(static_cast<int>(i)));
  panel.close();
  figure.legend(legend);
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

/// Axes of the panels: common ones where the views do not differ much, otherwise each panel its own.
std::vector<Axis> level_axes(const ViewedLaw& law, const std::vector<NamedLevel>& levels, Eigen::Index axis) {
  std::vector<Axis> axes;
  axes.reserve(levels.size());
  for (const NamedLevel& named : levels) axes.push_back(axis_of(law, axis, named.level));
  const auto length = [](const Axis& a) { return a.high - a.low; };
  const auto [least, most] = std::ranges::minmax(axes, {}, length);
  if (length(most) > 4.0 * length(least)) return axes;
  Axis common = axes.front();
  for (const Axis& a : axes) common = union_of(common, a);
  return std::vector<Axis>(axes.size(), common);
}

Picture density_panels(const ViewedLaw& law, const std::vector<NamedLevel>& levels, double width) {
  Figure figure(width, title_of(law, levels));
  // Rows of nearly equal length, with panels of at least 230 pixels where the width allows it.
  const auto most_columns = static_cast<std::size_t>(std::clamp(width / 230.0, 1.0, 4.0));
  const std::size_t rows = (levels.size() + most_columns - 1) / most_columns;
  const std::size_t columns = (levels.size() + rows - 1) / rows;
  const std::vector<Axis> x = level_axes(law, levels, 0), y = level_axes(law, levels, 1);
  const double height = std::clamp(0.95 * figure.inner_width() / static_cast<double>(columns), 170.0, 380.0);
  bool blurred = false;
  std::vector<Box> row;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (i % columns == 0) row = figure.row(static_cast<int>(columns), height);
    const Box frame = frame_within(row[i % columns], x[i], y[i], levels[i].name);
    Panel panel(figure.canvas(), frame, x[i], y[i], levels[i].name);
    blurred |= draw_density(panel, law.mixture.diffuse(levels[i].level), x[i], y[i]);
    panel.close();
  }
  figure.legend(density_legend());
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

}  // namespace

Picture density_picture(const ViewedLaw& law, const std::vector<NamedLevel>& levels, double width) {
  return law.is_curve() ? density_curves(law, levels, width) : density_panels(law, levels, width);
}

}  // namespace gmdiff::report
