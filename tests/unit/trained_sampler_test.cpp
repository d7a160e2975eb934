#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/random.hpp"
#include "support/path_batches.hpp"

// Trained samplers: the same bits for any number of threads, in parts and on every instruction set; streams,
// a chain with weight 1.

namespace gmdiff {
namespace {

using network::block_paths;
using network::PathBatch;
using network::PathBlock;
using network::PathGradient;
using network::PathOrigin;
using network::PathStreams;
using network::PathSweep;
using test::random_sampler;
using test::scaled_gaussian;
using test::small_sampler;
using test::streamed_batch;

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

TEST(TrainedSampler, ThreadsAndPartsDoNotChangeABit) {
  const Target target = Funnel{.dim = 3};
  for (const PathLoss loss : {PathLoss::elbo, PathLoss::log_variance, PathLoss::trajectory_balance}) {
    SCOPED_TRACE(to_string(loss));
    SamplerSettings settings = small_sampler(loss == PathLoss::elbo ? PathMethod::cmcd : PathMethod::dbs);
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

TEST(TrainedSampler, KeptForwardPassesDoNotChangeABit) {
  const Target target = Funnel{.dim = 3};
  // cmcd uses its network at every state, dbs has two networks, which leave out a state each.
  for (const PathMethod method : {PathMethod::cmcd, PathMethod::dbs}) {
    SCOPED_TRACE(to_string(method));
    SamplerSettings settings = small_sampler(method);
    settings.layers = 3;
    const SamplerTraining training = random_sampler(target, settings);
    const PathBatch<double> batch = streamed_batch<double>(settings, 1);
    const std::uint64_t pass =
        network::StateBlock<double>::pass_bytes(network::Layout(sampler_network(settings, training.dim)));
    ThreadPool pool(1);
    Eigen::VectorXd log_w, of_first;
    PathGradient gradient, first;
    for (const std::uint64_t states : {std::uint64_t{1} << 20, std::uint64_t{0}, std::uint64_t{3}}) {
      SCOPED_TRACE(states);
      PathSweep<double> sweep(settings, target, pool, {}, cpu::chosen_instruction_set(), states * pass);
      sweep.assign(training.parameters, training.networks);
      sweep.loss(batch, log_w, gradient);
      if (of_first.size() == 0) {
        of_first = log_w;
        first = gradient;
        EXPECT_GT(first.networks.cwiseAbs().minCoeff(), 0.0);
      }
      EXPECT_EQ(log_w, of_first);
      EXPECT_EQ(gradient.parameters, first.parameters);
      EXPECT_EQ(gradient.networks, first.networks);
      EXPECT_EQ(sweep.log_weights(batch), of_first) << "after a gradient";
    }
  }
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
      NormalStream normals(
          {.seed = 9, .index = first + static_cast<std::uint64_t>(p), .purpose = purpose, .replicate = 5},
          Precision::f64);
      for (Eigen::Index m = 0; m < rows; ++m)
        largest =
            std::max(largest, std::abs(points[m * block_paths + p] - normals(static_cast<std::uint64_t>(m))));
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
  settings.init_std = 40.0;
  const Target target = Funnel{.dim = 2};
  const SamplerTraining training = start_sampler(target, settings);
  const std::vector<NetworkTensor> tensors = sampler_tensors(settings, 2);
  ASSERT_EQ(tensors.size(), 5U);
  NormalStream normals({.seed = 11, .index = 1 << 20, .purpose = Purpose::parameter_init}, Precision::f64);
  for (Eigen::Index i = 0; i < 6; ++i)
    EXPECT_EQ(training.parameters(i), 0.5 * normals(static_cast<std::uint64_t>(i)));
  EXPECT_EQ(training.parameters(6), 40.0);  // where sp(s) = s in double
  EXPECT_NEAR(std::log1p(std::exp(training.parameters(12))), 0.05, 1e-15);
  EXPECT_NEAR(std::log1p(std::exp(training.parameters(13))), 1.0, 1e-15);
  EXPECT_EQ(training.parameters.tail(6), Eigen::VectorXd::Ones(6));
  // The second network counts on in the streams of the first.
  const Eigen::Index size = network_size(training.shape());
  EXPECT_EQ(training.networks.head(size), network_start(training.shape(), 11));
  EXPECT_EQ(training.networks.tail(size),
            network_start(training.shape(), 11, network_tensors(training.shape()).size()));
  EXPECT_NE(training.networks.tail(size), training.networks.head(size));
  // The factor of the score is 1 with dis and 0 with the others, up to GU = 1e-8.
  settings.langevin = true;
  EXPECT_EQ(start_sampler(target, settings).networks.tail(2), Eigen::Vector2d(0.0, 0.0));
  settings.method = PathMethod::dis;
  EXPECT_EQ(start_sampler(target, settings).networks.tail(4), Eigen::Vector4d(1e-8, 1e-8, 1.0, 1.0));
  settings.langevin = false;
  settings.prior = PathPrior::fixed;
  EXPECT_EQ(start_sampler(target, settings).parameters.head(2), Eigen::VectorXd::Zero(2));
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
  parameters.segment(2, 6) = all.parameters.head(6);         // mu of components 1, 2, 3
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
    const PathSummary before =
        forward_summary(TrainedSampler(start_sampler(target, settings), target).draws(1000, 3).log_weights);
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

}  // namespace
}  // namespace gmdiff
