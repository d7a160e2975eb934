#include <gmdiff/network/training.hpp>

#include <algorithm>
#include <cmath>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "network/check_training.hpp"
#include "network/denoiser_loss.hpp"
#include "network/noise_levels.hpp"
#include "network/training_data.hpp"

namespace gmdiff {

namespace {

using namespace network;

/// Iterations of one training in one precision.
template <class Real>
class Trainer {
 public:
  Trainer(DenoiserTraining& training, const TrainingData& data, ThreadPool& pool)
      : training_(training),
        source_(data_source(data, training.settings.seed)),
        levels_(training.settings.ladder, training.settings.law),
        loss_(training, pool) {}

  TrainingReport advance() {
    const DenoiserSettings& settings = training_.settings;
    const std::int64_t iteration = training_.iteration + 1;
    const LossBatch batch = this->batch(static_cast<std::uint32_t>(iteration));
    const double loss = loss_(batch, training_.parameters, gradient_);
    if (!std::isfinite(loss))
      throw NonFiniteError(concat("training: the loss is ", loss, " in iteration ", iteration,
                                  "; a lower rate may help (", settings.rate, " was used)"));
    const double rate = learning_rate(settings.rate, settings.decay, iteration, settings.iterations);
    const std::int64_t lost = adam_update(training_.adam, gradient_, rate, training_.parameters);
    average(iteration);
    training_.iteration = iteration;
    return {iteration, settings.iterations, loss, rate, lost};
  }

 private:
  LossBatch batch(std::uint32_t iteration) {
    const std::uint64_t seed = training_.settings.seed;
    const std::uint64_t U =
        uniform_u64({.seed = seed, .index = 0, .purpose = Purpose::noise_level, .replicate = iteration}, 0);
    LossBatch batch;
    batch.level_of_row = levels_.of_batch(training_.settings.batch, categorical_uniform(U, Precision::f64));
    // Only levels that occur get a row of the time table.
    int before = -1;
    for (int& level : batch.level_of_row) {
      if (level != before) batch.levels.push_back(levels_.n(level));
      before = level;
      level = static_cast<int>(batch.levels.size()) - 1;
    }
    batch.draw = [this, seed, iteration](Eigen::Index row, double* x_0, double* eps) {
      const auto index = static_cast<std::uint64_t>(row);
      source_->draw(index, iteration, x_0);
      NormalStream normals(
          {.seed = seed, .index = index, .purpose = Purpose::forward_noise, .replicate = iteration},
          Precision::f64);
      for (Eigen::Index j = 0; j < training_.mean.size(); ++j)
        eps[j] = normals(static_cast<std::uint64_t>(j));
    };
    return batch;
  }

  void average(std::int64_t iteration) {
    const double it = static_cast<double>(iteration);
    const double mu = std::min(training_.settings.ema, (1.0 + it) / (10.0 + it));
    for (Eigen::Index i = 0; i < training_.averaged.size(); ++i)
      training_.averaged(i) = mu * training_.averaged(i) + (1.0 - mu) * training_.parameters(i);
  }

  DenoiserTraining& training_;
  std::unique_ptr<DataSource> source_;
  NoiseLevels levels_;
  DenoiserLoss<Real> loss_;
  Eigen::VectorXd gradient_;
};

void check_data(const DenoiserTraining& training, const TrainingData& data) {
  const DataMoments of = data_moments(data);
  require(of.mean.size() == training.mean.size(), "training: the data have dimension ", of.mean.size(),
          ", but the training began with dimension ", training.mean.size());
  require(of.mean == training.mean && of.scale == training.scale,
          "training: the data are not those that the training began with: their scale is ", of.scale,
          ", not ", training.scale, ", or their mean differs");
}

/// Bytes of the gradients of all blocks, the largest arrays of an iteration.
template <class Real>
std::uint64_t gradient_bytes(const DenoiserTraining& training) {
  const auto blocks = static_cast<std::uint64_t>((training.settings.batch + block_rows - 1) / block_rows);
  return saturating_product(blocks, static_cast<std::uint64_t>(Layout(training.shape()).size), sizeof(Real));
}

template <class Real>
void advance(DenoiserTraining& training, const TrainingData& data, const TrainingOptions& options) {
  require_memory(gradient_bytes<Real>(training), "the gradients of a batch of ", training.settings.batch,
                 " rows");
  ThreadPool pool(options.threads == 0 ? usable_processors() : options.threads);
  Trainer<Real> trainer(training, data, pool);
  while (training.iteration < training.settings.iterations && !options.stop.stop_requested()) {
    const TrainingReport report = trainer.advance();
    if (options.progress) options.progress(report);
    if (options.checkpoint_every > 0 && options.checkpoint &&
        report.iteration % options.checkpoint_every == 0)
      options.checkpoint(training);
  }
}

}  // namespace

DenoiserTraining start_training(const TrainingData& data, const DenoiserSettings& settings) {
  const FloatingPointEnvironment environment;
  check_settings(settings);
  DataMoments of = data_moments(data);
  DenoiserTraining training;
  training.settings = settings;
  training.mean = std::move(of.mean);
  training.scale = of.scale;
  // parameters, averages, m and v
  const auto size = static_cast<std::uint64_t>(network_size(training.shape()));
  require_memory(saturating_product(size, 4 * sizeof(double)), "the state of a training");
  training.parameters = network_start(training.shape(), settings.seed);
  training.averaged = training.parameters;
  training.adam = AdamState::start(training.parameters.size());
  return training;
}

DenoiserTraining continue_training(DenoiserTraining training, const TrainingData& data,
                                   const TrainingOptions& options) {
  const FloatingPointEnvironment environment;
  check_training(training);
  check_data(training, data);
  require(options.threads >= 0 && options.threads <= 1024, "training: threads must be in 0 ... 1024, got ",
          options.threads);
  require(options.checkpoint_every >= 0, "training: checkpoint_every must not be negative, got ",
          options.checkpoint_every);
  switch (training.settings.precision) {
    case Precision::f32:
      advance<float>(training, data, options);
      break;
    case Precision::f64:
      advance<double>(training, data, options);
      break;
  }
  return training;
}

DenoiserTraining train_denoiser(const TrainingData& data, const DenoiserSettings& settings,
                                const TrainingOptions& options) {
  return continue_training(start_training(data, settings), data, options);
}

}  // namespace gmdiff
