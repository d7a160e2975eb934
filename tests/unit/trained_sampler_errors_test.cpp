#include <cmath>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/io/sampler_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/check.hpp"
#include "io/npz.hpp"
#include "io_support.hpp"
#include "network/paths/check_sampler.hpp"
#include "support/expect_invalid.hpp"
#include "support/expect_memory_error.hpp"
#include "support/trained_samplers.hpp"

// Trained samplers, their files, and summaries of weights: what they refuse, and paths that diverge.

namespace gmdiff {
namespace {

using test::expect_invalid;
using test::scaled_gaussian;
using test::small_sampler;

TEST(TrainedSampler, ReportsThePathThatDiverges) {
  SamplerSettings settings = small_sampler(PathMethod::ula);
  settings.iterations = 50;
  settings.batch = 70;
  CustomTarget target = scaled_gaussian(Eigen::Vector2d(0.0, 0.0), Eigen::Vector2d(1.0, 1.0), 1.0);
  // From the third iteration on, path 66 has no density. In every iteration the target sees N + 1 states.
  const auto density = target.evaluate;
  auto ends = std::make_shared<int>(0);
  target.concurrent = false;
  target.evaluate = [=](Eigen::Index n, const double* x, double* l, double* g) {
    density(n, x, l, g);
    if (n == 6 && ++*ends > 2 * 7) l[2] = -std::numeric_limits<double>::infinity();
  };
  SamplerTraining last;
  SamplerTrainingOptions options{.threads = 1, .checkpoint_every = 40};
  options.checkpoint = [&](const SamplerTraining& training) { last = training; };
  try {
    train_sampler(target, settings, options);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const NonFiniteError& error) {
    EXPECT_NE(std::string(error.what()).find("log w is -inf in iteration 3 on path 66; a smaller step"),
              std::string::npos)
        << error.what();
  }
  EXPECT_EQ(last.iteration, 2);
  EXPECT_TRUE(last.parameters.allFinite());
}

TEST(TrainedSampler, ReportsWeightsThatAreNoNumbers) {
  CustomTarget target = scaled_gaussian(Eigen::Vector2d(0.0, 0.0), Eigen::Vector2d(1.0, 1.0), 1.0);
  const auto density = target.evaluate;
  auto value = std::make_shared<double>(-std::numeric_limits<double>::infinity());
  target.evaluate = [=](Eigen::Index n, const double* x, double* l, double* g) {
    density(n, x, l, g);
    l[0] = *value;
  };
  const TrainedSampler sampler(start_sampler(target, small_sampler(PathMethod::dis)), target);
  EXPECT_EQ(sampler.draws(3, 1).log_weights(0), *value);  // a weight of 0 is a weight
  *value = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(sampler.draws(3, 1), NonFiniteError);
  EXPECT_THROW(sampler.backward_log_weights(Points::Zero(3, 2), 1), NonFiniteError);
}

TEST(TrainedSampler, RefusesSettingsOutOfRange) {
  const Target target = Funnel{.dim = 2};
  const auto expect = [&](auto change, const std::string& text) {
    SamplerSettings settings = small_sampler(PathMethod::dis);
    change(settings);
    expect_invalid([&] { start_sampler(target, settings); }, text);
  };
  const double nan = std::nan("");
  expect([](SamplerSettings& s) { s.components = 0; }, "components must be in 1 ... 4096, got 0");
  expect([](SamplerSettings& s) { s.init_std = 0.0; }, "init_std must be positive and finite, got 0");
  expect([](SamplerSettings& s) { s.means_std = -1.0; }, "means_std must be finite and not negative, got -1");
  expect([=](SamplerSettings& s) { s.step = nan; }, "step must be positive and finite, got nan");
  expect([](SamplerSettings& s) { s.steps = 0; }, "steps must be in 1 ... 1048576, got 0");
  expect([](SamplerSettings& s) { s.hidden = 1; }, "hidden must be in 2 ... 16384, got 1");
  expect([](SamplerSettings& s) { s.batch = 0; }, "batch must be in 1 ... 16777216, got 0");
  expect([](SamplerSettings& s) { s.iterations = 1 << 24; },
         "iterations must be in 1 ... 16777215, got 16777216");
  expect([](SamplerSettings& s) { s.network_rate = 0.0; }, "network_rate must be positive and finite, got 0");
  expect([](SamplerSettings& s) { s.rate = -1.0; },
         "trained sampler: rate must be positive and finite, got -1");
  expect([](SamplerSettings& s) { s.decay = 2.0; }, "decay must be in [0, 1], got 2");
  expect([](SamplerSettings& s) { s.drift = PathDrift::zero; },
         "the drift zero belongs to the method dbs, got dis");
  expect([](SamplerSettings& s) { s.learn_weights = true; },
         "learn_weights needs the loss log-variance or trajectory-balance");
  expect(
      [](SamplerSettings& s) {
        s.loss = PathLoss::log_variance;
        s.prior = PathPrior::gp;
        s.learn_weights = true;
      },
      "learn_weights needs the prior gmp, got gp");
}

TEST(TrainedSampler, NeedsMemoryAndRandomNumbersForItsPaths) {
  SamplerSettings settings = small_sampler(PathMethod::ula);
  settings.prior = PathPrior::gp;
  settings.steps = 1 << 20;
  expect_invalid([&] { start_sampler(SinGaussian{.dim = 1 << 14}, settings); },
                 "1048576 steps in dimension 16384 need more than the 2^33 random numbers of a path");
  const Target target = SinGaussian{.dim = 1 << 13};
  const SamplerTraining training = start_sampler(target, settings);
  test::expect_memory_error([&] { continue_sampler(training, target, {.threads = 1}); },
                            "wanted for a batch of 150 paths");
  test::expect_memory_error([&] { TrainedSampler of(training, target); },
                            "wanted for a trained sampler of 1048576 steps");
  // The sums of every block, which ula has too, and the time encoder of draws.
  settings.steps = 1024;
  settings.batch = 1 << 24;
  const Target wide = SinGaussian{.dim = 1000};
  test::expect_memory_error([&] { continue_sampler(start_sampler(wide, settings), wide, {.threads = 1}); },
                            "wanted for a batch of 16777216 paths");
  const Target small = Funnel{.dim = 2};
  SamplerSettings long_paths = small_sampler(PathMethod::dis);
  long_paths.steps = 1 << 20;
  long_paths.hidden = 2048;
  long_paths.precision = Precision::f64;
  test::expect_memory_error([&] { TrainedSampler of(start_sampler(small, long_paths), small); },
                            "wanted for a trained sampler of 1048576 steps");
  const TrainedSampler sampler(start_sampler(small, small_sampler(PathMethod::dis)), small);
  test::expect_memory_error([&] { sampler.draws(std::int64_t{1} << 40, 1); },
                            "wanted for 1099511627776 paths");
}

TEST(TrainedSampler, NeedsTheHessianForDerivativesThroughThePath) {
  CustomTarget target = scaled_gaussian(Eigen::Vector2d(0.0, 0.0), Eigen::Vector2d(1.0, 1.0), 1.0);
  target.hessian_vp = {};
  SamplerSettings settings = small_sampler(PathMethod::mcd);
  settings.iterations = 1;
  expect_invalid([&] { start_sampler(target, settings); },
                 "the loss elbo of the method mcd needs products with the Hessian, which the custom target "
                 "\"gaussian\" has not; use the method dis, another loss, or detach_target_score");
  settings.detach_target_score = true;
  EXPECT_EQ(train_sampler(target, settings).iteration, 1);
  settings.detach_target_score = false;
  settings.loss = PathLoss::log_variance;
  EXPECT_EQ(train_sampler(target, settings).iteration, 1);
  EXPECT_EQ(train_sampler(target,
                          [] {
                            SamplerSettings dis = small_sampler(PathMethod::dis);
                            dis.iterations = 1;
                            return dis;
                          }())
                .iteration,
            1);
  target.evaluate = {};
  target.device = [](const DeviceTargetRows& /*rows*/) {};
  expect_invalid([&] { start_sampler(target, settings); }, "works in the memory of a GPU only");
}

TEST(TrainedSampler, SettingsAsTextHaveTheRangesOfTheTraining) {
  EXPECT_EQ(parse_sampler_settings("dis:refine_every=20:first_moves=0").first_moves, 0);
  EXPECT_EQ(parse_sampler_settings("dis:steps=1048576").steps, 1 << 20);
}

TEST(TrainedSampler, RefusesAnotherTargetAndWrongShapes) {
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = start_sampler(target, small_sampler(PathMethod::dis));
  expect_invalid([&] { continue_sampler(training, Funnel{.dim = 3}); },
                 "the target has dimension 3, but the training began with dimension 2");
  expect_invalid([&] { continue_sampler(training, Banana{}); },
                 concat("the target is ", network::target_identity(Banana{}),
                        ", but the training began with ", training.target));
  // Other numbers, or another prior of the same observation, are another target.
  expect_invalid([&] { continue_sampler(training, Funnel{.scale = 2.0, .dim = 2}); },
                 "but the training began with funnel:");
  const auto observed = [](double mean) {
    return ObservedMixture{.prior = Mixture({1.0}, Points{{mean, 0.0}}, Covariance::spherical({1.0})),
                           .observation = NonlinearObservation(ExpressionMap{.texts = {"x1*x2"}, .dim = 2},
                                                               Eigen::VectorXd{{1.0}}, 0.5)};
  };
  EXPECT_NE(network::target_identity(observed(0.0)), network::target_identity(observed(1.0)));
  expect_invalid([&] { continue_sampler(training, target, {.threads = -1}); },
                 "threads must be in 0 ... 1024, got -1");
  expect_invalid([&] { continue_sampler(training, target, {.checkpoint_every = -1}); },
                 "checkpoint_every must not be negative, got -1");
  expect_invalid([&] { TrainedSampler of(training, target, 2000); },
                 "threads must be in 0 ... 1024, got 2000");
  SamplerTraining broken = training;
  broken.networks.conservativeResize(9);
  expect_invalid([&] { TrainedSampler of(broken, target); }, "networks must have ");
  broken = training;
  broken.parameters(2) = std::nan("");
  expect_invalid([&] { TrainedSampler of(broken, target); }, "parameters must be finite");
  broken = training;
  broken.iteration = 7;
  expect_invalid([&] { TrainedSampler of(broken, target); }, "the iteration must be in 0 ... 6, got 7");
  const TrainedSampler sampler(training, target);
  EXPECT_EQ(sampler.dim(), 2);
  expect_invalid([&] { sampler.draws(0, 1); }, "paths 0 to 0 + 0 are no range of paths");
  expect_invalid([&] { sampler.draws(1, 1, -1); }, "are no range of paths");
  expect_invalid([&] { sampler.backward_log_weights(Points::Zero(2, 3), 1); },
                 "x must have 2 columns, got 3");
}

TEST(TrainedSamplerFiles, KeepEveryBitAndNameTheirErrors) {
  const test::TemporaryFolder folder;
  const Target target = Funnel{.dim = 2};
  SamplerSettings settings = small_sampler(PathMethod::dbs);
  settings.loss = PathLoss::trajectory_balance;
  settings.learn_weights = true;
  settings.learn_step = false;
  settings.seed = 0xfedcba9876543210;
  settings.schedule = PathSchedule::linear;
  settings.langevin = true;
  std::stop_source stop;
  SamplerTrainingOptions options{.checkpoint_every = 2, .stop = stop.get_token()};
  options.checkpoint = [&](const SamplerTraining& training) {
    write_sampler(folder / "a.npz", training);
    stop.request_stop();
  };
  const SamplerTraining part = train_sampler(target, settings, options);
  const SamplerTraining read = read_sampler(folder / "a.npz");
  EXPECT_EQ(read.target, network::target_identity(target));
  EXPECT_EQ(read.settings.seed, settings.seed);
  EXPECT_EQ(read.settings.learn_step, std::optional<bool>(false));
  EXPECT_EQ(read.settings.learn_friction, std::nullopt);
  EXPECT_EQ(read.settings.precision, Precision::f64);
  write_sampler(folder / "b.npz", read);
  EXPECT_EQ(test::read_file(folder / "a.npz"), test::read_file(folder / "b.npz"));
  const SamplerTraining whole = train_sampler(target, settings), resumed = continue_sampler(read, target);
  EXPECT_EQ(resumed.parameters, whole.parameters);
  EXPECT_EQ(resumed.networks, whole.networks);
  EXPECT_EQ(resumed.network_adam.v, whole.network_adam.v);
  expect_invalid([&] { write_sampler(folder / "a.npz", part); }, "a.npz");

  const auto refused = [&](const std::vector<io::NpzArray>& arrays, const std::string& text) {
    io::write_npz(folder / "bad.npz", arrays, true);
    expect_invalid([&] { read_sampler(folder / "bad.npz"); }, "bad.npz: " + text);
  };
  const std::vector<double> one{1.0}, now{3.0}, three(3), code{300.0};
  refused({{"version", {1}, one}}, "has no array target, so it is not a training of a sampler");
  refused({{"target", {1}, code}}, "target: expected codes of characters, got 300");
  refused({{"target", {1}, one}, {"version", {1}, one}},
          "has version 1 of the format of trained samplers; this gmdiff reads version 3");
  refused({{"target", {1}, one}, {"version", {1}, now}, {"settings", {3}, three}},
          "array settings: expected shape (33,), got (3,)");
  std::vector<double> numbers(33);
  numbers[0] = 5.0;
  refused({{"target", {1}, one}, {"version", {1}, now}, {"settings", {33}, numbers}},
          "settings: expected a whole number from 0 to 4 for method, got 5");
  numbers[0] = 0.0;
  refused({{"target", {1}, one}, {"version", {1}, now}, {"settings", {33}, numbers}, {"dim", {1}, one}},
          "network: hidden must be in 2 ... 16384, got 0");
  SamplerTraining broken = part;
  broken.networks(3) = std::numeric_limits<double>::infinity();
  write_sampler(folder / "bad.npz", broken, true);
  expect_invalid([&] { read_sampler(folder / "bad.npz"); }, "bad.npz: parameters must be finite");
}

TEST(PathWeights, ErrorsAreThoseOfMeans) {
  // l is 0 or log 3 with frequency 1/2: w has mean 2 and variance 1.
  Eigen::VectorXd l(1000);
  for (Eigen::Index i = 0; i < 1000; ++i) l(i) = i % 2 == 0 ? 0.0 : std::log(3.0);
  const PathSummary forward = forward_summary(l);
  EXPECT_NEAR(forward.log_z_error, 0.5 / std::sqrt(999.0), 1e-14);
  EXPECT_NEAR(forward.bound_error, 0.5 * std::log(3.0) / std::sqrt(999.0), 1e-14);
  // ESS = m1^2 / m2 = 4/5; 2 w / m1 - w^2 / m2 is 1 - 1/5 or 3 - 9/5: half its range is 1/5.
  EXPECT_NEAR(forward.ess_error, 0.8 * 0.2 / std::sqrt(999.0), 1e-14);
  const PathSummary backward = backward_summary(l);
  // 1/w is 1 or 1/3 with mean 2/3
  EXPECT_NEAR(backward.log_z, std::log(1.5), 1e-14);
  EXPECT_NEAR(backward.log_z_error, 0.5 / std::sqrt(999.0), 1e-14);
  EXPECT_NEAR(backward.ess, 0.75, 1e-14);
  // w / 2 + (1 / w) (3 / 2) is 2 for both: the errors of the two means cancel.
  EXPECT_NEAR(backward.ess_error, 0.0, 1e-14);
}

TEST(PathWeights, RefuseWhatIsNoWeight) {
  const double infinity = std::numeric_limits<double>::infinity();
  expect_invalid([] { forward_summary(Eigen::VectorXd()); }, "path weights: no paths");
  expect_invalid([] { backward_summary(Eigen::VectorXd()); }, "path weights: no paths");
  expect_invalid([&] { forward_summary(Eigen::Vector2d(0.0, infinity)); }, "log w of path 1 is inf");
  expect_invalid([&] { forward_summary(Eigen::Vector2d(-infinity, -infinity)); },
                 "the weights of all paths are 0");
  expect_invalid([&] { backward_summary(Eigen::Vector2d(-infinity, 0.0)); },
                 "log w of backward path 0 is -inf, expected a finite number");
  EXPECT_NEAR(forward_summary(Eigen::Vector2d(-infinity, 0.0)).log_z, -std::log(2.0), 1e-15);
}

}  // namespace
}  // namespace gmdiff
