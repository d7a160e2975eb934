#include <optional>
#include <sstream>
#include <type_traits>

#include <gtest/gtest.h>

#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/study/compare.hpp>

#include "study/path_law.hpp"
#include "support/expect_invalid.hpp"
#include "support/trained_samplers.hpp"
#include "unit/io_support.hpp"

// The sampler "learned": problem files that name a trained sampler or describe one to train, and comparisons.

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::random_sampler;
using test::small_sampler;
using test::TemporaryFolder;

class LearnedProblems : public ::testing::Test {
 protected:
  /// Writes a small trained sampler of a law.
  void write_model(const std::string& name, const Target& target) const {
    write_sampler(folder_ / name, random_sampler(target, small_sampler(PathMethod::dis)));
  }
  AnyProblem read(const std::string& json) const {
    std::istringstream in(json);
    return read_any_problem(in, "p.json", folder_ / "");
  }
  std::string refusal(const std::string& json) const {
    std::string text = test::error_of([&] { read(json); });
    const std::string place = (folder_ / "").string();
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place))
      text.erase(at, place.size());
    return text;
  }

  TemporaryFolder folder_;
};

const std::string gaussian_text =
    R"("prior": {"weights": [1], "means": [[0, 0]], "covariance": {"type": "spherical", "values": [1]}})";

TEST_F(LearnedProblems, NameAFileInTheirFolder) {
  write_model("m.npz", Funnel{});
  const std::string sampler = R"("sampler": {"type": "learned", "model": "m.npz"})";
  const auto problem = std::get<TargetProblem>(read(R"({"target": {"type": "funnel"}, )" + sampler + "}"));
  const auto& learned = std::get<Learned>(std::get<LearnedSampler>(problem.sampler));
  EXPECT_EQ(learned.model, (folder_ / "m.npz").string());
  EXPECT_FALSE(learned.reweight);
  EXPECT_EQ(to_json(read(to_json(problem))), to_json(problem));
  write_model("g.npz", mixture_target(std::get<Problem>(read("{" + gaussian_text + "}")).prior));
  const auto of_prior =
      std::get<Problem>(read("{" + gaussian_text + R"(, "sampler": {"type": "learned", "model": "g.npz"}})"));
  EXPECT_TRUE(std::holds_alternative<LearnedSampler>(of_prior.sampler));

  const auto with = [](const std::string& model) {
    return R"({"target": {"type": "banana"}, "sampler": {"type": "learned", "model": )" + model + "}}";
  };
  EXPECT_EQ(refusal(with("3")), "p.json: sampler.model: expected a text, given 3");
  EXPECT_EQ(refusal(with("\"none.npz\"")), "p.json: sampler.model: none.npz: no such file");
  EXPECT_EQ(refusal(with("\"m.npz\"")),
            "p.json: sampler.model: m.npz: the sampler has dimension 10, and the law has 2");
  test::write_file(folder_ / "text.npz", "no archive");
  EXPECT_EQ(refusal(with("\"text.npz\"")),
            "p.json: sampler.model: text.npz: is not a zip archive that can be read");
}

TEST_F(LearnedProblems, KeepTheSettingsOfASamplerToTrain) {
  const std::string sampler =
      R"("sampler": {"type": "dis", "components": 40, "refine_every": 20, "learn_step": false})";
  const std::string observed = gaussian_text +
                               R"(, "observation": {"map": {"type": "sin", "A": [[1, 2]]}, )" +
                               R"("y": [0], "noise_std": 1})";
  for (const std::string& law : {gaussian_text, std::string(R"("target": {"type": "funnel"})"), observed}) {
    std::string text_of_problem = "{";
    text_of_problem.append(law).append(", ").append(sampler).append("}");
    const AnyProblem problem = read(text_of_problem);
    const auto settings = std::visit(
        []<class T>(const T& of) -> std::optional<SamplerSettings> {
          if constexpr (std::is_same_v<T, DynamicsProblem>) {
            return {};
          } else {
            return of.training;
          }
        },
        problem);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->method, PathMethod::dis);
    EXPECT_EQ(settings->components, 40);
    EXPECT_EQ(settings->refine_every, 20);
    EXPECT_EQ(settings->learn_step, false);
    EXPECT_FALSE(settings->learn_friction);
    EXPECT_EQ(settings->steps, SamplerSettings{}.steps);
    const std::string text = to_json(problem);
    EXPECT_EQ(to_json(read(text)), text);
    EXPECT_NE(text.find("refine_every"), std::string::npos) << text;
  }
  EXPECT_EQ(refusal(R"({"target": {"type": "funnel"}, "sampler": {"type": "cmcd", "colour": 3}})")
                .find("p.json: sampler: unknown key \"colour\""),
            0U);
  // The name ula is that of a Markov chain.
  const auto chains = std::get<TargetProblem>(
      read(R"({"target": {"type": "funnel"}, "sampler": {"type": "ula", "step": 1}})"));
  EXPECT_FALSE(chains.training);
  EXPECT_TRUE(std::holds_alternative<Ula>(std::get<McmcSampler>(chains.sampler)));
}

TEST_F(LearnedProblems, RefuseASamplerOfAnotherLaw) {
  write_model("m.npz", Funnel{.dim = 2});
  const Learned sampler{.model = (folder_ / "m.npz").string()};
  const auto refused = [&](const study::PathLaw& law, const std::string& text) {
    expect_invalid([&] { study::path_plan(sampler, law); }, text);
  };
  refused(study::path_law_of(TargetProblem{.target = Banana{}}),
          "m.npz: the sampler was trained for another law, funnel:");
  refused(study::path_law_of(tutorial_2d()), "; the posterior is custom:mixture:");
  refused(study::path_law_of(TargetProblem{.target = Banana{.dim = 3}}),
          "m.npz: the sampler has dimension 2, and the target has 3");
  const PathPlan plan =
      study::path_plan(sampler, study::path_law_of(TargetProblem{.target = Funnel{.dim = 2}}));
  ASSERT_EQ(plan.notes.size(), 1U);
  EXPECT_NE(plan.notes[0].find("m.npz holds iteration 0 of 6 of its training"), std::string::npos);
}

// ----- comparisons

TEST_F(LearnedProblems, AreComparedWithOtherSamplersByTheirLaw) {
  // The start law is near the posterior, so that all weights count.
  const Problem problem = tutorial_2d();
  const study::PathLaw law = study::path_law_of(problem);
  ASSERT_TRUE(law.mixture);
  SamplerSettings settings = small_sampler(PathMethod::dis);
  settings.init_std = 1.0;
  settings.batch = 64;
  settings.iterations = 30;
  settings.step = 0.1;
  const std::string model = (folder_ / "m.npz").string();
  write_sampler(model, train_sampler(law.target, settings));
  CompareSettings comparison;
  comparison.problems = {{"posterior", problem}};
  comparison.options = {.count = 500, .seed = 3, .device = Device::cpu(2)};
  comparison.judging = {.slices = 10, .repeats = 2};
  comparison.results = folder_ / "r.jsonl";
  comparison.candidates = {{"draw"},
                           {"plain", AnySampler(Learned{.model = model})},
                           {"weighted", AnySampler(Learned{.model = model, .reweight = true})}};
  const std::vector<SamplerRow> rows = compare(comparison);
  for (const SamplerRow& row : rows) ASSERT_FALSE(row.error) << *row.error;
  const TrainedSampler sampler(read_sampler(model), law.target);
  const WeightedDraws draws = sampler.draws(500, rows[1].records[0].seed);
  const PathSummary summary = forward_summary(draws.log_weights);
  for (const SamplerRow& row : {rows[1], rows[2]}) {
    EXPECT_NEAR(*row.log_evidence_error,
                summary.log_z - posterior(problem.prior, *problem.observation).log_evidence, 1e-12);
    EXPECT_NEAR(*row.ess, summary.ess, 1e-12);
    EXPECT_EQ(*row.evaluations, 1.0);  // dis sees the target at the end alone
  }
  const Points directions = random_directions(2, 10, rows[1].records[0].seed);
  const Points x = draws.x.cast<float>().cast<double>();
  const Eigen::VectorXd w = draws.log_weights.array().exp();
  EXPECT_NEAR(rows[1].quantities[0].value, sliced_wasserstein(x, *law.mixture, directions, 1), 1e-12);
  EXPECT_NEAR(rows[2].quantities[0].value,
              sliced_wasserstein(x, *law.mixture, directions, 1, Device::cpu(),
                                 std::span(w.data(), static_cast<std::size_t>(w.size()))),
              1e-9);
  EXPECT_NE(rows[1].records[0].plan_hash, rows[2].records[0].plan_hash);
  for (const SamplerRow& row : compare(comparison)) EXPECT_EQ(row.reused, 1U);

  comparison.metrics = {Metric::energy_distance};
  expect_invalid(
      [&] { compare(comparison); },
      "reweight=true: the metric energy of a mixture takes no weights; moments does, and with a mixture "
      "sw, max-sw and mode-weights");
  expect_invalid(
      [&] {
        judge(PointSet(x).with_weights(std::vector<double>(500, 1.0)), *law.mixture,
              {.metric = Metric::energy_distance});
      },
      "judge: energy_distance of a mixture takes no weights of points; moments does");
  expect_invalid(
      [] {
        const Points zeros = Points::Zero(5, 2);
        judge(PointSet(zeros).with_weights(std::vector<double>(5, 1.0)), TargetLaw(Banana{}), {});
      },
      "judge: sw_1 of a target takes no weights of points");
  comparison.metrics = {Metric::sliced_wasserstein};
  write_model("f.npz", Funnel{.dim = 2});
  comparison.problems = {{"funnel", TargetProblem{.target = Funnel{.dim = 2}}}};
  comparison.candidates = {
      {"f", AnySampler(Learned{.model = (folder_ / "f.npz").string(), .reweight = true})}};
  expect_invalid([&] { compare(comparison); }, "reweight=true: the metric sw of a target takes no weights");
}

}  // namespace
}  // namespace gmdiff
