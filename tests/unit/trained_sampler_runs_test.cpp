#include <cmath>
#include <limits>
#include <stop_token>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/session.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "io/npz.hpp"
#include "network/paths/check_sampler.hpp"
#include "study/file_run.hpp"
#include "support/expect_invalid.hpp"
#include "support/trained_samplers.hpp"
#include "unit/io_support.hpp"

// Runs of trained samplers, and mixtures as their targets.

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
  SamplerTraining of_other = training;
  of_other.target = network::target_identity(other);
  EXPECT_NE(TrainedSampler(of_other, other).plan().hash(), same);
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

TEST(TrainedSamplerRuns, KeepThePathsOfAnInterruptedFile) {
  const Target target = Funnel{.dim = 2};
  const TrainedSampler sampler(random_sampler(target, small_sampler(PathMethod::dis)), target);
  const TemporaryFolder folder;
  std::stop_source stop;
  study::FileRun file{
      .record = {}, .options = {}, .start = {}, .out = folder / "x.npz", .partial = folder / "p.npz"};
  file.record.sampler = {{"type", Learned::name}};
  file.record.shape = {1000, 2};
  file.record.end = 1000;
  file.options = {.count = 1000, .seed = 1, .device = Device::cpu(1)};
  file.options.stop = stop.get_token();
  file.options.progress = [&](const Progress& /*progress*/) { stop.request_stop(); };
  try {
    study::run_to_file(sampler.plan(), file);
    FAIL() << "it did not stop";
  } catch (const study::FileRunInterrupted& interrupted) {
    const study::RunRecord& finished = interrupted.finished();
    const auto count = static_cast<std::int64_t>(finished.end);
    EXPECT_GT(count, 0);
    EXPECT_LT(count, 1000);
    const WeightedDraws draws = sampler.draws(count, 1);
    EXPECT_EQ(finished.weights, study::weights_json({draws.log_weights.begin(), draws.log_weights.end()}));
    EXPECT_EQ(study::read_sidecar(folder / "p.npz").weights, finished.weights);
    EXPECT_EQ(io::NpzReader(folder / "p.npz").arrays()[1].shape, (std::vector<std::int64_t>{count}));
    EXPECT_NE(std::string(interrupted.what()).find("of 1000 paths are finished"), std::string::npos);
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
  EXPECT_NE(target.custom()->id, mixture_target(law).custom()->id);
  expect_invalid(
      [] {
        mixture_target(
            {{1.0}, Points{{0.0, 0.0}}, Covariance::full({Eigen::Matrix2d{{1.0, 0.0}, {0.0, 0.0}}})});
      },
      "trained sampler: component 0 of the mixture has a singular covariance, so the mixture has no density");
}

/// A mixture with one basis, whose products with whole matrices round differently for a single row.
TEST(MixtureTargets, GiveARowTheSameBitsWithAnyOthers) {
  constexpr Eigen::Index d = 12;
  Eigen::MatrixXd covariance = 2.0 * Eigen::MatrixXd::Identity(d, d);
  for (Eigen::Index i = 0; i < d; ++i) {
    for (Eigen::Index j = 0; j < d; ++j) covariance(i, j) += std::cos(static_cast<double>(i + j)) / 8.0;
  }
  const Mixture law({0.5, 0.5}, Points(Points::Constant(2, d, 0.25)), Covariance::tied(covariance));
  const Target target = mixture_target(law);
  const Points x =
      run(draw_plan(std::span(&law, 1)), {.count = 130, .precision = Precision::f64}).to_double();
  const Points gradient = target.gradient(x), product = target.hessian_vp(x, gradient);
  const Eigen::VectorXd l = target.log_density(x);
  for (const Eigen::Index count : {1, 2, 3, 63, 64}) {
    SCOPED_TRACE(count);
    EXPECT_EQ(target.log_density(x.topRows(count)), l.head(count));
    EXPECT_EQ(target.gradient(x.topRows(count)), gradient.topRows(count));
    EXPECT_EQ(target.hessian_vp(x.topRows(count), gradient.topRows(count)), product.topRows(count));
  }
  EXPECT_NE(law.score(x.topRows(1)), law.score(x).topRows(1));

  // The prior of an observed mixture, on a range that ends inside a block.
  const Target observed =
      ObservedMixture{.prior = law,
                      .observation = NonlinearObservation(ElementwiseMap{.A = Eigen::MatrixXd::Ones(1, d)},
                                                          Eigen::VectorXd::Ones(1), 1.0)};
  const TrainedSampler sampler(random_sampler(observed, small_sampler(PathMethod::cmcd)), observed);
  const WeightedDraws all = sampler.draws(130, 4), one = sampler.draws(1, 4, 128);
  EXPECT_EQ(one.x.row(0), all.x.row(128));
  EXPECT_EQ(one.log_weights(0), all.log_weights(128));
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

}  // namespace
}  // namespace gmdiff
