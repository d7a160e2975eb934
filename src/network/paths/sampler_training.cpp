#include <cmath>

#include <gmdiff/base/error.hpp>
#include <gmdiff/network/trained_sampler.hpp>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "base/random.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "network/paths/check_sampler.hpp"
#include "network/paths/path_streams.hpp"
#include "network/paths/refinement.hpp"
#include "network/paths/sampler_training.hpp"
#include "network/paths/scalar_functions.hpp"

namespace gmdiff {

namespace {

using namespace network;

/// Iterations of one training in one precision.
template <class Real>
class SamplerTrainer {
 public:
  /// @param device null: the threads of the pool
  SamplerTrainer(SamplerTraining& training, const Target& target, ThreadPool& pool, PathGradients* device)
      : training_(training),
        target_(target),
        pool_(pool),
        device_(device),
        sweep_(training.settings, target, pool, active_components(training)) {}

  SamplerReport advance() {
    const SamplerSettings& settings = training_.settings;
    const std::int64_t iteration = training_.iteration + 1;
    sweep_.assign(training_.parameters, training_.networks);
    if (is_component_due(training_)) {
      add_component(training_, target_, pool_, sweep_);
      sweep_.assign(training_.parameters, training_.networks);
    }
    const double loss = loss_of({settings.seed, static_cast<std::uint32_t>(iteration)});
    check_weights(iteration);
    const auto rate = [&](double of) {
      return learning_rate(of, settings.decay, iteration, settings.iterations);
    };
    std::int64_t lost = adam_update(training_.adam, gradient_.parameters, rate(settings.rate),
                                    training_.parameters, adam_parts(training_));
    lost += adam_update(training_.network_adam, gradient_.networks, rate(settings.network_rate),
                        training_.networks);
    training_.iteration = iteration;
    double elbo = 0.0;
    for (const double l : log_w_) elbo += l;
    const Eigen::Index raw_step = 2 * path_components(settings) * training_.dim;  // dt follows mu and s
    return {iteration,
            settings.iterations,
            loss,
            elbo / static_cast<double>(settings.batch),
            softplus(training_.parameters(raw_step)),
            lost,
            training_.active};
  }

 private:
  /// The loss of the paths of an iteration, their log w and the gradient.
  double loss_of(const PathStreams& streams) {
    const Eigen::Index paths = training_.settings.batch;
    if (device_ != nullptr) return sweep_.loss_on(*device_, streams, paths, log_w_, gradient_);
    const PathBatch<Real> batch{
        .paths = paths,
        .fill = [streams](Eigen::Index first, Eigen::Index /*paths*/, PathBlock<Real>& block) {
          streams.fill_forward(static_cast<std::uint64_t>(first), block);
        }};
    return sweep_.loss(batch, log_w_, gradient_);
  }

  void check_weights(std::int64_t iteration) const {
    for (Eigen::Index path = 0; path < log_w_.size(); ++path) {
      if (std::isfinite(log_w_(path))) continue;
      throw NonFiniteError(concat("trained sampler: log w is ", log_w_(path), " in iteration ", iteration,
                                  " on path ", path, "; a smaller step or lower rates may help (the step is ",
                                  sweep_.model().step(), ")"));
    }
  }

  SamplerTraining& training_;
  const Target& target_;
  ThreadPool& pool_;
  PathGradients* device_;
  PathSweep<Real> sweep_;
  Eigen::VectorXd log_w_;
  PathGradient gradient_;
};

int host_threads(const SamplerTrainingOptions& options) {
  if (options.threads > 0) return options.threads;
  const bool is_cpu = options.device.kind() == Device::Kind::cpu;
  return is_cpu && options.device.number() > 0 ? options.device.number() : usable_processors();
}

/// The gradients of a device; null for the threads of the host. @param executor of a GPU, or null
std::unique_ptr<PathGradients> gradients_on(const Executor* executor, ThreadPool& pool, Precision precision) {
  if (executor == nullptr) return nullptr;
  std::unique_ptr<PathGradients> gradients = executor->path_gradients(pool, precision);
  require(gradients != nullptr, "trained sampler: a training runs on cpu or on one GPU, got ",
          executor->name());
  return gradients;
}

template <class Real>
void advance_sampler(SamplerTraining& training, const Target& target, const SamplerTrainingOptions& options,
                     const Executor* executor) {
  ThreadPool pool(host_threads(options));
  const std::unique_ptr<PathGradients> device = gradients_on(executor, pool, training.settings.precision);
  // With a GPU the host holds the sums of one block, those of all paths.
  require_memory(sampler_bytes(training.settings, training.dim, pool.threads(),
                               device == nullptr ? blocks_of(training.settings.batch) : 1),
                 "a batch of ", training.settings.batch, " paths");
  SamplerTrainer<Real> trainer(training, target, pool, device.get());
  const auto checkpoint = [&] {
    if (options.checkpoint_every > 0 && options.checkpoint) options.checkpoint(training);
  };
  while (training.iteration < training.settings.iterations && !options.stop.stop_requested()) {
    SamplerReport report{};
    try {
      report = trainer.advance();
    } catch (const NonFiniteError&) {
      if (training.iteration > 0) checkpoint();
      throw;
    }
    if (options.progress) options.progress(report);
    if (options.checkpoint_every > 0 && report.iteration % options.checkpoint_every == 0) checkpoint();
  }
}

/// Index of the normals that means start from; no tensor of a network has this number.
constexpr std::uint64_t means_index = 1 << 20;

void start_parameters(SamplerTraining& training) {
  const SamplerSettings& settings = training.settings;
  const std::vector<NetworkTensor> tensors = sampler_tensors(settings, training.dim);
  training.parameters = Eigen::VectorXd::Zero(tensors.back().offset + tensors.back().size());
  for (const NetworkTensor& tensor : tensors) {
    auto part = training.parameters.segment(tensor.offset, tensor.size());
    if (tensor.name == "s") part.setConstant(inverse_softplus(settings.init_std));
    if (tensor.name == "dt") part.setConstant(inverse_softplus(settings.step));
    if (tensor.name == "fr") part.setConstant(inverse_softplus(1.0));
    if (tensor.name == "b") part.setOnes();
    if (tensor.name != "mu" || settings.prior == PathPrior::fixed || settings.means_std == 0.0) continue;
    NormalStream normals({.seed = settings.seed, .index = means_index, .purpose = Purpose::parameter_init},
                         Precision::f64);
    for (Eigen::Index m = 0; m < tensor.size(); ++m)
      part(m) = settings.means_std * normals(static_cast<std::uint64_t>(m));
  }
}

void start_networks(SamplerTraining& training) {
  const NetworkShape shape = training.shape();
  const int count = path_networks(training.settings);
  const Eigen::Index size = network_size(shape);
  training.networks.resize(count * size);
  std::uint64_t tensor = 0;
  for (int net = 0; net < count; ++net) {
    training.networks.segment(net * size, size) = network_start(shape, training.settings.seed, tensor);
    tensor += network_tensors(shape).size();
    // The factor of the score begins at 1 with `dis`, whose drift has no score of the target, else at 0.
    if (shape.langevin && training.settings.method == PathMethod::dis)
      training.networks.segment(net * size, size).tail(shape.dim).setOnes();
  }
}

}  // namespace

SamplerTraining start_sampler(const Target& target, const SamplerSettings& settings) {
  const FloatingPointEnvironment environment;
  network::check_settings(settings, target.dim());
  check_hessian(settings, target);
  SamplerTraining training;
  training.settings = settings;
  training.dim = target.dim();
  training.target = target_identity(target);
  start_parameters(training);
  // parameters, m and v
  const auto size = static_cast<std::uint64_t>(network_size(training.shape()) * path_networks(settings));
  require_memory(
      saturating_sum(saturating_product(size, 3 * sizeof(double)), refinement_bytes(settings, training.dim)),
      "the state of a training");
  start_networks(training);
  training.adam = AdamState::start(training.parameters.size());
  training.network_adam = AdamState::start(training.networks.size());
  if (is_refined(settings)) {
    ThreadPool pool(1);
    place_first_component(training, target, pool);
  } else {
    training.active = static_cast<int>(path_components(settings));
  }
  return training;
}

SamplerTraining continue_sampler(SamplerTraining training, const Target& target,
                                 const SamplerTrainingOptions& options) {
  check_number(options.device);
  if (options.device.kind() == Device::Kind::cpu)
    return network::continue_sampler_on(nullptr, std::move(training), target, options);
  const std::shared_ptr<const Session> session = thread_session(options.device);
  const InUse executor(session->executor());
  return network::continue_sampler_on(&*executor, std::move(training), target, options);
}

SamplerTraining network::continue_sampler_on(const Executor* executor, SamplerTraining training,
                                             const Target& target, const SamplerTrainingOptions& options) {
  const FloatingPointEnvironment environment;
  check_sampler(training, target);
  check_hessian(training.settings, target);
  require(options.threads >= 0 && options.threads <= 1024,
          "trained sampler: threads must be in 0 ... 1024, got ", options.threads);
  require(options.checkpoint_every >= 0, "trained sampler: checkpoint_every must not be negative, got ",
          options.checkpoint_every);
  switch (training.settings.precision) {
    case Precision::f32:
      advance_sampler<float>(training, target, options, executor);
      break;
    case Precision::f64:
      advance_sampler<double>(training, target, options, executor);
      break;
  }
  return training;
}

SamplerTraining train_sampler(const Target& target, const SamplerSettings& settings,
                              const SamplerTrainingOptions& options) {
  return continue_sampler(start_sampler(target, settings), target, options);
}

}  // namespace gmdiff
