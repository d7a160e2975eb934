#include <cmath>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/session.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/study/compare.hpp>

#include "study/path_law.hpp"
#include "study/record.hpp"
#include "support/expect_invalid.hpp"
#include "support/trained_samplers.hpp"
#include "unit/io_support.hpp"

// Trained samplers as any other samplers: runs, problem files, comparisons, mixtures as their targets.

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::random_sampler;
using test::small_sampler;
using test::TemporaryFolder;

/// Components that overlap, so that a normal start law is not far from it.
Mixture three_components() {
  return {{0.5, 0.3, 0.2},
          Points{{-0.4, 0.2}, {0.3, 0.5}, {0.5, -0.6}},
          Covariance::full({Eigen::Matrix2d{{0.9, 0.3}, {0.3, 0.7}}, Eigen::Matrix2d::Identity(),
                            Eigen::Matrix2d{{0.6, 0.0}, {0.0, 0.9}}})};
}

Eigen::VectorXd weights_of(const PathSamples& samples) {
  return Eigen::VectorXd::Map(samples.log_weights().data(), std::ssize(samples.log_weights()));
}

TEST(TrainedSamplerRuns, GiveTheBitsOfDrawsInAnyRangeOnAnyDevice) {
  const Target target = Funnel{.dim = 3};
  const SamplerTraining training = random_sampler(target, small_sampler(PathMethod::dbs));
  const TrainedSampler sampler(training, target);
  const PathPlan plan = sampler.plan();
  const WeightedDraws draws = sampler.draws(700, 4);
  const auto part = [&](std::int64_t first, std::int64_t count, const Device& device) {
    return run(plan,
               {.count = count, .seed = 4, .device = device, .precision = Precision::f64, .first = first});
  };
  const PathSamples whole = part(0, 700, Device::cpu(3));
  EXPECT_EQ(whole.shape(), (std::vector<std::int64_t>{700, 3}));
  EXPECT_EQ(whole.to_double(), draws.x);
  EXPECT_EQ(weights_of(whole), draws.log_weights);
  EXPECT_EQ(whole.provenance().plan_hash, plan.hash());
  EXPECT_EQ(whole.provenance().device, "cpu:3");
  EXPECT_EQ(whole.provenance().particle_steps, 700.0 * training.settings.steps);
  const PathSamples first = part(0, 70, Device::cpu(1)), rest = part(70, 630, Device::cpu(1));
  EXPECT_EQ(first.to_double(), draws.x.topRows(70));
  EXPECT_EQ(rest.to_double(), draws.x.bottomRows(630));
  EXPECT_EQ(weights_of(rest), draws.log_weights.tail(630));
  const PathSamples reference = part(0, 70, Device::reference());
  EXPECT_EQ(reference.to_double(), draws.x.topRows(70));
  EXPECT_EQ(reference.provenance().notes,
            (std::vector<std::string>{"trained samplers are computed on cpu, not on reference"}));
  const PathSamples rounded = Session(Device::cpu(2)).run(plan, {.count = 70, .seed = 4});
  EXPECT_EQ(rounded.precision(), Precision::f32);
  EXPECT_EQ(rounded.to_double(), Points(draws.x.topRows(70).cast<float>().cast<double>()));
  EXPECT_EQ(weights_of(rounded), draws.log_weights.head(70));
}

TEST(TrainedSamplerRuns, KeepStatesOfThePaths) {
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = random_sampler(target, small_sampler(PathMethod::dis));
  const TrainedSampler sampler(training, target);
  const PathSamples kept =
      run(sampler.plan(),
          {.count = 100, .seed = 7, .device = Device::cpu(2), .precision = Precision::f64, .history = 4});
  EXPECT_EQ(kept.shape(), (std::vector<std::int64_t>{100, 4, 2}));
  ASSERT_EQ(training.settings.steps, 6);
  EXPECT_EQ(kept.times(), (std::vector<double>{1.0, 4.0 / 6.0, 2.0 / 6.0, 0.0}));
  const Points states = kept.to_double();
  const WeightedDraws draws = sampler.draws(100, 7);
  for (Eigen::Index n = 0; n < 100; ++n) EXPECT_EQ(states.row(4 * n + 3), draws.x.row(n));
  // Steps of length 0 stay at the first state.
  SamplerTraining frozen = training;
  frozen.parameters(2 * 3 * 2) = -700.0;  // dt behind mu and s of three components
  const PathSamples still = run(TrainedSampler(frozen, target).plan(),
                                {.count = 100, .seed = 7, .precision = Precision::f64, .history = 4});
  const Points first = still.to_double();
  for (Eigen::Index n = 0; n < 100; ++n) {
    EXPECT_EQ(states.row(4 * n), first.row(4 * n));
    EXPECT_EQ(first.row(4 * n + 3), first.row(4 * n));
  }
}

TEST(TrainedSamplerRuns, HashesEverythingThatPathsDependOn) {
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = random_sampler(target, small_sampler(PathMethod::cmcd));
  const auto hash = [&](auto change) {
    SamplerTraining other = training;
    change(other);
    return TrainedSampler(other, target).plan().hash();
  };
  const std::uint64_t same = hash([](SamplerTraining&) {});
  EXPECT_EQ(hash([](SamplerTraining& t) { t.adam.m(0) += 1.0; }), same);
  EXPECT_EQ(hash([](SamplerTraining& t) { t.settings.seed += 1; }), same);
  EXPECT_NE(hash([](SamplerTraining& t) { t.networks(5) += 1e-12; }), same);
  EXPECT_NE(hash([](SamplerTraining& t) { t.parameters(0) += 1e-12; }), same);
  EXPECT_NE(hash([](SamplerTraining& t) { t.settings.precision = Precision::f32; }), same);
  EXPECT_NE(hash([](SamplerTraining& t) { t.settings.schedule = PathSchedule::linear; }), same);
  const Target other = Funnel{.scale = 2.0, .dim = 2};
  EXPECT_NE(TrainedSampler(training, other).plan().hash(), same);
}

TEST(TrainedSamplerRuns, StopBetweenBatches) {
  const Target target = Funnel{.dim = 2};
  const TrainedSampler sampler(random_sampler(target, small_sampler(PathMethod::dis)), target);
  std::stop_source stop;
  Options options{.count = 1000, .seed = 1, .device = Device::cpu(1), .precision = Precision::f64};
  options.stop = stop.get_token();
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, 1000);
    stop.request_stop();
  };
  try {
    run(sampler.plan(), options);
    FAIL() << "it did not stop";
  } catch (const PathsInterrupted& interrupted) {
    const PathSamples& finished = interrupted.finished_paths();
    const Eigen::Index count = finished.rows();
    EXPECT_GT(count, 0);
    EXPECT_LT(count, 1000);
    EXPECT_EQ(finished.to_double(), sampler.draws(count, 1).x);
    EXPECT_EQ(std::ssize(finished.log_weights()), count);
    EXPECT_NE(std::string(interrupted.what()).find("of 1000 paths"), std::string::npos) << interrupted.what();
  }
}

TEST(TrainedSamplerRuns, RefuseWhatPathsDoNotHave) {
  const Target target = Funnel{.dim = 2};
  const PathPlan plan = TrainedSampler(random_sampler(target, small_sampler(PathMethod::dis)), target).plan();
  expect_invalid([&] { run(plan, {.count = 1, .start = Points::Zero(1, 2)}); },
                 "run: a trained sampler draws its first states from its own start law");
  expect_invalid([&] { run(plan, {.count = 1, .smc_history = true}); },
                 "run: smc_history records weightings of SMC, and paths have none");
  expect_invalid([&] { run(plan, {.count = 0}); }, "run: count must be at least 1, got 0");
  expect_invalid([&] { run(plan, {.count = 1, .history = 9}); }, "history");
  expect_invalid([&] { run(PathPlan{}, {.count = 1}); }, "run: the plan of paths has no source");
}

TEST(TrainedSamplerRuns, RecordWeightsThatAreAllZero) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  study::RunRecord record;
  record.weights = study::weights_json({-infinity, 0.0});
  EXPECT_EQ(record.weights["log_z"].get<double>(), -std::log(2.0));
  EXPECT_TRUE(study::chain_warnings(record).empty());
  record.weights = study::weights_json({-infinity, -infinity});
  EXPECT_EQ(record.weights["log_z"], "-inf");
  EXPECT_EQ(record.weights["ess"], 0.0);
  EXPECT_EQ(study::chain_warnings(record),
            (std::vector<std::string>{"the weights of all paths are 0: the paths do not reach the target"}));
}

// ----- mixtures

TEST(MixtureTargets, AreTheirDensitiesRowByRow) {
  const Mixture law = three_components();
  const Target target = mixture_target(law, -1.5);
  const Points x =
      run(draw_plan(std::span(&law, 1)), {.count = 130, .precision = Precision::f64}).to_double();
  Eigen::VectorXd l;
  Points gradient;
  target.evaluate(x, l, gradient);
  EXPECT_LE((l - (law.log_pdf(x).array() - 1.5).matrix()).cwiseAbs().maxCoeff(), 1e-13);
  EXPECT_LE((gradient - law.score(x)).cwiseAbs().maxCoeff(), 1e-13);
  EXPECT_LE((target.hessian_vp(x, gradient) - law.hessian_vp(x, gradient)).cwiseAbs().maxCoeff(), 1e-12);
  // A row has the same bits whichever rows come with it, as long as its place in a block is the same.
  for (const Eigen::Index count : {1, 2, 3, 63, 64}) {
    Eigen::VectorXd of_first;
    Points gradient_of_first;
    target.evaluate(x.topRows(count), of_first, gradient_of_first);
    EXPECT_EQ(of_first, l.head(count));
    EXPECT_EQ(gradient_of_first, gradient.topRows(count));
    EXPECT_EQ(target.hessian_vp(x.topRows(count), gradient.topRows(count)),
              target.hessian_vp(x, gradient).topRows(count));
  }
  EXPECT_NE(target.custom()->id, mixture_target(law).custom()->id);
  expect_invalid(
      [] {
        mixture_target(
            {{1.0}, Points{{0.0, 0.0}}, Covariance::full({Eigen::Matrix2d{{1.0, 0.0}, {0.0, 0.0}}})});
      },
      "trained sampler: component 0 of the mixture has a singular covariance, so the mixture has no density");
}

/// E[w] = Z holds for any parameters: the mean of w over paths is normal about Z by the central limit theorem,
/// as the log-weights have a standard deviation below 1; 4 standard errors are exceeded with probability
/// 6e-5. Backward paths from exact draws have E[1/w] = 1/Z.
TEST(MixtureTargets, HaveTheirNormaliserWhateverTheParameters) {
  const Mixture law = three_components();
  const double log_scale = 0.7, Z = std::exp(log_scale);
  const Target target = mixture_target(law, log_scale);
  const Points exact =
      run(draw_plan(std::span(&law, 1)), {.count = 20'000, .seed = 3, .precision = Precision::f64})
          .to_double();
  for (const PathMethod method : {PathMethod::dis, PathMethod::cmcd, PathMethod::dbs}) {
    SCOPED_TRACE(to_string(method));
    SamplerSettings settings = small_sampler(method);
    settings.means_std = 0.2;
    const TrainedSampler sampler(random_sampler(target, settings, 0.02), target);
    const Eigen::ArrayXd log_w = sampler.draws(20'000, 9).log_weights.array();
    const Eigen::ArrayXd w = log_w.exp();
    const double error = std::sqrt((w - w.mean()).square().mean() / static_cast<double>(w.size()));
    EXPECT_LT((log_w - log_w.mean()).square().mean(), 1.0);
    EXPECT_LT(std::abs(w.mean() - Z), 4.0 * error);
    EXPECT_GT(std::abs(1.1 * w.mean() - Z), 4.0 * error);  // a bias of 10% is seen
    const PathSummary forward = forward_summary(log_w.matrix());
    const PathSummary backward = backward_summary(sampler.backward_log_weights(exact, 9));
    EXPECT_LT(forward.bound, log_scale);
    EXPECT_GT(backward.bound, log_scale);
    EXPECT_NEAR(backward.log_z, log_scale, 4.0 * backward.log_z_error);
  }
}

// ----- problem files

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
          "m.npz: the sampler was trained for another law, funnel; the target is banana");
  refused(study::path_law_of(tutorial_2d()),
          "m.npz: the sampler was trained for another law, funnel; the posterior is custom:mixture:");
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
  expect_invalid([&] { compare(comparison); },
                 "reweight=true: the metric energy takes no weights; sw and max-sw do");
  expect_invalid(
      [&] {
        judge(PointSet(x).with_weights(std::vector<double>(500, 1.0)), *law.mixture,
              {.metric = Metric::energy_distance});
      },
      "judge: energy_distance takes no weights of points; sw and max-sw to a mixture do");
  expect_invalid(
      [] {
        const Points zeros = Points::Zero(5, 2);
        judge(PointSet(zeros).with_weights(std::vector<double>(5, 1.0)), TargetLaw(Banana{}), {});
      },
      "judge: sw_1 to a target takes no weights of points; sw and max-sw to a mixture do");
  comparison.metrics = {Metric::sliced_wasserstein};
  write_model("f.npz", Funnel{.dim = 2});
  comparison.problems = {{"funnel", TargetProblem{.target = Funnel{.dim = 2}}}};
  comparison.candidates = {
      {"f", AnySampler(Learned{.model = (folder_ / "f.npz").string(), .reweight = true})}};
  expect_invalid(
      [&] { compare(comparison); },
      "reweight=true: distances with weights are to a mixture, and the law of the problem is none");
}

}  // namespace
}  // namespace gmdiff
