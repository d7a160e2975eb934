// Pictures of trainings: texts do not overlap, curves and marks are counted, and what is left out is said.

#include <limits>

#include <gtest/gtest.h>

#include "picture_checks.hpp"
#include "report/pictures.hpp"
#include "support/expect_invalid.hpp"

namespace gmdiff::report {
namespace {

/// A training of a sampler with all of its figures, each as a line over ten iterations.
TrainingCurves sampler_curves(const std::string& name) {
  TrainingCurves training{.name = name, .curves = {}, .added = {300, 700}};
  for (const char* const quantity :
       {"loss", "elbo", "step", "judged elbo", "log z", "ess", "eubo", "log z backward", "ess backward"}) {
    for (int n = 1; n <= 10; ++n) training.curves[quantity].push_back({100.0 * n, 1.0 / n});
  }
  return training;
}

TEST(ReportTrainings, TrainingsAreReadableAtEveryWidth) {
  for (const double width : widths) {
    expect_readable(training_picture({sampler_curves("a.jsonl"), sampler_curves("b.jsonl")}, width));
    expect_readable(training_picture({sampler_curves("a.jsonl")}, width));
  }
  const Picture two = training_picture({sampler_curves("a.jsonl"), sampler_curves("b.jsonl")}, 720.0);
  EXPECT_EQ(two.title, "Trainings");
  EXPECT_TRUE(has_note(two, "thin curves are those of the paths of the training"));
  // Nine curves of each, one of them thin, and one entry of the legend.
  EXPECT_EQ(count_of(two.svg, "class=\"thin s1\""), 1U);
  EXPECT_EQ(count_of(two.svg, "class=\"curve s1\""), 5U + 1U);
  EXPECT_EQ(count_of(two.svg, "class=\"curve dash s1\""), 3U);
}

TEST(ReportTrainings, ComponentsThatWereAddedAreMarked) {
  TrainingCurves training = sampler_curves("a.jsonl");
  const std::string marked = training_picture({training}, 720.0).svg;
  training.added.clear();
  const std::string plain = training_picture({training}, 720.0).svg;
  // Two of them in each of six panels, and the entry of the legend.
  EXPECT_EQ(count_of(marked, "h0") - count_of(plain, "h0"), 2U * 6U + 1U);
}

TEST(ReportTrainings, TrainingsOfDenoisersHaveALoss) {
  TrainingCurves training{.name = "d.jsonl", .curves = {{"loss", {{100, 4.0}, {200, 1.0}, {300, 0.01}}}}};
  const Picture picture = training_picture({training}, 400.0);
  expect_readable(picture);
  EXPECT_TRUE(picture.notes.empty());

  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  training.curves["loss"] = {{100, nan}, {200, nan}};
  test::expect_invalid([&] { training_picture({training}, 400.0); },
                       "a picture of a training needs finite values; there is none of loss");
  const std::vector<TrainingCurves> many(8, training);
  test::expect_invalid([&] { training_picture(many, 400.0); }, "has a colour for each of 1 to 7, got 8");
  test::expect_invalid([] { training_picture({{.name = "none", .curves = {}}}, 400.0); },
                       "none: a picture of a training needs");
}

/// Three components on a line and as many draws as `draws`.
SamplerState sampler_state(const std::string& name, Eigen::Index draws) {
  SamplerState state{.name = name, .means = Points::Zero(3, 2), .deviations = {}, .draws = {}};
  state.means.col(0) << -1.5, 0.0, 1.5;
  state.deviations = Points::Constant(3, 2, 0.3);
  state.draws = Points::Constant(draws, 2, 0.5);
  return state;
}

TEST(ReportTrainings, SamplersShowComponentsAndDraws) {
  const ViewedTarget target = viewed("target of w.json", ManyWell{.wells = 2, .dim = 2});
  std::vector<SamplerState> states{sampler_state("iteration 100, 3 components", 5)};
  for (const double width : widths) {
    expect_readable(sampler_picture(target, states, width));
    expect_readable(sampler_picture(target, {states[0], states[0], states[0], states[0], states[0]}, width));
  }
  const Picture one = sampler_picture(target, states, 720.0);
  EXPECT_EQ(count_of(one.svg, "class=\"arrow ink\""), 3U);
  EXPECT_EQ(count_of(one.svg, "h0"), 5U + 3U + 1U);  // draws, means, legend
  EXPECT_TRUE(one.notes.empty());

  states[0].draws(0, 0) = 1e6;
  EXPECT_TRUE(has_note(sampler_picture(target, states, 720.0), "Draws outside the frames: 1."));
  const ViewedTarget line = viewed("target of l.json", ManyWell{.wells = 1, .dim = 1});
  test::expect_invalid([&] { sampler_picture(line, states, 720.0); },
                       "a picture of a sampler shows a plane; target of l.json has dimension 1");
}

}  // namespace
}  // namespace gmdiff::report
