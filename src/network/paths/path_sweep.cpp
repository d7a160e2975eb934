#include "network/paths/path_sweep.hpp"

#include <algorithm>
#include <array>

#include "network/tree.hpp"

namespace gmdiff::network {

template <class Real>
PathSweep<Real>::PathSweep(const SamplerSettings& settings, const Target& target, ThreadPool& pool,
                           std::vector<Eigen::Index> active, cpu::InstructionSet set, std::uint64_t most_kept)
    : settings_(settings),
      target_(target),
      pool_(pool),
      active_(std::move(active)),
      most_kept_(most_kept),
      unit_(path_unit(set)),
      of_thread_(static_cast<std::size_t>(pool.threads())) {
  const NetworkShape shape = sampler_network(settings, target.dim());
  const PathTerms terms = path_terms(settings);
  const auto make = [&] {
    return std::make_unique<PathNetwork<Real>>(shape, settings.steps, dense_unit<Real>(set), pool);
  };
  if (terms.forward_net) forward_net_ = make();
  if (terms.backward_net) backward_net_ = make();
}

template <class Real>
void PathSweep<Real>::activate(std::vector<Eigen::Index> active) {
  active_ = std::move(active);
  // The blocks have the sizes of the model, and references to it.
  for (auto& block : of_thread_) block.reset();
  model_.reset();
}

template <class Real>
void PathSweep<Real>::assign(const Eigen::VectorXd& parameters, const Eigen::VectorXd& networks) {
  PathModel model(settings_, target_.dim(), parameters, active_);
  // The blocks of the threads hold references to the model.
  if (model_ == nullptr) {
    model_ = std::make_unique<PathModel>(std::move(model));
  } else {
    *model_ = std::move(model);
  }
  Eigen::Index first = 0;
  for (const auto& network : {forward_net_.get(), backward_net_.get()}) {
    if (network == nullptr) continue;
    const Eigen::Index size = network_size(network->weights().layout().shape);
    network->assign(networks.segment(first, size));
    first += size;
  }
}

template <class Real>
PathBlock<Real>& PathSweep<Real>::block_of(int thread) {
  std::unique_ptr<PathBlock<Real>>& block = of_thread_[static_cast<std::size_t>(thread)];
  if (!block)
    block = std::make_unique<PathBlock<Real>>(PathSetting<Real>{.settings = settings_,
                                                                .target = target_,
                                                                .model = *model_,
                                                                .unit = unit_,
                                                                .forward_net = forward_net_.get(),
                                                                .backward_net = backward_net_.get(),
                                                                .most_kept = most_kept_});
  return *block;
}

template <class Real>
void PathSweep<Real>::run_block(const PathBatch<Real>& batch, Eigen::Index number, PathBlock<Real>& block,
                                double* log_w) {
  const Eigen::Index first = number * block_paths;
  const Eigen::Index paths = std::min<Eigen::Index>(block_paths, batch.paths - first);
  batch.fill(first, paths, block);
  switch (batch.origin) {
    case PathOrigin::forward:
      block.simulate(paths);
      break;
    case PathOrigin::placed:
      block.simulate_placed(paths);
      break;
    case PathOrigin::backward:
      block.simulate_back(paths);
      break;
    case PathOrigin::given:
      block.replay(paths);
      break;
  }
  std::copy_n(block.log_weights(), paths, log_w + first);
  if (batch.take) batch.take(first, paths, block);
}

template <class Real>
Eigen::VectorXd PathSweep<Real>::log_weights(const PathBatch<Real>& batch) {
  Eigen::VectorXd log_w(batch.paths);
  pool_.run(blocks_of(batch.paths), [&](int thread, std::int64_t number) {
    PathBlock<Real>& block = block_of(thread);
    block.keep_layers(false);
    run_block(batch, number, block, log_w.data());
  });
  return log_w;
}

template <class Real>
void PathSweep<Real>::start_gradient(Eigen::Index blocks) {
  const PathSumsLayout of(model_->components(), model_->dim(), model_->steps());
  sums_.resize(static_cast<std::size_t>(blocks));
  for (auto& sums : sums_) sums.resize(static_cast<std::size_t>(of.size));
  for (PathNetwork<Real>* network : {forward_net_.get(), backward_net_.get()}) {
    if (network != nullptr) network->start_gradient(blocks);
  }
}

/// L = -mean log w
template <class Real>
double PathSweep<Real>::elbo_loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w) {
  const PathSwitches learned = path_switches(settings_);
  pool_.run(blocks_of(batch.paths), [&](int thread, std::int64_t number) {
    PathBlock<Real>& block = block_of(thread);
    block.keep_layers(true);
    run_block(batch, number, block, log_w.data());
    block.backward(number, learned, sums_[static_cast<std::size_t>(number)].data());
  });
  return value_of(log_w);
}

/// c of a loss with the states held fixed: the learned z, or the mean of the batch.
template <class Real>
double PathSweep<Real>::centre_of(const Eigen::VectorXd& log_w) const {
  if (settings_.loss != PathLoss::log_variance) return model_->log_z();
  double sum = 0.0;
  for (const double l : log_w) sum += l;
  return sum / static_cast<double>(log_w.size());
}

/// L of a batch, and its derivative with respect to z.
template <class Real>
double PathSweep<Real>::value_of(const Eigen::VectorXd& log_w) {
  const bool through_path = settings_.loss == PathLoss::elbo;
  const double count = static_cast<double>(log_w.size()), centre = through_path ? 0.0 : centre_of(log_w);
  double sum = 0.0, squares = 0.0;
  for (const double l : log_w) {
    sum += l - centre;
    squares += (l - centre) * (l - centre);
  }
  of_log_z_ = -sum / count;
  return through_path ? of_log_z_ : 0.5 * squares / count;
}

/// L = mean (log w - c)^2 / 2 with the learned z as c, or with the mean of the batch. For the mean the paths
/// run twice, because it needs all of them.
template <class Real>
double PathSweep<Real>::fixed_loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w) {
  const PathSwitches learned = path_switches(settings_);
  const double centre =
      settings_.loss == PathLoss::log_variance ? centre_of(log_weights(batch)) : model_->log_z();
  pool_.run(blocks_of(batch.paths), [&](int thread, std::int64_t number) {
    PathBlock<Real>& block = block_of(thread);
    block.keep_layers(true);
    run_block(batch, number, block, log_w.data());
    const Eigen::Index first = number * block_paths;
    std::array<double, block_paths> factor{};
    for (Eigen::Index i = first; i < std::min<Eigen::Index>(first + block_paths, batch.paths); ++i)
      factor[static_cast<std::size_t>(i - first)] = log_w(i) - centre;
    block.backward_fixed(number, learned, factor.data(), sums_[static_cast<std::size_t>(number)].data());
  });
  return value_of(log_w);
}

template <class Real>
void PathSweep<Real>::gather(const PathSwitches& learned, Eigen::Index paths, PathGradient& gradient) {
  const double scale = 1.0 / static_cast<double>(paths);
  sum_tree(sums_, 0, sums_[0].size());
  gradient.parameters = scale * model_->raw_gradient(sums_[0].data(), learned);
  if (settings_.loss == PathLoss::trajectory_balance)
    gradient.parameters(gradient.parameters.size() - 1) = of_log_z_;  // log_z comes last
  Eigen::Index size = 0;
  for (PathNetwork<Real>* network : {forward_net_.get(), backward_net_.get()}) {
    if (network != nullptr) size += network_size(network->weights().layout().shape);
  }
  gradient.networks.resize(size);
  Eigen::Index first = 0;
  for (PathNetwork<Real>* network : {forward_net_.get(), backward_net_.get()}) {
    if (network == nullptr) continue;
    network->gather(gradient.networks.data() + first);
    first += network_size(network->weights().layout().shape);
  }
  gradient.networks *= scale;
}

template <class Real>
double PathSweep<Real>::loss(const PathBatch<Real>& batch, Eigen::VectorXd& log_w, PathGradient& gradient) {
  log_w.resize(batch.paths);
  start_gradient(blocks_of(batch.paths));
  const double value = settings_.loss == PathLoss::elbo ? elbo_loss(batch, log_w) : fixed_loss(batch, log_w);
  gather(path_switches(settings_), batch.paths, gradient);
  return value;
}

template class PathSweep<float>;
template class PathSweep<double>;

}  // namespace gmdiff::network
