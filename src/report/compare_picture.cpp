#include "report/compare_picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <utility>

#include "base/check.hpp"
#include "report/palette.hpp"
#include "report/panel.hpp"

namespace gmdiff::report {
namespace {

const Judgement* judgement_of(const ComparisonRecord& record, const std::string& quantity) {
  const auto found = std::ranges::find(record.judgements, quantity, &Judgement::quantity);
  const bool has_figures = !record.error && found != record.judgements.end() && std::isfinite(found->value);
  return has_figures ? &*found : nullptr;
}

void add_run(SamplerFigures& figures, const ComparisonRecord& record, const Judgement& judgement) {
  const auto before = static_cast<double>(figures.runs);
  const auto mean = [before](double& value, double next) { value += (next - value) / (before + 1.0); };
  figures.least = figures.runs == 0 ? judgement.value : std::min(figures.least, judgement.value);
  figures.most = figures.runs == 0 ? judgement.value : std::max(figures.most, judgement.value);
  mean(figures.value, judgement.value);
  mean(figures.floor, judgement.floor);
  mean(figures.evaluations, record.evaluations);
  mean(figures.seconds, record.seconds);
  ++figures.runs;
}

double cost_of(const SamplerFigures& figures, Cost cost) {
  return cost == Cost::evaluations ? figures.evaluations : figures.seconds;
}

/// Lines that cross from dots to their ranges.
void draw_range(Panel& panel, double x, const SamplerFigures& figures, const std::string& style) {
  panel.curve(std::vector<Place>{{x, figures.least}, {x, figures.most}}, "curve " + style);
}

/// The ranges of both axes over all samplers with figures.
std::pair<Axis, Axis> compare_axes(const std::vector<SamplerFigures>& all, const std::string& quantity,
                                   Cost cost) {
  double least_cost = 0.0, most_cost = 0.0, low = 0.0, high = 0.0;
  bool is_positive = true;
  const auto extend = [](double& least, double& most, double value) {
    least = most == 0.0 ? value : std::min(least, value);
    most = std::max(most, value);
  };
  for (const SamplerFigures& figures : all) {
    if (figures.runs == 0) continue;
    if (const double c = cost_of(figures, cost); c > 0.0) extend(least_cost, most_cost, c);
    for (const double value : {figures.least, figures.most, figures.floor}) {
      is_positive = is_positive && value > 0.0;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (most_cost == 0.0) least_cost = most_cost = 1.0;
  const char* label = cost == Cost::evaluations ? "denoiser evaluations per sample" : "seconds of a run";
  Axis x = widened(least_cost, most_cost, 0.12, label, /*is_log=*/true);
  if (!is_positive) return {x, widened(low, high, 0.06, quantity)};
  low = high;
  for (const SamplerFigures& figures : all) {
    if (figures.runs > 0) low = std::min({low, figures.least, figures.floor});
  }
  return {x, widened(low, high, 0.08, quantity, /*is_log=*/true)};
}

}  // namespace

std::vector<std::string> quantities_of(const std::vector<ComparisonRecord>& records) {
  std::vector<std::string> names;
  for (const ComparisonRecord& record : records) {
    for (const Judgement& judgement : record.judgements) {
      if (std::ranges::find(names, judgement.quantity) == names.end()) names.push_back(judgement.quantity);
    }
  }
  return names;
}

std::vector<SamplerFigures> figures_of(const std::vector<ComparisonRecord>& records,
                                       const std::string& quantity) {
  std::vector<SamplerFigures> all;
  for (const ComparisonRecord& record : records) {
    auto found = std::ranges::find(all, record.sampler, &SamplerFigures::sampler);
    if (found == all.end()) {
      SamplerFigures figures;
      figures.sampler = record.sampler;
      all.push_back(std::move(figures));
      found = all.end() - 1;
    }
    if (const Judgement* judgement = judgement_of(record, quantity)) {
      add_run(*found, record, *judgement);
    } else {
      ++found->failed;
    }
  }
  return all;
}

Picture compare_picture(const std::vector<ComparisonRecord>& records, const std::string& quantity, Cost cost,
                        double width) {
  const std::vector<SamplerFigures> all = figures_of(records, quantity);
  const bool is_empty = std::ranges::all_of(all, [](const SamplerFigures& f) { return f.runs == 0; });
  require(!is_empty, "no record has a finite ", quantity);
  std::set<std::string> problems;
  for (const ComparisonRecord& record : records) problems.insert(record.problem);
  Figure figure(width, quantity + (cost == Cost::evaluations ? " and denoiser evaluations" : " and time"),
                concat("mean and range over ", count_label(std::ssize(records)), " runs on ", problems.size(),
                       problems.size() == 1 ? " problem" : " problems"));
  const auto [x, y] = compare_axes(all, quantity, cost);
  const Box outer = figure.row(1, std::clamp(0.6 * width, 220.0, 460.0)).front();
  Panel panel(figure.canvas(), frame_within(outer, x, y, ""), x, y);
  double floor = 0.0;
  std::size_t with_figures = 0;
  for (const SamplerFigures& figures : all) {
    if (figures.runs == 0) continue;
    floor += figures.floor;
    ++with_figures;
  }
  panel.horizontal(floor / static_cast<double>(with_figures), "curve dash ink");
  using Mark = LegendEntry::Mark;
  std::vector<LegendEntry> legend{{Mark::dashed_line, "ink", "floor: exact draws"}};
  std::size_t failed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SamplerFigures& figures = all[i];
    const int category = static_cast<int>(i);
    failed += figures.failed;
    if (figures.runs == 0) continue;
    const bool is_free = !(cost_of(figures, cost) > 0.0);
    // A sampler without cost has no place on a logarithmic axis and stands at its left end.
    const double place = is_free ? x.low * std::pow(x.high / x.low, 0.02) : cost_of(figures, cost);
    draw_range(panel, place, figures, stroke_class(category));
    const std::vector<Place> at{{place, figures.value}};
    const bool is_ring = category / num_categories % 2 == 1;
    panel.dots(at, "ends " + stroke_class(category));
    if (is_ring) panel.dots(at, "hole");
    legend.push_back({is_ring ? Mark::ring : Mark::dot, stroke_class(category),
                      figures.sampler + (is_free ? " (no cost, left end)" : "")});
  }
  panel.close();
  figure.legend(legend);
  if (failed > 0)
    figure.note(concat(count_label(static_cast<long long>(failed)), " of ", count_label(std::ssize(records)),
                       " runs have no finite figure and are left out."));
  if (std::cmp_greater(all.size(), 2 * num_categories))
    figure.note("Colours repeat after 14 samplers, in the order of the legend.");
  return figure.finish();
}

}  // namespace gmdiff::report
