// compare as a function: samplers of the caller, diverged runs, kept samples, settings.

#include <gmdiff/study/compare.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/posterior.hpp>

#include "support/expect_invalid.hpp"
#include "unit/io_support.hpp"

namespace gmdiff::test {
namespace {

/// Draws of the prior of a problem, as a sampler of the caller would return them.
Points prior_draws(const AnyProblem& problem, const Options& options) {
  return run(draw_plan(std::span(&std::get<Problem>(problem).prior, 1)), options).to_double();
}

CompareSettings small_comparison() {
  Problem prior = tutorial_2d();
  prior.observation = {};
  CompareSettings settings;
  settings.problems = {{"prior", prior}};
  settings.options = {.count = 20, .seed = 3, .device = Device::cpu(1)};
  settings.judging = {.slices = 5, .repeats = 2};
  return settings;
}

/// A sampler that diverges in the runs with an odd seed.
CustomSampler even_seeds() {
  return [](const AnyProblem& problem, const Options& options) {
    Points points = prior_draws(problem, options);
    if (options.seed % 2 == 1) points(0, 0) = std::numeric_limits<double>::quiet_NaN();
    return points;
  };
}

TEST(Compare, CountsIntervalsThatContainTheTruth) {
  CompareSettings settings = small_comparison();
  settings.problems = {{"posterior", tutorial_2d()}};
  settings.runs = 40;
  // Overconfident samples: a point of the posterior, 20 times.
  const CustomSampler one_point = [](const AnyProblem& problem, const Options& options) {
    const auto& observed = std::get<Problem>(problem);
    const Mixture exact = posterior(observed.prior, *observed.observation).mixture;
    const Points x = draw(exact, {.count = 1, .seed = options.seed + 1000}).to_double();
    return Points(x.replicate(options.count, 1));
  };
  settings.candidates = {{"draw"}, {"one point", one_point}};
  const std::vector<SamplerRow> rows = compare(settings);

  for (const auto kind : {&SamplerRow::coverage_observed, &SamplerRow::coverage_null_space}) {
    ASSERT_TRUE(rows[0].*kind && rows[1].*kind);
    EXPECT_EQ((rows[0].*kind)->problems, 40);
    EXPECT_TRUE((rows[0].*kind)->is_calibrated());
    EXPECT_EQ((rows[1].*kind)->hits, 0);
    EXPECT_FALSE((rows[1].*kind)->is_calibrated());
  }
  // The hits are those of the function.
  const Problem problem = tutorial_2d();
  const Mixture exact = posterior(problem.prior, *problem.observation).mixture;
  const PointSet first(draw(exact, settings.options).to_double());
  const CoverageHits hits =
      coverage_hits(first, exact, *problem.observation, {.seed = settings.options.seed});
  ASSERT_TRUE(rows[0].records[0].coverage);
  EXPECT_EQ(rows[0].records[0].coverage->observed, hits.observed);
  EXPECT_EQ(rows[0].records[0].coverage->null_space, hits.null_space);
}

TEST(Compare, HasNoIntervalsOfAPriorOrOfFewSamples) {
  CompareSettings settings = small_comparison();
  settings.candidates = {{"draw"}};
  EXPECT_FALSE(compare(settings)[0].coverage_observed);
  settings.problems = {{"posterior", tutorial_2d()}};
  settings.options.count = 9;
  EXPECT_FALSE(compare(settings)[0].coverage_observed);
  settings.options.count = 10;
  EXPECT_TRUE(compare(settings)[0].coverage_observed);
}

TEST(Compare, WarnsOfADistanceThatIsNotYetItsLimit) {
  CompareSettings settings = small_comparison();
  settings.metrics = {Metric::sinkhorn};
  settings.candidates = {{"draw"}};
  EXPECT_TRUE(compare(settings)[0].warnings.empty());
  settings.judging.sinkhorn.max_iterations = 1;
  const std::vector<std::string> warnings = compare(settings)[0].warnings;
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("on prior: sinkhorn: not converged in 1 iterations; ")) << warnings[0];
}

TEST(Compare, AFunctionIsJudgedAsTheCatalogueIs) {
  CompareSettings settings = small_comparison();
  settings.metrics = {Metric::sliced_wasserstein, Metric::moments};
  settings.candidates = {{"draw"}, {"by hand", prior_draws}};
  const std::vector<SamplerRow> rows = compare(settings);

  ASSERT_EQ(rows.size(), 2U);
  ASSERT_GT(rows[0].quantities.size(), 2U);
  ASSERT_EQ(rows[1].quantities.size(), rows[0].quantities.size());
  for (std::size_t i = 0; i < rows[0].quantities.size(); ++i) {
    EXPECT_EQ(rows[1].quantities[i].quantity, rows[0].quantities[i].quantity);
    EXPECT_EQ(rows[1].quantities[i].value, rows[0].quantities[i].value);
    EXPECT_EQ(rows[1].quantities[i].floor, rows[0].quantities[i].floor);
  }
  EXPECT_EQ(rows[0].evaluations, 0.0);
  EXPECT_FALSE(rows[1].evaluations);
  EXPECT_EQ(rows[1].records.size(), 1U);
  EXPECT_EQ(rows[1].records[0].sampler, "by hand");
}

TEST(Compare, LeavesDivergedRunsOutOfTheFigures) {
  CompareSettings settings = small_comparison();
  settings.candidates = {{"even", even_seeds()}, {"all", prior_draws}};
  settings.runs = 3;  // seeds 3, 4 and 5
  const std::vector<SamplerRow> rows = compare(settings);

  EXPECT_FALSE(rows[0].error);
  EXPECT_EQ(rows[0].diverged, 2U);
  EXPECT_EQ(rows[0].runs, 1U);
  EXPECT_EQ(rows[0].records[0].error, "even: 1 values are not finite");
  EXPECT_EQ(rows[0].quantities[0].value, rows[1].records[1].judgements[0].value);
  EXPECT_EQ(rows[1].runs, 3U);
}

TEST(Compare, AnExceptionOfAFunctionIsItsRow) {
  CompareSettings settings = small_comparison();
  settings.runs = 2;
  int calls = 0;
  settings.candidates = {{"broken",
                          [&](const AnyProblem&, const Options&) -> Points {
                            ++calls;
                            throw std::runtime_error("no licence");
                          }},
                         {"wide", [](const AnyProblem&, const Options&) { return Points(20, 3); }},
                         {"draw"}};
  const std::vector<SamplerRow> rows = compare(settings);

  EXPECT_EQ(rows[0].error, "on prior: no licence");
  EXPECT_EQ(calls, 1) << "it is left out of further runs";
  EXPECT_EQ(rows[1].error, "on prior: wide: expected samples of shape (20, 2), got (20, 3)");
  EXPECT_EQ(rows[2].runs, 2U);
  settings.candidates = {{"absent", [](const AnyProblem&, const Options&) -> Points {
                            throw DeviceUnavailable("no such device");
                          }}};
  EXPECT_THROW(compare(settings), DeviceUnavailable);
}

TEST(Compare, AFunctionIsKnownByItsNameAndProblem) {
  const TemporaryFolder folder;
  int calls = 0;
  const CustomSampler counted = [&](const AnyProblem& problem, const Options& options) {
    ++calls;
    return prior_draws(problem, options);
  };
  CompareSettings settings = small_comparison();
  settings.results = folder / "r.jsonl";
  settings.candidates = {{"mine", counted}};
  const std::vector<SamplerRow> first = compare(settings), second = compare(settings);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(first[0].reused, 0U);
  EXPECT_EQ(second[0].reused, 1U);
  EXPECT_EQ(second[0].quantities[0].value, first[0].quantities[0].value);

  settings.candidates[0].name = "mine, improved";
  compare(settings);
  EXPECT_EQ(calls, 2);
  auto& problem = std::get<Problem>(settings.problems[0].problem);
  problem.prior = tutorial_1d().prior;
  compare(settings);
  EXPECT_EQ(calls, 3);
  // A denoiser given by a function has no JSON form and counts by its id.
  for (const char* id : {"first", "second", "first"}) {
    problem.denoiser =
        GivenDenoiser{.denoiser = {.id = id, .function = [](const Points&, Level, Points&) {}}};
    compare(settings);
  }
  EXPECT_EQ(calls, 5);
}

TEST(Compare, KeepsTheFirstSamplesOfTheFirstRun) {
  const TemporaryFolder folder;
  CompareSettings settings = small_comparison();
  settings.problems.push_back(settings.problems[0]);
  settings.runs = 2;
  settings.results = folder / "r.jsonl";
  settings.candidates = {{"draw"}, {"ddim", AnySampler{Sampler{Ddim{}}}}, {"mine", prior_draws}};
  EXPECT_EQ(compare(settings)[0].samples.rows(), 0);
  settings.kept_samples = 4;
  const std::vector<SamplerRow> recorded = compare(settings);
  settings.results.clear();
  const std::vector<SamplerRow> anew = compare(settings);
  settings.kept_samples = 100;

  const Points draws = prior_draws(settings.problems[0].problem, settings.options);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(recorded[i].reused, 4U);
    EXPECT_EQ(recorded[i].samples, anew[i].samples) << recorded[i].sampler;
    EXPECT_EQ(anew[i].samples.rows(), 4);
  }
  EXPECT_EQ(anew[0].samples, draws.topRows(4));
  EXPECT_EQ(compare(settings)[0].samples, draws) << "a run has no more";
}

TEST(Compare, ProgressCountsSamplesOfAllRuns) {
  CompareSettings settings = small_comparison();
  settings.runs = 3;
  settings.candidates = {{"draw"}, {"ddim", AnySampler{Sampler{Ddim{}}}}};
  std::int64_t last = 0, total = 0;
  settings.options.progress = [&](const Progress& progress) {
    EXPECT_GE(progress.done, last);
    last = progress.done;
    total = progress.total;
  };
  compare(settings);

  EXPECT_EQ(total, 120);
  EXPECT_EQ(num_samples(settings), 120);
  EXPECT_EQ(last, 120);
}

TEST(Compare, RejectsWrongSettings) {
  const TemporaryFolder folder;
  const auto expect = [&](auto change, const std::string& message) {
    CompareSettings settings = small_comparison();
    settings.candidates = {{"draw"}};
    change(settings);
    expect_invalid([&] { compare(settings); }, message);
  };
  expect([](auto& s) { s.problems.clear(); }, "compare: expected at least one problem");
  expect([](auto& s) { s.candidates.clear(); }, "compare: expected at least one candidate");
  expect([](auto& s) { s.metrics.clear(); }, "compare: expected at least one metric");
  expect([](auto& s) { s.runs = 0; }, "compare: runs must be >= 1, given 0");
  expect([](auto& s) { s.kept_samples = -1; }, "compare: kept_samples must be >= 0, given -1");
  expect([](auto& s) { s.options.count = 0; }, "compare: options.count must be >= 1, given 0");
  expect([](auto& s) { s.options.first = 5; }, "compare: options.first, start, history");
  expect([](auto& s) { s.options.history = 2; }, "compare: options.first, start, history");
  expect([](auto& s) { s.candidates = {{"f", CustomSampler{}}}; }, "compare: the function of f is empty");
  expect(
      [](auto& s) {
        s.candidates = {{"f", prior_draws}, {"f", even_seeds()}};
      },
      "compare: two functions have the name f");
  expect(
      [](auto& s) {
        s.candidates = {{"x", SampleFiles{}}};
      },
      "compare: x has 0 files of samples, expected one for each run of each problem, 1");
  write_points(folder / "x.npy", Points::Zero(20, 3));
  expect(
      [&](auto& s) {
        s.candidates = {{"x", SampleFiles{{folder / "x.npy"}}}};
      },
      "x.npy: expected samples of shape (20, 2), as many as of the other samplers, got (20, 3)");
}

// ----- targets

CompareSettings target_comparison(const Target& target) {
  CompareSettings settings = small_comparison();
  settings.problems = {{"target", TargetProblem{.target = target}}};
  settings.options.count = 500;
  settings.judging = {.slices = 10, .repeats = 5};
  return settings;
}

TEST(CompareTargets, JudgesChainsDrawsAndFunctions) {
  CompareSettings settings = target_comparison(SinGaussian{.dim = 2});
  const CustomSampler wide = [](const AnyProblem& problem, const Options& options) {
    return Points(2.0 * std::get<TargetProblem>(problem).target.draws(options.count, options.seed));
  };
  settings.candidates = {{"draw"}, {"mala", parse_sampler("mala:step=0.5:steps=100")}, {"wide", wide}};
  const std::vector<SamplerRow> rows = compare(settings);
  for (const SamplerRow& row : rows) ASSERT_FALSE(row.error) << *row.error;
  // A set of exact draws is within 4 deviations of the floor; twice its width is not.
  const QuantityFigures& exact = rows[0].quantities[0];
  const double most = exact.floor + 4.0 * exact.floor_sd;
  EXPECT_LT(exact.value, most);
  EXPECT_LT(rows[1].quantities[0].value, most);
  EXPECT_GT(rows[2].quantities[0].value, most);
  EXPECT_FALSE(rows[1].coverage_observed);
}

/// Samples are independent, so all of them count; those of files have no time.
TEST(CompareTargets, CountEffectiveSamplesPerSecond) {
  const TemporaryFolder folder;
  write_points(folder / "x.npy", Points::Zero(20, 1));
  CompareSettings settings = small_comparison();
  settings.problems = {{"sin", TargetProblem{.target = SinGaussian{}}}};
  settings.runs = 1;
  settings.candidates = {{"ula", McmcSampler(Ula{.step = 0.5, .run = {.steps = 5}})},
                         {"file", SampleFiles{{folder / "x.npy"}}}};
  const std::vector<SamplerRow> rows = compare(settings);
  EXPECT_DOUBLE_EQ(rows[0].ess_per_second.value() * rows[0].seconds, 20.0);
  EXPECT_FALSE(rows[1].ess_per_second.has_value());
}

TEST(CompareTargets, DrawsFromATableWhereNoOthersExist) {
  const TemporaryFolder folder;
  CompareSettings settings = target_comparison(ExpressionTarget{.density = "-x^4"});
  settings.candidates = {{"draw"}};
  settings.results = folder / "r.jsonl";
  const SamplerRow row = compare(settings).front();
  ASSERT_FALSE(row.error);
  EXPECT_LT(row.quantities[0].value, row.quantities[0].floor + 4.0 * row.quantities[0].floor_sd);
  EXPECT_EQ(compare(settings).front().reused, 1U);
  settings.problems[0].problem = TargetProblem{.target = ExpressionTarget{.density = "-x^6"}};
  EXPECT_EQ(compare(settings).front().reused, 0U);
}

TEST(CompareTargets, RefusesWhatHasNoLawOrNoPlan) {
  CompareSettings settings = target_comparison(SinGaussian{});
  settings.candidates = {{"ddim", parse_sampler("ddim")}};
  expect_invalid(
      [&] { compare(settings); },
      "target, sampler ddim: ddim samples mixtures, and the law of target is none; expected a Markov "
      "chain, a learned sampler or draw");
  settings.candidates = {{"mala", parse_sampler("mala:step=1:output=trace")}};
  expect_invalid([&] { compare(settings); }, "mala: a comparison needs one independent sample of each chain");
  settings.candidates = {{"draw"}};
  settings.problems = {{"path", DynamicsProblem{}}};
  expect_invalid([&] { compare(settings); }, "path has dynamics; expected a prior or a target");
}

}  // namespace
}  // namespace gmdiff::test
