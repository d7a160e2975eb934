#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include <gmdiff/base/error.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/random.hpp"
#include "network/paths/path_streams.hpp"
#include "support/expect_invalid.hpp"
#include "support/trained_samplers.hpp"

// Trained samplers: the same bits for any number of threads, in parts and on every instruction set; streams,
// derivatives, a chain with weight 1, messages.

namespace gmdiff {
namespace {

using network::block_paths;
using network::PathBatch;
using network::PathBlock;
using network::PathGradient;
using network::PathOrigin;
using network::PathStreams;
using network::PathSweep;
using test::expect_invalid;
using test::random_sampler;
using test::scaled_gaussian;
using test::small_sampler;

void expect_same_sampler(const SamplerTraining& a, const SamplerTraining& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.networks, b.networks);
  EXPECT_EQ(a.adam.m, b.adam.m);
  EXPECT_EQ(a.adam.v, b.adam.v);
  EXPECT_EQ(a.network_adam.m, b.network_adam.m);
  EXPECT_EQ(a.network_adam.v, b.network_adam.v);
  EXPECT_EQ(a.network_adam.updates, b.network_adam.updates);
  EXPECT_EQ(a.iteration, b.iteration);
}

template <class Real>
PathBatch<Real> streamed_batch(const SamplerSettings& settings, std::uint32_t replicate) {
  const PathStreams streams{settings.seed, replicate};
  return {.paths = settings.batch,
          .fill = [streams](Eigen::Index first, Eigen::Index /*paths*/, PathBlock<Real>& block) {
            streams.fill_forward(static_cast<std::uint64_t>(first), block);
          }};
}

TEST(TrainedSampler, ThreadsAndPartsDoNotChangeABit) {
  const Target target = Funnel{.dim = 3};
  for (const PathLoss loss : {PathLoss::elbo, PathLoss::log_variance, PathLoss::trajectory_balance}) {
    SCOPED_TRACE(to_string(loss));
    SamplerSettings settings =
        small_sampler(loss == PathLoss::elbo ? PathMethod::cmcd : PathMethod::dbs);
    settings.loss = loss;
    settings.learn_weights = loss != PathLoss::elbo;
    settings.precision = Precision::f32;
    const SamplerTraining whole = train_sampler(target, settings, {.threads = 1});
    EXPECT_EQ(whole.iteration, 6);
    const SamplerTraining start = start_sampler(target, settings);
    EXPECT_NE(whole.parameters, start.parameters);
    EXPECT_NE(whole.networks, start.networks);
    for (const int threads : {2, 7})
      expect_same_sampler(train_sampler(target, settings, {.threads = threads}), whole);

    std::stop_source stop;
    SamplerTrainingOptions options{.threads = 2, .checkpoint_every = 4, .stop = stop.get_token()};
    options.checkpoint = [&](const SamplerTraining& /*training*/) { stop.request_stop(); };
    const SamplerTraining part = train_sampler(target, settings, options);
    EXPECT_EQ(part.iteration, 4);
    expect_same_sampler(continue_sampler(part, target), whole);
  }
}

/// Loss, log w and gradient of a batch on one instruction set.
template <class Real>
double loss_on(const SamplerTraining& training, const Target& target, cpu::InstructionSet set,
               Eigen::VectorXd& log_w, PathGradient& gradient) {
  ThreadPool pool(1);
  PathSweep<Real> sweep(training.settings, target, pool, {}, set);
  sweep.assign(training.parameters, training.networks);
  return sweep.loss(streamed_batch<Real>(training.settings, 1), log_w, gradient);
}

TEST(TrainedSampler, EveryInstructionSetGivesTheSameBits) {
  const Target target = Funnel{.dim = 3};
  const SamplerTraining training = random_sampler(target, small_sampler(PathMethod::dbs));
  Eigen::VectorXd log_w, of_first;
  PathGradient gradient, first;
  loss_on<float>(training, target, cpu::InstructionSet::scalar, of_first, first);
  for (const cpu::InstructionSet set :
       {cpu::InstructionSet::fma128, cpu::InstructionSet::avx2, cpu::InstructionSet::avx512}) {
    if (!cpu::is_available(set)) continue;
    SCOPED_TRACE(cpu::to_string(set));
    loss_on<float>(training, target, set, log_w, gradient);
    EXPECT_EQ(log_w, of_first);
    EXPECT_EQ(gradient.parameters, first.parameters);
    EXPECT_EQ(gradient.networks, first.networks);
  }
  // Single precision of the networks changes single digits only.
  const double loss = loss_on<double>(training, target, cpu::chosen_instruction_set(), log_w, gradient);
  EXPECT_NEAR(-of_first.mean(), loss, 1e-4 * std::abs(loss));
  EXPECT_LE((gradient.networks - first.networks).cwiseAbs().maxCoeff(),
            1e-4 * gradient.networks.cwiseAbs().maxCoeff());
}

TEST(TrainedSampler, EveryIterationHasStreamsOfItsOwn) {
  const Target target = Funnel{.dim = 3};
  const SamplerSettings settings = small_sampler(PathMethod::dis);
  const SamplerTraining state = start_sampler(target, settings);
  std::vector<SamplerTraining> states{state};
  std::vector<SamplerReport> reports;
  SamplerTrainingOptions options{.threads = 1, .checkpoint_every = 1};
  options.progress = [&](const SamplerReport& report) { reports.push_back(report); };
  options.checkpoint = [&](const SamplerTraining& now) { states.push_back(now); };
  continue_sampler(state, target, options);
  ASSERT_EQ(reports.size(), 6U);
  ThreadPool pool(1);
  PathSweep<double> sweep(settings, target, pool);
  for (std::uint32_t it = 1; it <= 6; ++it) {
    sweep.assign(states[it - 1].parameters, states[it - 1].networks);
    const Eigen::VectorXd log_w = sweep.log_weights(streamed_batch<double>(settings, it));
    EXPECT_NEAR(log_w.mean(), reports[it - 1].elbo, 1e-13 * std::abs(reports[it - 1].elbo)) << it;
    EXPECT_EQ(reports[it - 1].loss, -reports[it - 1].elbo);
    EXPECT_EQ(reports[it - 1].lost, 0);
  }
  EXPECT_NE(reports[0].elbo, reports[1].elbo);
}

TEST(TrainedSampler, PathsUseThePurposesOfTheirNumbers) {
  const Target target = Funnel{.dim = 3};
  const SamplerSettings settings = small_sampler(PathMethod::dis);
  const SamplerTraining training = start_sampler(target, settings);
  ThreadPool pool(1);
  PathSweep<double> sweep(settings, target, pool);
  sweep.assign(training.parameters, training.networks);
  const auto expect_stream = [](const double* points, Eigen::Index rows, std::uint64_t first,
                                Purpose purpose) {
    double largest = 0.0;
    for (Eigen::Index p = 0; p < block_paths; ++p) {
      NormalStream normals({.seed = 9,
                            .index = first + static_cast<std::uint64_t>(p),
                            .purpose = purpose,
                            .replicate = 5},
                           Precision::f64);
      for (Eigen::Index m = 0; m < rows; ++m)
        largest = std::max(largest, std::abs(points[m * block_paths + p] -
                                             normals(static_cast<std::uint64_t>(m))));
    }
    EXPECT_LE(largest, 1e-14);  // the functions of the two sides differ in the last digit
  };
  sweep.log_weights({.paths = 1, .fill = [&](Eigen::Index, Eigen::Index, PathBlock<double>& block) {
                       const PathStreams streams{9, 5};
                       streams.fill_backward(128, block);
                       expect_stream(block.noise(0), 18, 128, Purpose::forward_noise);
                       streams.fill_forward(128, block);
                       expect_stream(block.start_noise(), 3, 128, Purpose::start_noise);
                       expect_stream(block.noise(0), 18, 128, Purpose::step_noise);
                       std::set<Eigen::Index> components;
                       for (Eigen::Index p = 0; p < block_paths; ++p) {
                         const std::uint64_t U = uniform_u64({.seed = 9,
                                                              .index = 128 + static_cast<std::uint64_t>(p),
                                                              .purpose = Purpose::start_component,
                                                              .replicate = 5},
                                                             0);
                         EXPECT_EQ(block.component()[p],
                                   static_cast<Eigen::Index>(3.0 * (static_cast<double>(U >> 11) * 0x1p-53)));
                         components.insert(block.component()[p]);
                       }
                       EXPECT_EQ(components.size(), 3U);
                     }});
}

TEST(TrainedSampler, StartsAsItsSettingsSay) {
  SamplerSettings settings = small_sampler(PathMethod::dbs);
  settings.init_std = 25.0;
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = start_sampler(target, settings);
  const std::vector<NetworkTensor> tensors = sampler_tensors(settings, 2);
  ASSERT_EQ(tensors.size(), 5U);
  NormalStream normals({.seed = 11, .index = 1 << 20, .purpose = Purpose::parameter_init}, Precision::f64);
  for (Eigen::Index i = 0; i < 6; ++i)
    EXPECT_EQ(training.parameters(i), 0.5 * normals(static_cast<std::uint64_t>(i)));
  EXPECT_EQ(training.parameters(6), 25.0);  // s is the deviation itself above 20
  EXPECT_NEAR(std::log1p(std::exp(training.parameters(12))), 0.05, 1e-15);
  EXPECT_NEAR(std::log1p(std::exp(training.parameters(13))), 1.0, 1e-15);
  EXPECT_EQ(training.parameters.tail(6), Eigen::VectorXd::Ones(6));
  // The second network counts on in the streams of the first.
  const Eigen::Index size = network_size(training.shape());
  EXPECT_EQ(training.networks.head(size), network_start(training.shape(), 11));
  EXPECT_EQ(training.networks.tail(size),
            network_start(training.shape(), 11, network_tensors(training.shape()).size()));
  EXPECT_NE(training.networks.tail(size), training.networks.head(size));
  settings.prior = PathPrior::fixed;
  EXPECT_EQ(start_sampler(target, settings).parameters.head(2), Eigen::VectorXd::Zero(2));
}

// ----- derivatives

/// Directions of the parameters that the gradient covers. The gradient leaves out what beta_0 and beta_{N-1}
/// depend on (golden values cover b).
Eigen::VectorXd direction(const SamplerTraining& training, const PathGradient& gradient) {
  Eigen::VectorXd along = Eigen::VectorXd::Zero(training.parameters.size());
  for (const NetworkTensor& tensor : sampler_tensors(training.settings, training.dim)) {
    if (tensor.name == "b") continue;
    for (Eigen::Index i = tensor.offset; i < tensor.offset + tensor.size(); ++i)
      if (gradient.parameters(i) != 0.0) along(i) = std::cos(3.0 * static_cast<double>(i));
  }
  return along;
}

/// Loss with the batch's noises, or states, held fixed.
double loss_at(const SamplerTraining& training, const Target& target, const PathBatch<double>& batch,
               double h, const Eigen::VectorXd& along, const Eigen::VectorXd& along_networks) {
  ThreadPool pool(1);
  PathSweep<double> sweep(training.settings, target, pool);
  sweep.assign(training.parameters + h * along, training.networks + h * along_networks);
  Eigen::VectorXd log_w;
  PathGradient gradient;
  return sweep.loss(batch, log_w, gradient);
}

void expect_derivative(const SamplerSettings& settings, const Target& target, const PathBatch<double>& batch) {
  const SamplerTraining training = random_sampler(target, settings);
  ThreadPool pool(2);
  PathSweep<double> sweep(settings, target, pool);
  sweep.assign(training.parameters, training.networks);
  Eigen::VectorXd log_w;
  PathGradient gradient;
  sweep.loss(batch, log_w, gradient);
  const Eigen::VectorXd along = direction(training, gradient);
  const Eigen::VectorXd along_networks = Eigen::VectorXd::NullaryExpr(
      training.networks.size(), [](Eigen::Index i) { return std::sin(5.0 * static_cast<double>(i)); });
  const double slope = gradient.parameters.dot(along) + gradient.networks.dot(along_networks);
  constexpr double h = 1e-5;
  const double difference = (loss_at(training, target, batch, h, along, along_networks) -
                             loss_at(training, target, batch, -h, along, along_networks)) /
                            (2.0 * h);
  EXPECT_NEAR(slope, difference, 1e-6 * std::abs(difference));
  // Not a sum that happens to be near 0.
  EXPECT_GT(std::abs(slope), 1e-3 * (gradient.parameters.norm() + gradient.networks.norm()));
}

TEST(TrainedSampler, GradientOfTheElboIsItsDerivative) {
  const Target target = Funnel{.dim = 3};
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const PathPrior prior : {PathPrior::fixed, PathPrior::gp, PathPrior::gmp}) {
      SCOPED_TRACE(std::string(to_string(method)) + " " + to_string(prior));
      SamplerSettings settings = small_sampler(method);
      settings.prior = prior;
      settings.layers = prior == PathPrior::gp ? 1 : 3;
      settings.schedule = prior == PathPrior::gp ? PathSchedule::linear : PathSchedule::cosine;
      settings.batch = 70;
      expect_derivative(settings, target, streamed_batch<double>(settings, 1));
    }
  }
  for (const PathDrift drift : {PathDrift::target, PathDrift::zero}) {
    SCOPED_TRACE(to_string(drift));
    SamplerSettings settings = small_sampler(PathMethod::dbs);
    settings.drift = drift;
    expect_derivative(settings, target, streamed_batch<double>(settings, 1));
  }
}

TEST(TrainedSampler, GradientWithStatesHeldFixedIsTheDerivativeAtTheseStates) {
  const Target target = Funnel{.dim = 3};
  PathBatch<double> batch{.paths = 70, .origin = PathOrigin::given, .fill = {}};
  batch.fill = [](Eigen::Index first, Eigen::Index /*paths*/, PathBlock<double>& block) {
    for (Eigen::Index n = 0; n <= 6; ++n) {
      for (Eigen::Index i = 0; i < 3 * block_paths; ++i)
        block.state(n)[i] = std::sin(static_cast<double>(7 * n + 3 * i + first)) + 0.1 * static_cast<double>(n);
    }
  };
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const PathLoss loss : {PathLoss::log_variance, PathLoss::trajectory_balance}) {
      SCOPED_TRACE(std::string(to_string(method)) + " " + to_string(loss));
      SamplerSettings settings = small_sampler(method);
      settings.loss = loss;
      settings.learn_weights = true;
      settings.learn_step = settings.learn_friction = true;
      expect_derivative(settings, target, batch);
    }
  }
}

TEST(TrainedSampler, GradientIsZeroForWhatIsNotLearned) {
  const Target target = Funnel{.dim = 2};
  SamplerSettings settings = small_sampler(PathMethod::cmcd);
  settings.learn_prior = settings.learn_annealing = false;
  settings.learn_step = settings.learn_friction = false;
  const SamplerTraining start = start_sampler(target, settings);
  const SamplerTraining end = train_sampler(target, settings);
  EXPECT_EQ(end.parameters, start.parameters);
  EXPECT_NE(end.networks, start.networks);
  settings.loss = PathLoss::log_variance;
  settings.learn_prior = true;
  settings.learn_step = settings.learn_friction = {};  // not learned with states held fixed
  const SamplerTraining fixed = train_sampler(target, settings);
  EXPECT_EQ(fixed.parameters.tail(9), start.parameters.tail(9));
  EXPECT_NE(fixed.parameters.head(12), start.parameters.head(12));
}

TEST(TrainedSampler, MaskedComponentsTakePartInNothing) {
  const Target target = Funnel{.dim = 2};
  SamplerSettings settings = small_sampler(PathMethod::cmcd);
  const SamplerTraining all = random_sampler(target, settings);
  SamplerSettings padded = settings;
  padded.components = 5;
  Eigen::VectorXd parameters = Eigen::VectorXd::Constant(all.parameters.size() + 8, 7.0);
  parameters.segment(2, 6) = all.parameters.head(6);        // mu of components 1, 2, 3
  parameters.segment(12, 6) = all.parameters.segment(6, 6);  // s
  parameters.tail(9) = all.parameters.tail(9);
  ThreadPool pool(1);
  Eigen::VectorXd log_w, of_padded;
  PathGradient gradient, padded_gradient;
  PathSweep<double> sweep(settings, target, pool), masked(padded, target, pool, {1, 2, 3});
  sweep.assign(all.parameters, all.networks);
  masked.assign(parameters, all.networks);
  sweep.loss(streamed_batch<double>(settings, 1), log_w, gradient);
  masked.loss(streamed_batch<double>(settings, 1), of_padded, padded_gradient);
  EXPECT_EQ(of_padded, log_w);
  EXPECT_EQ(padded_gradient.networks, gradient.networks);
  EXPECT_EQ(padded_gradient.parameters.segment(2, 6), gradient.parameters.head(6));
  EXPECT_EQ(padded_gradient.parameters.tail(9), gradient.parameters.tail(9));
  EXPECT_EQ(padded_gradient.parameters.segment(8, 2), Eigen::VectorXd::Zero(2));
}

// ----- weights

TEST(TrainedSampler, AReversibleChainHasWeightOne) {
  // x' = x - eta x + sqrt(2 eta) xi leaves N(0, 2 / (2 - eta)) unchanged and is reversible. The gradient of
  // this target is the drift -x and not that of its density.
  const double eta = 0.3, variance = 2.0 / (2.0 - eta);
  CustomTarget target =
      scaled_gaussian(Eigen::VectorXd::Zero(2), Eigen::VectorXd::Constant(2, std::sqrt(variance)), 1.0);
  const auto density = target.evaluate;
  target.evaluate = [density](Eigen::Index n, const double* x, double* l, double* g) {
    density(n, x, l, g);
    for (Eigen::Index i = 0; i < 2 * n; ++i) g[i] = -x[i];
  };
  SamplerSettings settings = small_sampler(PathMethod::dbs);
  settings.prior = PathPrior::gp;
  settings.means_std = 0.0;
  settings.init_std = std::sqrt(variance);
  settings.step = eta;
  settings.steps = 40;
  settings.schedule = PathSchedule::constant;
  settings.drift = PathDrift::target;
  SamplerTraining training = start_sampler(target, settings);
  training.networks.setZero();
  const TrainedSampler sampler(training, target);
  const WeightedDraws draws = sampler.draws(200, 1);
  EXPECT_LE(draws.log_weights.cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LE(sampler.backward_log_weights(draws.x, 2).cwiseAbs().maxCoeff(), 1e-12);
  training.parameters(4) += 0.01;  // another step
  EXPECT_GE(TrainedSampler(training, target).draws(200, 1).log_weights.cwiseAbs().maxCoeff(), 1e-4);
}

TEST(TrainedSampler, DrawsDoNotDependOnThreadsOrRange) {
  const Target target = Funnel{.dim = 3};
  const SamplerTraining training = random_sampler(target, small_sampler(PathMethod::dbs));
  const WeightedDraws all = TrainedSampler(training, target).draws(300, 4);
  const TrainedSampler sampler(training, target, 3);
  const WeightedDraws part = sampler.draws(100, 4, 150);
  EXPECT_EQ(part.x, all.x.middleRows(150, 100));
  EXPECT_EQ(part.log_weights, all.log_weights.segment(150, 100));
  EXPECT_NE(sampler.draws(100, 5, 150).x, part.x);
  const Points x = target.draws(300, 8);
  const Eigen::VectorXd back = sampler.backward_log_weights(x, 4);
  EXPECT_EQ(sampler.backward_log_weights(x.middleRows(70, 9), 4, 70), back.segment(70, 9));

  // Draws are paths of replicate 0.
  ThreadPool pool(1);
  PathSweep<double> sweep(training.settings, target, pool);
  sweep.assign(training.parameters, training.networks);
  SamplerSettings settings = training.settings;
  settings.seed = 4;
  EXPECT_EQ(sweep.log_weights(streamed_batch<double>(settings, 0)), all.log_weights.head(150));
}

TEST(TrainedSampler, TrainingComesNearToANormalTarget) {
  const Target target = scaled_gaussian(Eigen::Vector2d(1.0, -0.5), Eigen::Vector2d(0.5, 1.5), 3.0);
  SamplerSettings settings = small_sampler(PathMethod::dis);
  settings.steps = 8;
  settings.step = 0.1;
  settings.hidden = 16;
  settings.batch = 128;
  settings.iterations = 300;
  settings.precision = Precision::f32;
  for (const PathLoss loss : {PathLoss::elbo, PathLoss::log_variance, PathLoss::trajectory_balance}) {
    SCOPED_TRACE(to_string(loss));
    settings.loss = loss;
    const PathSummary before = forward_summary(
        TrainedSampler(start_sampler(target, settings), target).draws(1000, 3).log_weights);
    const SamplerTraining training = train_sampler(target, settings);
    const PathSummary after = forward_summary(TrainedSampler(training, target).draws(1000, 3).log_weights);
    EXPECT_LT(before.bound, std::log(3.0) - 0.5);
    EXPECT_GT(after.bound, std::log(3.0) - 0.05);
    EXPECT_GT(after.ess, 0.9);
    EXPECT_NEAR(after.log_z, std::log(3.0), 5.0 * after.log_z_error);
    if (loss == PathLoss::trajectory_balance) {
      EXPECT_NEAR(training.parameters(training.parameters.size() - 1), std::log(3.0), 0.1);
    }
  }
}

// ----- messages

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
  expect([](SamplerSettings& s) { s.iterations = 1 << 24; }, "iterations must be in 1 ... 16777215, got 16777216");
  expect([](SamplerSettings& s) { s.network_rate = 0.0; }, "network_rate must be positive and finite, got 0");
  expect([](SamplerSettings& s) { s.rate = -1.0; }, "trained sampler: rate must be positive and finite, got -1");
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
  EXPECT_EQ(train_sampler(target, [] {
              SamplerSettings dis = small_sampler(PathMethod::dis);
              dis.iterations = 1;
              return dis;
            }()).iteration,
            1);
  target.evaluate = {};
  target.device = [](const DeviceTargetRows& /*rows*/) {};
  expect_invalid([&] { start_sampler(target, settings); }, "works in the memory of a GPU only");
}

TEST(TrainedSampler, RefusesAnotherTargetAndWrongShapes) {
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = start_sampler(target, small_sampler(PathMethod::dis));
  expect_invalid([&] { continue_sampler(training, Funnel{.dim = 3}); },
                 "the target has dimension 3, but the training began with dimension 2");
  expect_invalid([&] { continue_sampler(training, Banana{}); },
                 "the target is banana, but the training began with funnel");
  expect_invalid([&] { continue_sampler(training, target, {.threads = -1}); },
                 "threads must be in 0 ... 1024, got -1");
  expect_invalid([&] { continue_sampler(training, target, {.checkpoint_every = -1}); },
                 "checkpoint_every must not be negative, got -1");
  expect_invalid([&] { TrainedSampler of(training, target, 2000); }, "threads must be in 0 ... 1024, got 2000");
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
  expect_invalid([&] { sampler.backward_log_weights(Points::Zero(2, 3), 1); }, "x must have 2 columns, got 3");
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
