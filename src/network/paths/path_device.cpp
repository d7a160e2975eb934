#include <algorithm>

#include "network/paths/path_tables.hpp"

// The loss of a trained sampler on a device that is not the threads of the host (mathematics.md §17.11).

namespace gmdiff::network {

namespace {

PathGradientParts parts_of(const SamplerSettings& settings) {
  const PathSwitches learned = path_switches(settings);
  const PathTerms terms = path_terms(settings);
  const bool through_path = settings.loss == PathLoss::elbo;
  return {.through_path = through_path,
          .has_mixture = learned.prior || learned.weights,
          .has_eta = learned.step || learned.friction,
          .has_beta = learned.annealing && terms.mixture_score && terms.target_score,
          .has_hessian = through_path && terms.target_score && !settings.detach_target_score};
}

}  // namespace

/// Puts the sums of a batch where the sums of the first block belong.
template <class Real>
void PathSweep<Real>::take_sums(const PathGradientSums& sums) {
  const PathSumsLayout of(model_->components(), model_->dim(), model_->steps());
  std::vector<double>& all = sums_[0];
  std::fill(all.begin(), all.end(), 0.0);
  // Arrays of the device have the order of the layout: mu, s and logits follow each other.
  std::copy(sums.mixture.begin(), sums.mixture.end(), all.begin() + of.mean);
  std::copy(sums.eta.begin(), sums.eta.end(), all.begin() + of.eta);
  std::copy(sums.beta.begin(), sums.beta.end(), all.begin() + of.beta);
  auto next = std::get<std::vector<NetworkGradientSums<Real>>>(sums.networks).begin();
  for (PathNetwork<Real>* network : {forward_net_.get(), backward_net_.get()}) {
    if (network == nullptr) continue;
    network->start_block(0);
    std::copy(next->states.begin(), next->states.end(), network->of_states(0));
    std::copy(next->table.begin(), next->table.end(), network->of_table(0));
    if (network->has_scales()) std::copy(next->scale.begin(), next->scale.end(), network->of_scale(0, 0));
    ++next;
  }
}

template <class Real>
double PathSweep<Real>::loss_on(PathGradients& device, const PathStreams& streams, Eigen::Index paths,
                                Eigen::VectorXd& log_w, PathGradient& gradient) {
  const PathGradientParts parts = parts_of(settings_);
  log_w = device.forward(path_tables(settings_, *model_, forward_net_.get(), backward_net_.get(), target_),
                         draw_starts(streams, *model_, unit_, 0, paths),
                         {.seed = streams.seed, .replicate = streams.replicate}, parts);
  std::vector<double> factor;
  if (!parts.through_path) {
    const double centre = centre_of(log_w);
    factor.reserve(static_cast<std::size_t>(paths));
    for (const double l : log_w) factor.push_back(l - centre);
  }
  start_gradient(1);
  take_sums(device.backward(factor));
  const double value = value_of(log_w);
  gather(path_switches(settings_), paths, gradient);
  return value;
}

template void PathSweep<float>::take_sums(const PathGradientSums&);
template void PathSweep<double>::take_sums(const PathGradientSums&);
template double PathSweep<float>::loss_on(PathGradients&, const PathStreams&, Eigen::Index, Eigen::VectorXd&,
                                          PathGradient&);
template double PathSweep<double>::loss_on(PathGradients&, const PathStreams&, Eigen::Index, Eigen::VectorXd&,
                                           PathGradient&);

}  // namespace gmdiff::network
