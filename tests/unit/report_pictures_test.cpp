// Every kind of picture: texts do not overlap, marks are counted, and what is left out is said.

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "picture_checks.hpp"
#include "report/compare_picture.hpp"
#include "report/html.hpp"
#include "report/pictures.hpp"
#include "support/expect_invalid.hpp"

namespace gmdiff::report {
namespace {

using test::expect_invalid;

ViewedLaw plane_law() {
  return in_view(coordinate_view(2, {0, 1}), "prior of tutorial-2d", tutorial_2d().prior);
}
ViewedLaw line_law() { return in_view(coordinate_view(1, {0}), "prior of tutorial-1d", tutorial_1d().prior); }

SampledPoints draws(const Mixture& law, std::int64_t count) {
  const Plan plan = draw_plan(std::span(&law, 1));
  return {run(plan, {.count = count, .device = Device::cpu()}).to_double(), count, "samples of x.npy"};
}

const std::vector<NamedLevel> some_levels{
    {"t = 0", {1.0, 0.0}}, {"t = 0.4", {0.9, 0.4}}, {"t = 0.7", {0.5, 0.8}}, {"t = 1", {0.1, 0.99}}};

TEST(ReportPictures, DensitiesAreReadableAtEveryWidth) {
  for (const double width : widths) {
    expect_readable(density_picture(line_law(), some_levels, width));
    expect_readable(density_picture(plane_law(), some_levels, width));
  }
  EXPECT_EQ(count_of(density_picture(plane_law(), some_levels, 720.0).svg, "class=\"region d1\""), 4U);
  EXPECT_EQ(count_of(density_picture(line_law(), some_levels, 720.0).svg, "class=\"curve s"),
            8U);  // with legend
}

/// Two times of a density on 5 x 4 cells, or on 5 in 1-D.
EvolvedDensity evolution_on(bool is_curve) {
  EvolvedDensity evolution{.name = "density.npz",
                           .times = {0.0, 2.0},
                           .x = {-2, -1, 0, 1, 2},
                           .y = {},
                           .density = {},
                           .mass = {1.0, 1.0},
                           .kl = {1.0, 0.01},
                           .gap = 0.5};
  if (!is_curve) evolution.y = {-1, 0, 1, 2};
  for (int m = 0; m < 2; ++m) {
    Points density = Points::Constant(5, is_curve ? 1 : 4, 0.05);
    density(2, 0) += 0.3;
    evolution.density.push_back(density);
  }
  return evolution;
}

TEST(ReportPictures, EvolutionsAreReadableAtEveryWidth) {
  for (const double width : widths) {
    expect_readable(evolution_picture(evolution_on(true), width));
    expect_readable(evolution_picture(evolution_on(false), width));
  }
  EvolvedDensity leaving = evolution_on(true);
  leaving.kl.clear();
  leaving.mass = {1.0, 0.0};
  const Picture picture = evolution_picture(leaving, 720.0);
  expect_readable(picture);
  EXPECT_EQ(count_of(picture.svg, "mass in the box"), 1U);
  EXPECT_EQ(count_of(picture.svg, "slope exp(-gap t)"), 1U);
}

TEST(ReportPictures, EvolutionsAtManyTimesShowSome) {
  EvolvedDensity evolution = evolution_on(true);
  for (int m = 2; m < 20; ++m) {
    evolution.times.push_back(m + 1.0);
    evolution.density.push_back(evolution.density.front());
    evolution.mass.push_back(1.0);
    evolution.kl.push_back(0.0);
  }
  const Picture picture = evolution_picture(evolution, 720.0);
  EXPECT_TRUE(has_note(picture, "Densities at 7 of 20 times."));
  EXPECT_EQ(count_of(picture.svg, "class=\"curve s"), 15U);  // 7 curves, their legend, the decay
}

TEST(ReportPictures, SamplesAreReadableAtEveryWidth) {
  for (const double width : widths) {
    expect_readable(samples_picture(line_law(), draws(line_law().mixture, 500), width));
    expect_readable(samples_picture(plane_law(), draws(plane_law().mixture, 500), width));
  }
}

TEST(ReportPictures, AllPointsOfASmallSetAreDots) {
  SampledPoints samples = draws(plane_law().mixture, 100);
  samples.points.row(7) << std::numeric_limits<double>::quiet_NaN(), 0.0;
  samples.points.row(8) << 1e9, 0.0;
  const Picture picture = samples_picture(plane_law(), samples, 720.0);

  EXPECT_EQ(count_of(picture.svg, "h0"), 98U + 1U);  // one in the legend
  EXPECT_TRUE(has_note(picture, "Dots outside the frame: 2."));
  EXPECT_TRUE(has_note(picture, "1 of these points are not finite"));
  EXPECT_FALSE(has_note(picture, "Dots:"));
}

TEST(ReportPictures, DotsOfALargeSetAreThinnedAndThePictureSaysSo) {
  SampledPoints samples = draws(plane_law().mixture, 10'000);
  samples.total = 12'000'000;
  const Picture picture = samples_picture(plane_law(), samples, 720.0);

  EXPECT_LE(count_of(picture.svg, "h0"), 2001U);
  EXPECT_GT(count_of(picture.svg, "h0"), 1900U);
  EXPECT_TRUE(has_note(picture, "Dots: 2,000 of 12,000,000 points"));
  EXPECT_TRUE(has_note(picture, "Histograms of 10,000 of 12,000,000 points"));
  EXPECT_NE(picture.svg.find("2,000 of 12,000,000"), std::string::npos);
  EXPECT_LT(picture.svg.size(), 150'000U);
}

TEST(ReportPictures, EqualInputsGiveEqualBytes) {
  const SampledPoints samples = draws(plane_law().mixture, 300);
  EXPECT_EQ(samples_picture(plane_law(), samples, 720.0).svg,
            samples_picture(plane_law(), samples, 720.0).svg);
}

SampledPaths some_paths(Eigen::Index dim, std::vector<double> times) {
  SampledPaths paths;
  paths.times = std::move(times);
  for (const double t : paths.times) paths.levels.push_back({std::sqrt(1.0 - t * t), t});
  for (int i = 0; i < 12; ++i) {
    Points path(std::ssize(paths.times), dim);
    for (Eigen::Index m = 0; m < path.rows(); ++m)
      path.row(m).setConstant(std::sin(i + 0.3 * static_cast<double>(m)));
    paths.paths.push_back(path);
  }
  paths.total = 400;
  paths.name = "paths.npy";
  return paths;
}

TEST(ReportPictures, PathsAreReadableAndCounted) {
  const std::vector<double> even{0.9, 0.7, 0.5, 0.3, 0.1}, crowded{0.9, 0.02, 0.01, 0.005, 0.001};
  for (const double width : widths) {
    expect_readable(paths_picture(line_law(), some_paths(1, even), width));
    expect_readable(paths_picture(line_law(), some_paths(1, crowded), width));
    expect_readable(paths_picture(plane_law(), some_paths(2, even), width));
  }
  const Picture picture = paths_picture(line_law(), some_paths(1, even), 720.0);
  EXPECT_EQ(count_of(picture.svg, "class=\"thin "), 12U);
  EXPECT_TRUE(has_note(picture, "12 of 400 paths"));
  EXPECT_NE(picture.svg.find("time t"), std::string::npos);
  EXPECT_NE(paths_picture(line_law(), some_paths(1, crowded), 720.0).svg.find("kept level"),
            std::string::npos);
  EXPECT_EQ(count_of(paths_picture(plane_law(), some_paths(2, even), 720.0).svg, "h0"), 24U + 2U);
}

TEST(ReportPictures, SamplesOfTargetsAreReadableAtEveryWidth) {
  for (const Target& target : {Target(SinGaussian{}), Target(Banana{})}) {
    const Points points = target.draws(500, 1);
    for (const double width : widths)
      expect_readable(samples_picture(viewed("target of x.json", target), {points, 500, "x.npy"}, width));
  }
  const Axis axis = axis_of(viewed("target", Banana{.scale = 2.0, .curvature = 0.0}), 0);
  EXPECT_NEAR(axis.high, 6.2 * 1.2, 0.5) << "0.999 of N(0, 4) lies below 6.2, and margins are added";
  expect_invalid(
      [] { viewed("funnel.json", Funnel{}); },
      "a picture of a target shows its marginals, which are known in dimension 1 and 2; funnel.json has "
      "dimension 10");
}

TEST(ReportPictures, PathsWithoutALawAreReadableAndColouredByRun) {
  const std::vector<double> times{0.1, 0.3, 0.5, 0.7, 0.9};
  SampledPaths few = some_paths(1, times);
  few.paths.resize(2);
  for (const double width : widths) {
    expect_readable(bare_paths_picture({some_paths(1, times)}, {"coordinate 0"}, width));
    expect_readable(bare_paths_picture({some_paths(2, times)}, {"coordinate 0", "coordinate 1"}, width));
    expect_readable(bare_paths_picture({some_paths(1, times), few}, {"coordinate 0"}, width));
  }
  const std::string svg = bare_paths_picture({some_paths(1, times), few}, {"coordinate 0"}, 720.0).svg;
  EXPECT_EQ(count_of(svg, "class=\"thin s0\""), 12U);
  EXPECT_EQ(count_of(svg, "class=\"curve s1\""), 2U + 1U);  // with legend
  EXPECT_TRUE(has_note(bare_paths_picture({few}, {"coordinate 0"}, 720.0), "2 of paths.npy"));
  expect_invalid([&] { bare_paths_picture(std::vector<SampledPaths>(8, few), {"x"}, 720.0); },
                 "plot paths: expected 1 to 7 runs, got 8");
  for (Points& path : few.paths) path.setConstant(std::numeric_limits<double>::quiet_NaN());
  expect_invalid([&] { bare_paths_picture({few}, {"x"}, 720.0); }, "no state of the paths is finite");
}

ChainTraces some_traces() {
  ChainTraces traces{
      .name = "2 chains in x.npy", .axis = "coordinate 0", .times = {}, .chains = {}, .draws = {}};
  for (int c = 0; c < 2; ++c) {
    std::vector<double>& chain = traces.chains.emplace_back();
    for (int n = 0; n < 300; ++n) chain.push_back(std::sin(0.1 * n + c));
    traces.draws.insert(traces.draws.end(), chain.begin(), chain.end());
  }
  for (int n = 0; n < 300; ++n) traces.times.push_back(n);
  traces.num_chains = 5;
  return traces;
}

TEST(ReportPictures, TracesAreReadableWithAndWithoutTheirLaw) {
  ChainTraces traces = some_traces();
  for (const double width : widths) expect_readable(trace_picture(traces, width));
  EXPECT_EQ(count_of(trace_picture(traces, 720.0).svg, "class=\"curve dash"), 0U);
  traces.exact = ChainTraces::Exact{"target of x.json", 0.0, 0.5, {{-1.0, 0.2}, {0.0, 0.7}, {1.0, 0.2}}};
  for (const double width : widths) expect_readable(trace_picture(traces, width));
  const Picture picture = trace_picture(traces, 720.0);
  EXPECT_EQ(count_of(picture.svg, "class=\"frame\""), 4U);
  EXPECT_EQ(count_of(picture.svg, "class=\"curve dash s1\""), 2U) << "exact mean and variance";
  EXPECT_TRUE(has_note(picture, "Curves of the first 2 of 5 chains"));
  traces.times.resize(1);
  expect_invalid([&] { trace_picture(traces, 720.0); }, "a picture of a trace needs two draws of a chain");
}

TEST(ReportPictures, EvolutionsShowABoundOfTheirDecay) {
  EvolvedDensity evolution = evolution_on(true);
  evolution.bound = 0.25;
  const Picture picture = evolution_picture(evolution, 720.0);
  expect_readable(picture);
  EXPECT_EQ(count_of(picture.svg, "bound exp(-0.25 t)"), 1U);
}

TEST(ReportPictures, FieldsAreReadableAndPointToTheMode) {
  const ViewedLaw law = in_view(coordinate_view(2, {0, 1}), "normal law",
                                Mixture({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({0.01})));
  for (const double width : widths) expect_readable(field_picture(law, vp(), 0.5, width));
  // The first arrow is the lower left one; y grows downwards in the picture.
  const std::string svg = field_picture(law, vp(), 0.5, 720.0).svg;
  std::smatch first;
  ASSERT_TRUE(std::regex_search(svg, first,
                                std::regex(R"(arrow ink" d="M[0-9.]+[ -][0-9.]+l(-?[0-9.]+) ?(-?[0-9.]+))")));
  EXPECT_GT(std::stod(first[1]), 5.0);
  EXPECT_LT(std::stod(first[2]), -5.0);
  expect_invalid([&] { field_picture(law, vp(), 0.0, 720.0); },
                 "the velocity of the probability flow is not finite at t = 0");
}

ChainFigures some_chains(bool with_history) {
  ChainFigures figures{
      .name = "chains.npz", .particles = 4, .chains = {{-1.0, -1.2, -0.9}, {3.1, 2.0, 1.2}, {4, 4, 9}}};
  figures.exact_log_evidence = -1.05;
  figures.log_weights = {std::log(0.25), std::log(0.25), std::log(0.25), std::log(0.25),
                         std::log(0.7),  std::log(0.1),  std::log(0.1),  std::log(0.1)};
  if (!with_history) return figures;
  figures.history.steps = {0, 4, 9};
  figures.history.ess = {4.0, 3.1, 3.5, 4.0, 2.0, 2.5};
  for (int row = 0; row < 6; ++row) {
    for (const double weight : {0.4, 0.3, 0.2, 0.1}) figures.history.log_weights.push_back(std::log(weight));
  }
  return figures;
}

TEST(ReportPictures, ChainsAreReadable) {
  for (const double width : widths) {
    expect_readable(chain_picture(some_chains(false), width));
    expect_readable(chain_picture(some_chains(true), width));
  }
  EXPECT_EQ(count_of(chain_picture(some_chains(false), 720.0).svg, "class=\"frame\""), 3U);
  const Picture picture = chain_picture(some_chains(true), 720.0);
  EXPECT_EQ(count_of(picture.svg, "class=\"frame\""), 5U);
  EXPECT_TRUE(has_note(picture, "median and range of the first 2 chains"));
}

ComparisonRecord record_of(const std::string& sampler, std::uint64_t seed, double value, double evaluations) {
  ComparisonRecord record;
  record.problem = "problem.json";
  record.sampler = sampler;
  record.seed = seed;
  record.count = 1000;
  record.version = "0.1.0";
  record.judgements = {{.quantity = "sw_1", .value = value, .floor = 0.02, .ratio = value / 0.02}};
  record.seconds = 0.1 * value;
  record.evaluations = evaluations;
  return record;
}

std::vector<ComparisonRecord> some_records() {
  std::vector<ComparisonRecord> records;
  for (const std::uint64_t seed : {0, 1, 2}) {
    records.push_back(record_of("draw", seed, 0.02 + 0.001 * static_cast<double>(seed), 0.0));
    records.push_back(record_of("ddim", seed, 0.03 + 0.01 * static_cast<double>(seed), 50.0));
    records.push_back(
        record_of("dps:zeta=0.3:integrator=euler-maruyama:integrator_zeta=0.5", seed, 0.4, 200.0));
  }
  records.push_back(record_of("broken", 0, 0.0, 10.0));
  records.back().judgements.clear();
  records.back().error = "states <overflow> at step 3";
  return records;
}

TEST(ReportComparison, FiguresAreMeansAndRangesOverTheRuns) {
  const std::vector<SamplerFigures> all = figures_of(some_records(), "sw_1");

  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[1].sampler, "ddim");
  EXPECT_EQ(all[1].runs, 3U);
  EXPECT_NEAR(all[1].value, 0.04, 1e-15);
  EXPECT_EQ(all[1].least, 0.03);
  EXPECT_EQ(all[1].most, 0.05);
  EXPECT_NEAR(all[1].floor, 0.02, 1e-15);
  EXPECT_EQ(all[1].evaluations, 50.0);
  EXPECT_EQ(all[3].runs, 0U);
  EXPECT_EQ(all[3].failed, 1U);
}

TEST(ReportComparison, PicturesAreReadableAndSayWhatIsMissing) {
  for (const double width : widths) {
    expect_readable(compare_picture(some_records(), "sw_1", Cost::evaluations, width));
    expect_readable(compare_picture(some_records(), "sw_1", Cost::seconds, width));
  }
  const Picture picture = compare_picture(some_records(), "sw_1", Cost::evaluations, 720.0);
  EXPECT_EQ(count_of(picture.svg, "h0"), 3U + 3U);  // three samplers and their legend
  EXPECT_TRUE(has_note(picture, "1 of 10 runs have no finite figure"));
  expect_invalid([] { compare_picture({some_records().back()}, "sw_1", Cost::seconds, 720.0); },
                 "no record has a finite sw_1");
}

TEST(ReportComparison, DistancesWithBothSignsHaveALinearAxis) {
  std::vector<ComparisonRecord> records{record_of("ddim", 0, -0.01, 20.0), record_of("heun", 0, 0.02, 40.0)};
  expect_readable(compare_picture(records, "sw_1", Cost::evaluations, 720.0));
}

TEST(ReportHtml, IsOneFileWithTableAndPictures) {
  const Picture samples =
      samples_picture(plane_law(), draws(plane_law().mixture, 2000), report_picture_width);
  const std::string html = html_report("samplers & laws", some_records(), {samples, samples});

  EXPECT_LT(html.size(), 1'000'000U);
  EXPECT_EQ(count_of(html, "<svg xmlns"), 4U);
  EXPECT_NE(html.find("<title>samplers &amp; laws</title>"), std::string::npos);
  EXPECT_NE(html.find("failed: states &lt;overflow&gt; at step 3"), std::string::npos);
  EXPECT_NE(html.find("<td>0.04</td>"), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
  for (const char* const foreign : {"<script", "src=", "href=", "url(", "@import"})
    EXPECT_EQ(html.find(foreign), std::string::npos) << foreign;
  expect_invalid([] { html_report("none", {some_records().back()}); }, "no record has figures");
}

TEST(ReportFigure, TheWidthHasARange) {
  expect_invalid([] { Figure(100.0, "title"); }, "the width of a picture is 240 to 4000 pixels, got 100");
  expect_invalid([] { Figure(std::numeric_limits<double>::quiet_NaN(), "title"); }, "got nan");
}

}  // namespace
}  // namespace gmdiff::report
