#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <gmdiff/network/trained_sampler.hpp>

#include "support/path_batches.hpp"

// Gradients of trained samplers against differences of the whole loss with noises, or states, held fixed.

namespace gmdiff {
namespace {

using network::block_paths;
using network::PathBatch;
using network::PathBlock;
using network::PathGradient;
using network::PathOrigin;
using network::PathSweep;
using test::random_sampler;
using test::small_sampler;
using test::streamed_batch;

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

void expect_derivative(const SamplerSettings& settings, const Target& target,
                       const PathBatch<double>& batch) {
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

TEST(TrainedSamplerGradient, GradientOfTheElboIsItsDerivative) {
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

TEST(TrainedSamplerGradient, GradientWithStatesHeldFixedIsTheDerivativeAtTheseStates) {
  const Target target = Funnel{.dim = 3};
  PathBatch<double> batch{.paths = 70, .origin = PathOrigin::given, .fill = {}};
  batch.fill = [](Eigen::Index first, Eigen::Index /*paths*/, PathBlock<double>& block) {
    for (Eigen::Index n = 0; n <= 6; ++n) {
      for (Eigen::Index i = 0; i < 3 * block_paths; ++i)
        block.state(n)[i] =
            std::sin(static_cast<double>(7 * n + 3 * i + first)) + 0.1 * static_cast<double>(n);
    }
  };
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const PathLoss loss : {PathLoss::log_variance, PathLoss::trajectory_balance}) {
      SCOPED_TRACE(std::string(to_string(method)) + " " + to_string(loss));
      SamplerSettings settings = small_sampler(method);
      settings.loss = loss;
      settings.langevin = loss == PathLoss::log_variance;  // whose score is held fixed through a path
      settings.learn_weights = true;
      settings.learn_step = settings.learn_friction = true;
      expect_derivative(settings, target, batch);
    }
  }
}

}  // namespace
}  // namespace gmdiff
