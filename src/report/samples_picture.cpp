#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.hpp"
#include "report/density.hpp"
#include "report/histogram.hpp"
#include "report/palette.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

/// Values of one coordinate that are numbers, sorted.
std::vector<double> sorted_values(const Points& points, Eigen::Index axis) {
  std::vector<double> values;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    if (std::isfinite(points(i, axis))) values.push_back(points(i, axis));
  }
  std::ranges::sort(values);
  return values;
}

/// The axis of the law, extended to all samples but a thousandth at each end, by its own length at most.
template <class Law>
Axis sample_axis(const Law& law, const std::vector<double>& sorted, Eigen::Index axis) {
  Axis result = axis_of(law, axis);
  if (sorted.empty()) return result;
  const std::size_t cut = sorted.size() / 1000;
  const double length = result.high - result.low;
  Axis samples = widened(sorted[cut], sorted[sorted.size() - 1 - cut], 0.02, result.label);
  samples.low = std::max(samples.low, result.low - length);
  samples.high = std::min(samples.high, result.high + length);
  return samples.low < samples.high ? union_of(result, samples) : result;
}

/// A coordinate of the samples beside its exact density.
struct Marginal {
  Axis axis;
  std::vector<double> heights;
  std::vector<Place> exact;  ///< (value, density)
  double top = 0.0;
};

template <class Law>
Marginal marginal_of(const Law& law, const Points& points, Eigen::Index axis, bool& blurred) {
  const std::vector<double> sorted = sorted_values(points, axis);
  Marginal marginal{.axis = sample_axis(law, sorted, axis), .heights = {}, .exact = {}};
  marginal.heights = histogram(sorted, marginal.axis, points.rows());
  marginal.exact = marginal_curve(law, axis, marginal.axis, 301, blurred);
  for (const double height : marginal.heights) marginal.top = std::max(marginal.top, height);
  for (const Place& place : marginal.exact) marginal.top = std::max(marginal.top, place.y);
  marginal.top *= 1.08;
  return marginal;
}

/// The marginal in a panel whose values run upwards when `is_turned`.
void draw_marginal(Panel& panel, const Marginal& marginal, bool is_turned) {
  const auto turned = [&](const Place& place) { return is_turned ? Place{place.y, place.x} : place; };
  std::vector<std::pair<Place, Place>> bars = bars_of(marginal.heights, marginal.axis);
  for (auto& [first, second] : bars) {
    first = turned(first);
    second = turned(second);
  }
  panel.bars(bars, "bars " + fill_class(0));
  std::vector<Place> curve;
  for (const Place& exact : marginal.exact) curve.push_back(turned(exact));
  panel.curve(curve, "curve " + stroke_class(1));
}

/// Every n-th point, so that at most `most_dots` remain.
std::vector<Place> thinned(const Points& points) {
  const Eigen::Index n = points.rows(), shown = std::min<Eigen::Index>(n, most_dots);
  std::vector<Place> places;
  for (Eigen::Index i = 0; i < shown; ++i) {
    const Eigen::Index row = i * n / shown;
    places.push_back({points(row, 0), points(row, 1)});
  }
  return places;
}

void add_count_notes(Figure& figure, const SampledPoints& samples) {
  const auto read = static_cast<std::int64_t>(samples.points.rows());
  if (read < samples.total)
    figure.note(concat("Histograms of ", count_label(read), " of ", count_label(samples.total),
                       " points, evenly spaced."));
  Eigen::Index broken = 0;
  for (Eigen::Index i = 0; i < read; ++i) broken += samples.points.row(i).allFinite() ? 0 : 1;
  if (broken > 0)
    figure.note(concat(count_label(broken), " of these points are not finite and are left out."));
}

const std::vector<LegendEntry> histogram_legend{{LegendEntry::Mark::area, "bars " + fill_class(0), "samples"},
                                                {LegendEntry::Mark::line, stroke_class(1), "exact density"}};

template <class Law>
Picture samples_curve(const Law& law, const SampledPoints& samples, double width) {
  Figure figure(width, samples.name, "samples and the " + law.name);
  bool blurred = false;
  const Marginal marginal = marginal_of(law, samples.points, 0, blurred);
  const Axis y{.low = 0.0, .high = marginal.top, .label = "density"};
  const Box outer = figure.row(1, std::clamp(0.52 * width, 200.0, 460.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, marginal.axis, y, ""), marginal.axis, y);
  draw_marginal(panel, marginal, /*is_turned=*/false);
  panel.close();
  figure.legend(histogram_legend);
  add_count_notes(figure, samples);
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

/// Frames of the plane and the two marginals, which share its sides.
struct JointFrames {
  Box plane, above, beside;
};

JointFrames joint_frames(const Box& outer, const Axis& x, const Axis& y) {
  constexpr double gap = 8.0;
  const double strip = std::clamp(0.16 * outer.width, 48.0, 110.0);
  const Box plane_outer{outer.x, outer.y + strip, outer.width - strip, outer.height - strip};
  const Box plane = frame_within(plane_outer, x, y, "");
  return {plane,
          {plane.x, outer.y + 2.0, plane.width, plane.y - outer.y - gap - 2.0},
          {plane.right() + gap, plane.y, outer.right() - plane.right() - gap - 2.0, plane.height}};
}

template <class Law>
Picture samples_plane(const Law& law, const SampledPoints& samples, double width) {
  Figure figure(width, samples.name, "samples and the " + law.name);
  bool blurred = false;
  const Marginal first = marginal_of(law, samples.points, 0, blurred);
  const Marginal second = marginal_of(law, samples.points, 1, blurred);
  const Box outer = figure.row(1, std::clamp(0.78 * width, 260.0, 640.0)).front();
  const JointFrames frames = joint_frames(outer, first.axis, second.axis);
  const auto bare = [](Axis axis) {
    axis.has_labels = false;
    axis.label = "";
    return axis;
  };
  const auto heights = [](const Marginal& marginal) {
    return Axis{.low = 0.0, .high = marginal.top, .has_labels = false};
  };
  Panel plane(figure.canvas(), frames.plane, first.axis, second.axis);
  blurred |= draw_density(plane, law, first.axis, second.axis);
  const std::vector<Place> places = thinned(samples.points);
  const std::size_t inside = plane.dots(places);
  plane.close();
  Panel above(figure.canvas(), frames.above, bare(first.axis), heights(first));
  draw_marginal(above, first, /*is_turned=*/false);
  above.close();
  Panel beside(figure.canvas(), frames.beside, heights(second), bare(second.axis));
  draw_marginal(beside, second, /*is_turned=*/true);
  beside.close();
  std::vector<LegendEntry> legend = density_legend();
  legend.push_back({LegendEntry::Mark::dot, stroke_class(0), "samples"});
  legend.push_back(histogram_legend[1]);
  figure.legend(legend);
  if (std::cmp_less(places.size(), samples.total))
    figure.note(concat("Dots: ", count_label(std::ssize(places)), " of ", count_label(samples.total),
                       " points, evenly spaced."));
  if (inside < places.size())
    figure.note(concat(
        "Dots outside the frame: ", count_label(static_cast<std::int64_t>(places.size() - inside)), "."));
  add_count_notes(figure, samples);
  if (blurred) figure.note(blur_note);
  return figure.finish();
}

}  // namespace

Picture samples_picture(const ViewedLaw& law, const SampledPoints& samples, double width) {
  return law.is_curve() ? samples_curve(law, samples, width) : samples_plane(law, samples, width);
}

Picture samples_picture(const ViewedTarget& target, const SampledPoints& samples, double width) {
  return target.is_curve() ? samples_curve(target, samples, width) : samples_plane(target, samples, width);
}

}  // namespace gmdiff::report
