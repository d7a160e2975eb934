#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "report/palette.hpp"
#include "report/panel.hpp"
#include "report/pictures.hpp"

namespace gmdiff::report {
namespace {

/// A curve of a panel: its quantity, and its stroke beside the colour of the training.
struct CurveKind {
  const char* quantity;
  const char* stroke;
};

constexpr const char* solid = "curve ";
constexpr const char* thin = "thin ";
constexpr const char* dashed = "curve dash ";

struct PanelKind {
  const char* title;
  std::array<CurveKind, 2> curves;  ///< a second one without a name: none
  bool may_be_log;
};

constexpr std::array<PanelKind, 6> panel_kinds{
    {{"loss", {{{"loss", solid}, {"", solid}}}, true},
     {"ELBO", {{{"elbo", thin}, {"judged elbo", solid}}}, false},
     {"EUBO", {{{"eubo", dashed}, {"", dashed}}}, false},
     {"log Z", {{{"log z", solid}, {"log z backward", dashed}}}, false},
     {"ESS/n", {{{"ess", solid}, {"ess backward", dashed}}}, true},
     {"step h", {{{"step", solid}, {"", solid}}}, true}}};

using Trainings = std::vector<TrainingCurves>;

/// A training's curve, or none.
std::vector<Place> curve_of(const TrainingCurves& training, const std::string& quantity) {
  const auto found = training.curves.find(quantity);
  return found == training.curves.end() ? std::vector<Place>{} : found->second;
}

bool has_curve(const Trainings& trainings, const std::string& quantity) {
  return std::ranges::any_of(trainings,
                             [&](const TrainingCurves& one) { return !curve_of(one, quantity).empty(); });
}

bool is_shown(const PanelKind& kind, const Trainings& trainings) {
  return std::ranges::any_of(kind.curves,
                             [&](const CurveKind& curve) { return has_curve(trainings, curve.quantity); });
}

/// The iterations of all curves.
Axis iterations_of(const Trainings& trainings) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const TrainingCurves& training : trainings) {
    for (const auto& entry : training.curves) {
      for (const Place& place : entry.second) {
        low = std::min(low, place.x);
        high = std::max(high, place.x);
      }
    }
  }
  return low < high ? Axis{.low = low, .high = high, .label = "iteration"}
                    : widened(low, high, 0.05, "iteration");
}

/// The axis of a panel: values of the last three quarters of each curve, without the fall at the beginning.
/// It is logarithmic where the panel allows it and the values extend over more than a factor of 20.
Axis values_of(const PanelKind& kind, const Trainings& trainings) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const TrainingCurves& training : trainings) {
    for (const CurveKind& curve : kind.curves) {
      const std::vector<Place> places = curve_of(training, curve.quantity);
      for (std::size_t n = places.size() / 4; n < places.size(); ++n) {
        if (!std::isfinite(places[n].y)) continue;
        low = std::min(low, places[n].y);
        high = std::max(high, places[n].y);
      }
    }
  }
  require(low <= high, "a picture of a training needs finite values; there is none of ", kind.title);
  const bool is_log = kind.may_be_log && low > 0.0 && high > 20.0 * low;
  return widened(low, high, 0.1, kind.title, is_log);
}

/// The places of a curve at which components were added.
std::vector<Place> places_of_added(const TrainingCurves& training, const std::vector<Place>& curve) {
  std::vector<Place> marks;
  for (const Place& place : curve) {
    if (std::ranges::find(training.added, place.x) != training.added.end()) marks.push_back(place);
  }
  return marks;
}

void draw_panel(Figure& figure, const Box& box, const PanelKind& kind, const Trainings& trainings) {
  const Axis x = iterations_of(trainings), y = values_of(kind, trainings);
  Panel panel(figure.canvas(), frame_within(box, x, y, ""), x, y);
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    const std::string color = stroke_class(static_cast<int>(i));
    for (const CurveKind& curve : kind.curves) {
      const std::vector<Place> places = curve_of(trainings[i], curve.quantity);
      panel.curve(places, curve.stroke + color);
      // A single judgement has no line.
      if (places.size() == 1) panel.dots(places, "ends " + color);
    }
    panel.dots(places_of_added(trainings[i], curve_of(trainings[i], kind.curves[0].quantity)),
               "ends " + color);
  }
  panel.close();
}

std::vector<LegendEntry> legend_of(const Trainings& trainings) {
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < trainings.size(); ++i)
    legend.push_back({LegendEntry::Mark::line, stroke_class(static_cast<int>(i)), trainings[i].name});
  const auto has_added = [](const TrainingCurves& training) { return !training.added.empty(); };
  if (std::ranges::any_of(trainings, has_added))
    legend.push_back({LegendEntry::Mark::dot, "ink", "components added"});
  if (has_curve(trainings, "eubo"))
    legend.push_back({LegendEntry::Mark::dashed_line, "ink", "paths from exact draws"});
  return legend;
}

}  // namespace

Picture training_picture(const std::vector<TrainingCurves>& trainings, double width) {
  require(!trainings.empty() && std::cmp_less_equal(trainings.size(), num_categories),
          "a picture of trainings has a colour for each of 1 to ", num_categories, ", got ",
          trainings.size());
  std::vector<const PanelKind*> kinds;
  for (const PanelKind& kind : panel_kinds) {
    if (is_shown(kind, trainings)) kinds.push_back(&kind);
  }
  require(!kinds.empty(), trainings.front().name, ": a picture of a training needs a curve");
  Figure figure(width, trainings.size() == 1 ? "Training in " + trainings.front().name : "Trainings");
  const std::size_t columns = width < 480.0 || kinds.size() == 1 ? 1 : 2;
  const double height = std::clamp(0.36 * width, 170.0, 300.0);
  std::vector<Box> row;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (i % columns == 0) row = figure.row(static_cast<int>(columns), height);
    draw_panel(figure, row[i % columns], *kinds[i], trainings);
  }
  figure.legend(legend_of(trainings));
  if (has_curve(trainings, "judged elbo"))
    figure.note("ELBO: thin curves are those of the paths of the training, thick ones of fresh paths.");
  return figure.finish();
}

}  // namespace gmdiff::report
