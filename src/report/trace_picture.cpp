#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "report/histogram.hpp"
#include "report/palette.hpp"
#include "report/panel.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

constexpr std::size_t most_points = 500;  // of a curve

/// Numbers of evenly spaced draws, with both ends.
std::vector<std::size_t> spaced(std::size_t size, std::size_t first) {
  const std::size_t count = std::min(size - first, most_points);
  std::vector<std::size_t> chosen;
  chosen.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(count == 1 ? first : first + i * (size - 1 - first) / (count - 1));
  return chosen;
}

/// Means and variances of a chain's first draws, up to each of them.
struct Running {
  std::vector<double> mean, variance;
};

Running running(const std::vector<double>& draws) {
  Running result;
  double mean = 0.0, squares = 0.0;
  for (std::size_t n = 0; n < draws.size(); ++n) {
    const double difference = draws[n] - mean;
    mean += difference / static_cast<double>(n + 1);
    squares += difference * (draws[n] - mean);
    result.mean.push_back(mean);
    result.variance.push_back(squares / static_cast<double>(n + 1));
  }
  return result;
}

/// Curves of one quantity over time, with the exact value of it.
struct Curves {
  std::string title;
  std::vector<std::vector<double>> values = {};
  std::optional<double> exact = {};
};

/// Draws curves from draw number `first` on. The axis is that of the later half, where they have settled.
void draw_curves(Figure& figure, const Box& box, const ChainTraces& traces, const Curves& curves) {
  const std::size_t M = traces.times.size(), first = std::min<std::size_t>(M - 1, M / 100);
  double low = curves.exact.value_or(curves.values.front().back()), high = low;
  for (const std::vector<double>& values : curves.values) {
    for (std::size_t n = M / 4; n < M; ++n) {
      low = std::min(low, values[n]);
      high = std::max(high, values[n]);
    }
  }
  const Axis x{.low = traces.times.front(), .high = traces.times.back(), .label = "time of the chain"};
  const Axis y = widened(low, high, 0.25, curves.title);
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  for (const std::vector<double>& values : curves.values) {
    std::vector<Place> places;
    for (const std::size_t n : spaced(M, first)) places.push_back({traces.times[n], values[n]});
    panel.curve(places, "thin " + stroke_class(0));
  }
  if (curves.exact) panel.horizontal(*curves.exact, "curve dash " + stroke_class(1));
  panel.close();
}

void draw_chain(Figure& figure, const Box& box, const ChainTraces& traces) {
  const std::vector<double>& draws = traces.chains.front();
  const auto [low, high] = std::ranges::minmax(draws);
  const Axis x{.low = traces.times.front(), .high = traces.times.back(), .label = "time of the chain"};
  const Axis y = widened(low, high, 0.04, traces.axis);
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  std::vector<Place> places;
  for (const std::size_t n : spaced(draws.size(), 0)) places.push_back({traces.times[n], draws[n]});
  panel.curve(places, "thin " + stroke_class(0));
  panel.close();
}

void draw_histogram(Figure& figure, const Box& box, const ChainTraces& traces) {
  std::vector<double> sorted = traces.draws;
  std::ranges::sort(sorted);
  const std::size_t cut = sorted.size() / 2000;
  Axis x = widened(sorted[cut], sorted[sorted.size() - 1 - cut], 0.04, traces.axis);
  const std::vector<double> heights = histogram(sorted, x, std::ssize(sorted));
  double top = *std::ranges::max_element(heights);
  if (traces.exact) {
    for (const Place& place : traces.exact->density) top = std::max(top, place.y);
  }
  const Axis y{.low = 0.0, .high = 1.06 * top, .label = "density"};
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  panel.bars(bars_of(heights, x), "bars " + fill_class(0));
  if (traces.exact) panel.curve(traces.exact->density, "curve " + stroke_class(1));
  panel.close();
}

std::vector<LegendEntry> legend_of(const ChainTraces& traces) {
  std::vector<LegendEntry> legend{{LegendEntry::Mark::line, stroke_class(0), "chains"},
                                  {LegendEntry::Mark::area, "bars " + fill_class(0), "draws of all chains"}};
  if (traces.exact) legend.push_back({LegendEntry::Mark::line, stroke_class(1), "exact"});
  return legend;
}

}  // namespace

Picture trace_picture(const ChainTraces& traces, double width) {
  require(traces.times.size() >= 2 && !traces.chains.empty(), traces.name,
          ": a picture of a trace needs two draws of a chain");
  Figure figure(width, traces.name, traces.exact ? "draws and the " + traces.exact->name : "draws");
  draw_chain(figure, figure.row(1, std::clamp(0.3 * width, 150.0, 260.0)).front(), traces);
  Curves means{.title = "mean so far"}, variances{.title = "variance so far"};
  for (const std::vector<double>& draws : traces.chains) {
    Running of_chain = running(draws);
    means.values.push_back(std::move(of_chain.mean));
    variances.values.push_back(std::move(of_chain.variance));
  }
  if (traces.exact) {
    means.exact = traces.exact->mean;
    variances.exact = traces.exact->variance;
  }
  const int columns = width < 480.0 ? 1 : 2;
  const double height = std::clamp(0.36 * width, 170.0, 300.0);
  std::vector<Box> row = figure.row(columns, height);
  draw_curves(figure, row.front(), traces, means);
  if (columns == 1) row = figure.row(1, height);
  draw_curves(figure, row.back(), traces, variances);
  draw_histogram(figure, figure.row(1, height).front(), traces);
  figure.legend(legend_of(traces));
  if (std::cmp_less(traces.chains.size(), traces.num_chains))
    figure.note(concat("Curves of the first ", traces.chains.size(), " of ", count_label(traces.num_chains),
                       " chains; the uppermost panel shows the first one."));
  return figure.finish();
}

}  // namespace gmdiff::report
