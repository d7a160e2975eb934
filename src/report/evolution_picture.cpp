#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "report/density.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

constexpr std::size_t most_times = 7;

/// At most `most_times` of the times, evenly spaced in their order, with both ends.
std::vector<std::size_t> shown_times(const EvolvedDensity& from) {
  const std::size_t M = from.times.size(), count = std::min(M, most_times);
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < count; ++i) shown.push_back(count == 1 ? 0 : i * (M - 1) / (count - 1));
  return shown;
}

std::string time_name(double t) { return "t = " + number_label(t); }

void draw_curves(Figure& figure, const Box& box, const EvolvedDensity& from,
                 const std::vector<std::size_t>& shown) {
  double top = 0.0;
  for (const std::size_t m : shown) top = std::max(top, from.density[m].maxCoeff());
  const Axis x{.low = from.x.front(), .high = from.x.back(), .label = "x"};
  const Axis y{.low = 0.0, .high = 1.06 * top, .label = "density"};
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    std::vector<Place> places;
    for (std::size_t j = 0; j < from.x.size(); ++j)
      places.push_back({from.x[j], from.density[shown[i]](static_cast<Eigen::Index>(j), 0)});
    panel.curve(places, "curve " + stroke_class(static_cast<int>(i)));
  }
  panel.close();
}

void draw_regions(Figure& figure, const Box& box, const EvolvedDensity& from, std::size_t m) {
  const Axis x{.low = from.x.front(), .high = from.x.back(), .label = "x1"};
  const Axis y{.low = from.y.front(), .high = from.y.back(), .label = "x2"};
  const std::string title = time_name(from.times[m]);
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  draw_depths(panel, {.x = from.x, .y = from.y, .values = depth_of(from.density[m].transpose(), false)});
  panel.close();
}

/// The values over time that a logarithmic axis can show.
std::vector<Place> decay_of(const EvolvedDensity& from) {
  const std::vector<double>& values = from.kl.empty() ? from.mass : from.kl;
  std::vector<Place> places;
  for (std::size_t m = 0; m < values.size(); ++m) {
    if (values[m] > 0.0 && std::isfinite(values[m])) places.push_back({from.times[m], values[m]});
  }
  return places;
}

/// The decay at a rate through a place.
std::vector<Place> exponential(const EvolvedDensity& from, const Place& through, double rate) {
  std::vector<Place> curve;
  for (int i = 0; i <= 100; ++i) {
    const double t = from.times.front() + 0.01 * i * (from.times.back() - from.times.front());
    curve.push_back({t, through.y * std::exp(-rate * (t - through.x))});
  }
  return curve;
}

/// KL, or the mass, over time, beside the slope that the gap gives in the end.
void draw_decay(Figure& figure, const Box& box, const EvolvedDensity& from,
                const std::vector<Place>& places) {
  const auto [low, high] = std::ranges::minmax(places, {}, &Place::y);
  const Axis x = widened(from.times.front(), from.times.back(), 0.02, "t");
  const Axis y =
      widened(low.y, high.y, 0.05, from.kl.empty() ? "mass in the box" : "KL to the stationary law", true);
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  if (from.gap > 0.0)
    panel.curve(exponential(from, places.back(), (from.kl.empty() ? 1.0 : 2.0) * from.gap), "curve dash ink");
  if (from.bound > 0.0)
    panel.curve(exponential(from, places.front(), from.bound), "curve dash " + stroke_class(1));
  panel.curve(places, "curve " + stroke_class(0));
  panel.dots(places, "ends " + stroke_class(0));
  panel.close();
}

std::vector<LegendEntry> legend_of(const EvolvedDensity& from, const std::vector<std::size_t>& shown) {
  using Mark = LegendEntry::Mark;
  std::vector<LegendEntry> legend;
  if (from.y.empty()) {
    for (std::size_t i = 0; i < shown.size(); ++i)
      legend.push_back({Mark::line, stroke_class(static_cast<int>(i)), time_name(from.times[shown[i]])});
  } else {
    legend = density_legend();
  }
  if (from.gap > 0.0)
    legend.push_back(
        {Mark::dashed_line, "ink", std::string("slope exp(-") + (from.kl.empty() ? "" : "2 ") + "gap t)"});
  if (from.bound > 0.0)
    legend.push_back(
        {Mark::dashed_line, stroke_class(1), concat("bound exp(-", number_label(from.bound), " t)")});
  return legend;
}

}  // namespace

Picture evolution_picture(const EvolvedDensity& from, double width) {
  Figure figure(width, "Density over time, " + from.name);
  const std::vector<std::size_t> shown = shown_times(from);
  const std::vector<Place> decay = decay_of(from);
  const bool is_curve = from.y.empty();
  const std::size_t columns = width < 480.0 ? 1 : is_curve ? 2 : 4;
  const std::size_t densities = is_curve ? 1 : shown.size();
  const std::size_t panels = densities + (decay.empty() ? 0 : 1);
  const double height =
      std::clamp((is_curve ? 0.7 : 1.0) * figure.inner_width() / static_cast<double>(columns), 190.0, 340.0);
  std::vector<Box> row;
  for (std::size_t i = 0; i < panels; ++i) {
    if (i % columns == 0)
      row = figure.row(static_cast<int>(std::min(columns, panels - i / columns * columns)), height);
    const Box& box = row[i % columns];
    if (i == densities) {
      draw_decay(figure, box, from, decay);
    } else if (is_curve) {
      draw_curves(figure, box, from, shown);
    } else {
      draw_regions(figure, box, from, shown[i]);
    }
  }
  figure.legend(legend_of(from, shown));
  if (shown.size() < from.times.size())
    figure.note(concat("Densities at ", shown.size(), " of ", from.times.size(), " times."));
  return figure.finish();
}

}  // namespace gmdiff::report
