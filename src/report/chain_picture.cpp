#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

#include "base/check.hpp"
#include "base/log_mean_exp.hpp"
#include "report/palette.hpp"
#include "report/panel.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

/// Quantile of sorted values, linear between them.
double quantile_of(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Minimum, median and maximum over the chains of a figure at each weighting.
struct Spread {
  std::vector<Place> low, middle, high;
};

template <class Value>
Spread spread_of(const SmcHistory& history, Value value) {
  const std::size_t chains = history.ess.size() / history.steps.size();
  Spread spread;
  for (std::size_t w = 0; w < history.steps.size(); ++w) {
    std::vector<double> values;
    for (std::size_t c = 0; c < chains; ++c) values.push_back(value(c, w));
    std::ranges::sort(values);
    const double step = history.steps[w];
    spread.low.push_back({step, values.front()});
    spread.middle.push_back({step, quantile_of(values, 0.5)});
    spread.high.push_back({step, values.back()});
  }
  return spread;
}

void draw_spread(Panel& panel, const Spread& spread, int category) {
  panel.band(spread.low, spread.high, "band " + fill_class(category));
  panel.curve(spread.middle, "curve " + stroke_class(category));
}

Axis step_axis(const std::vector<int>& steps) {
  return widened(steps.front(), steps.back(), 0.02, "step of the run");
}

const Axis share_axis{.low = 0.0, .high = 1.03, .label = ""};

Axis named(Axis axis, std::string label) {
  axis.label = std::move(label);
  return axis;
}

/// Effective sample size of the recorded chains at every weighting.
void draw_ess(Figure& figure, const Box& box, const ChainFigures& from) {
  const SmcHistory& history = from.history;
  const Axis x = step_axis(history.steps), y = named(share_axis, "ESS / N");
  const char* title = "effective sample size";
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  const std::size_t weightings = history.steps.size();
  draw_spread(panel,
              spread_of(history,
                        [&](std::size_t c, std::size_t w) {
                          return history.ess[c * weightings + w] / static_cast<double>(from.particles);
                        }),
              1);
  panel.close();
}

/// Share of the largest weight and of the largest tenth of the weights.
void draw_weights(Figure& figure, const Box& box, const ChainFigures& from) {
  const SmcHistory& history = from.history;
  const Axis x = step_axis(history.steps), y = named(share_axis, "share of the weight");
  const char* title = "largest weights";
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  const std::size_t weightings = history.steps.size();
  const auto particles = static_cast<std::size_t>(from.particles);
  const auto share_of_largest = [&](std::size_t c, std::size_t w, std::size_t count) {
    const std::span<const double> all(history.log_weights);
    const auto chain = all.subspan((c * weightings + w) * particles, particles);
    std::vector<double> weights(chain.begin(), chain.end());
    std::ranges::sort(weights, std::ranges::greater{});
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += std::exp(weights[i]);
    return sum;
  };
  const std::size_t tenth = std::max<std::size_t>(1, (particles + 9) / 10);
  draw_spread(panel, spread_of(history, [&](auto c, auto w) { return share_of_largest(c, w, tenth); }), 3);
  draw_spread(panel, spread_of(history, [&](auto c, auto w) { return share_of_largest(c, w, 1); }), 0);
  panel.close();
}

/// Smallest effective sample size of each chain, at the step where it occurred.
void draw_smallest(Figure& figure, const Box& box, const ChainFigures& from) {
  const ChainReport& chains = from.chains;
  const auto [first, last] = std::ranges::minmax(chains.smallest_ess_step);
  const Axis x = widened(first, last, 0.06, "step of the run"), y = named(share_axis, "ESS / N");
  const char* title = "smallest effective sample size of a chain";
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  std::vector<Place> places;
  for (std::size_t c = 0; c < chains.smallest_ess.size(); ++c)
    places.push_back({static_cast<double>(chains.smallest_ess_step[c]),
                      chains.smallest_ess[c] / static_cast<double>(from.particles)});
  panel.dots(places, "ends " + stroke_class(1));
  panel.close();
}

/// The chains' log-evidences in increasing order, the logarithm of their mean, and the exact one.
void draw_evidence(Figure& figure, const Box& box, const ChainFigures& from) {
  std::vector<double> sorted = from.chains.log_evidence;
  std::ranges::sort(sorted);
  const double mean = log_mean_exp(sorted);
  double low = sorted.front(), high = sorted.back();
  if (from.exact_log_evidence) {
    low = std::min(low, *from.exact_log_evidence);
    high = std::max(high, *from.exact_log_evidence);
  }
  const Axis x = widened(1.0, static_cast<double>(sorted.size()), 0.04, "chain, in order of evidence");
  const Axis y = widened(low, high, 0.08, "log-evidence");
  const char* title = "evidence of the chains";
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  std::vector<Place> places;
  for (std::size_t c = 0; c < sorted.size(); ++c) places.push_back({static_cast<double>(c + 1), sorted[c]});
  if (from.exact_log_evidence) panel.horizontal(*from.exact_log_evidence, "curve " + stroke_class(2));
  panel.horizontal(mean, "curve dash " + stroke_class(1));
  panel.dots(places, "ends " + stroke_class(1));
  panel.close();
}

/// The cumulated final weights, largest first: median and range over the chains.
void draw_final_weights(Figure& figure, const Box& box, const ChainFigures& from) {
  const auto particles = static_cast<std::size_t>(from.particles);
  const std::size_t chains = from.log_weights.size() / particles;
  const Axis x{.low = 0.0, .high = 1.0, .label = "share of the particles"};
  const Axis y = named(share_axis, "share of the weight");
  const char* title = "final weights, largest first";
  std::vector<std::vector<double>> cumulated(particles);
  for (std::size_t c = 0; c < chains; ++c) {
    std::vector<double> weights;
    for (std::size_t i = 0; i < particles; ++i)
      weights.push_back(std::exp(from.log_weights[c * particles + i]));
    std::ranges::sort(weights, std::ranges::greater{});
    double sum = 0.0;
    for (std::size_t i = 0; i < particles; ++i) cumulated[i].push_back(sum += weights[i]);
  }
  Spread spread{{{0.0, 0.0}}, {{0.0, 0.0}}, {{0.0, 0.0}}};
  // Some hundred places of the curve suffice.
  const std::size_t stride = std::max<std::size_t>(1, particles / 200);
  for (std::size_t i = stride - 1; i < particles; i += stride) {
    std::ranges::sort(cumulated[i]);
    const double share = static_cast<double>(i + 1) / static_cast<double>(particles);
    spread.low.push_back({share, cumulated[i].front()});
    spread.middle.push_back({share, quantile_of(cumulated[i], 0.5)});
    spread.high.push_back({share, cumulated[i].back()});
  }
  Panel panel(figure.canvas(), frame_within(box, x, y, title), x, y, title);
  panel.curve(std::vector<Place>{{0.0, 0.0}, {1.0, 1.0}}, "curve dash ink");
  draw_spread(panel, spread, 0);
  panel.close();
}

using DrawChains = void (*)(Figure&, const Box&, const ChainFigures&);

/// The panels that the figures suffice for.
std::vector<DrawChains> chain_panels(const ChainFigures& from) {
  std::vector<DrawChains> panels;
  if (!from.history.steps.empty()) {
    panels.push_back(draw_ess);
    panels.push_back(draw_weights);
  }
  panels.push_back(draw_smallest);
  panels.push_back(draw_evidence);
  if (!from.log_weights.empty()) panels.push_back(draw_final_weights);
  return panels;
}

std::vector<LegendEntry> chain_legend(const ChainFigures& from) {
  using Mark = LegendEntry::Mark;
  std::vector<LegendEntry> legend{{Mark::dot, stroke_class(1), "a chain"},
                                  {Mark::dashed_line, stroke_class(1), "log of the mean evidence"}};
  if (from.exact_log_evidence) legend.push_back({Mark::line, stroke_class(2), "exact log-evidence"});
  if (!from.history.steps.empty()) {
    legend.push_back({Mark::line, stroke_class(0), "largest weight"});
    legend.push_back({Mark::line, stroke_class(3), "largest tenth of the weights"});
  }
  return legend;
}

}  // namespace

Picture chain_picture(const ChainFigures& figures, double width) {
  Figure figure(width, figures.name,
                concat(count_label(std::ssize(figures.chains.log_evidence)), " chains of ",
                       count_label(figures.particles), " particles"));
  const std::vector<DrawChains> panels = chain_panels(figures);
  const std::size_t columns = width < 480.0 ? 1 : 2;
  std::vector<Box> row;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const std::size_t in_row = std::min(columns, panels.size() - i / columns * columns);
    if (i % columns == 0)
      row = figure.row(static_cast<int>(in_row),
                       std::clamp(0.7 * figure.inner_width() / static_cast<double>(columns), 190.0, 340.0));
    panels[i](figure, row[i % columns], figures);
  }
  figure.legend(chain_legend(figures));
  if (!figures.history.steps.empty())
    figure.note(concat("Over the steps: median and range of the first ",
                       figures.history.ess.size() / figures.history.steps.size(),
                       " chains, which ran again for this picture."));
  return figure.finish();
}

}  // namespace gmdiff::report
