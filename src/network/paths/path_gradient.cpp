#include <algorithm>
#include <array>
#include <functional>

#include "network/paths/path_block.hpp"
#include "particle/path.hpp"
#include "particle/path_gradient.hpp"

// The gradient of a block of paths (mathematics.md §17.9, §17.10).

namespace gmdiff::network {

namespace {
using Number = particle::One<double>;
}

template <class Real>
MixtureSums PathBlock<Real>::lane_sums() {
  return {.mean = of_mean_.data(), .deviation = of_deviation_.data(), .logit = of_logit_.data()};
}

/// The sum over the paths of the block in ascending order.
template <class Real>
double PathBlock<Real>::sum_over_paths(const double* values) const {
  double sum = 0.0;
  for (Eigen::Index p = 0; p < paths_; ++p) sum += values[p];
  return sum;
}

/// Cotangents of F_n and B_n: cF with kap_n and lambda, cB with kap_{n-1}.
template <class Real>
void PathBlock<Real>::set_cotangents(const GradientMode& mode, Eigen::Index n) {
  const PathModel& model = setting_.model;
  if (n < steps()) {
    setting_.unit.forward_cotangents(mode, dim(), model.eta(n), G(n), q(n), lambda_.data(), of_F_.data());
  } else {
    std::fill(of_F_.begin(), of_F_.end(), 0.0);
  }
  if (n > 0) {
    setting_.unit.backward_cotangents(mode, dim(), model.eta(n - 1), G(n - 1), q(n - 1), of_B_.data());
  } else {
    std::fill(of_B_.begin(), of_B_.end(), 0.0);
  }
}

template <class Real>
void PathBlock<Real>::add_eta(const GradientMode& mode, Eigen::Index n, double* to) {
  // product_ is free here and holds the terms.
  setting_.unit.eta_terms(mode, dim(), setting_.model.eta(n), F(n), G(n), q(n), lambda_.data(),
                          product_.data());
  // A sum of one coordinate waits for itself; those of several do not wait for each other.
  constexpr Eigen::Index at_once = 4;
  Eigen::Index j = 0;
  for (; j + at_once <= dim(); j += at_once) {
    std::array<double, at_once> sums{};
    for (Eigen::Index p = 0; p < paths_; ++p) {
      for (std::size_t r = 0; r < sums.size(); ++r)
        sums[r] += product_[static_cast<std::size_t>(j * block_paths + p) + r * block_paths];
    }
    for (std::size_t r = 0; r < sums.size(); ++r) to[n * dim() + j + static_cast<Eigen::Index>(r)] += sums[r];
  }
  for (; j < dim(); ++j) to[n * dim() + j] += sum_over_paths(product_.data() + j * block_paths);
}

/// Adds factor H_rho of_drift to the change of lambda.
template <class Real>
void PathBlock<Real>::add_hessian(Eigen::Index n, double factor) {
  const Points v = factor * rows_of(of_drift_.data());
  const Points product = setting_.target.hessian_vp(rows_of(state(n)), v);
  for (Eigen::Index p = 0; p < paths_; ++p) {
    for (Eigen::Index j = 0; j < dim(); ++j)
      change_[static_cast<std::size_t>(j * block_paths + p)] += product(p, j);
  }
}

/// The drift's part for its cotangent cF + cB.
template <class Real>
void PathBlock<Real>::add_drift(const GradientMode& mode, Eigen::Index n, const PathSwitches& learned,
                                double* of_beta) {
  const bool annealed = terms_.mixture_score && terms_.target_score;
  const double beta = annealed ? setting_.model.beta(n) : terms_.target_score ? 1.0 : 0.0;
  setting_.unit.add(row_, of_F_.data(), of_B_.data(), of_drift_.data());
  if (terms_.mixture_score && (mode.through_path || learned.prior || learned.weights)) {
    for (std::size_t i = 0; i < of_drift_.size(); ++i) product_[i] = (1.0 - beta) * of_drift_[i];
    const MixtureSums sums = lane_sums();
    // mixture_score_ is free here and holds the product.
    setting_.unit.mixture_products(setting_.model.mixture(), state(n), product_.data(), gamma(n),
                                   work_.data(), mixture_score_.data(),
                                   learned.prior || learned.weights ? &sums : nullptr);
    setting_.unit.add(row_, change_.data(), mixture_score_.data(), change_.data());
  }
  // beta_0, beta_{N-1} and beta_N pass no gradient.
  if (annealed && learned.annealing && n > 0 && n < steps() - 1) {
    setting_.unit.mixture_score(setting_.model.mixture(), state(n), work_.data(), nullptr,
                                mixture_score_.data());
    std::array<double, block_paths> terms{};
    for (Eigen::Index i = 0; i < row_; ++i) {
      const auto at = static_cast<std::size_t>(i);
      terms[static_cast<std::size_t>(i % block_paths)] +=
          of_drift_[at] * (target_score(n)[i] - mixture_score_[at]);
    }
    *of_beta += sum_over_paths(terms.data());
  }
  if (terms_.target_score && mode.through_path && !setting_.settings.detach_target_score)
    add_hessian(n, beta);
}

/// dg_n = sum over paths of cotangent clip(grad log rho), with the score held fixed.
template <class Real>
void PathBlock<Real>::add_scale(Eigen::Index n, Eigen::Index block, PathNetwork<Real>& network,
                                StateBlock<Real>& states) {
  Real* to = network.of_scale(block, n);
  for (Eigen::Index j = 0; j < dim(); ++j) {
    double sum = 0.0;
    for (Eigen::Index p = 0; p < paths_; ++p)
      sum += static_cast<double>(states.cotangent(p)[j]) *
             particle::clipped_score(Number(target_score(n)[j * block_paths + p])).v;
    to[j] = static_cast<Real>(sum);
  }
}

/// Asks for what the step of x_n reads and no later step has read. It comes while the networks of the step
/// before it are computed; without that, the loops over paths would wait for it.
template <class Real>
void PathBlock<Real>::read_ahead(Eigen::Index n) {
  if (n < 0) return;
  network::read_ahead(state(n), row_);
  network::read_ahead(F(n), row_);
  if (terms_.mixture_score) network::read_ahead(gamma(n), setting_.model.components() * block_paths);
  if (keeps_scores_) network::read_ahead(target_score(n), row_);
  for (const auto& numbers : {&G_, &q_}) {
    if (n > 0) network::read_ahead(numbers->data() + (n - 1) * row_, row_);
  }
  for (const auto& states : {&forward_states_, &backward_states_}) {
    if (*states && n >= first_kept()) (*states)->read_ahead(pass_of(n));
  }
}

/// Makes the forward pass at x_n that of the next backward pass.
template <class Real>
void PathBlock<Real>::return_to(StateBlock<Real>& states, PathNetwork<Real>& network, Eigen::Index n) {
  if (n < first_kept()) {
    run_network(network, states, n, Then::derivatives);
  } else {
    states.select(pass_of(n));
    states.return_to(paths_, network.table() + n * network.width());
  }
}

template <class Real>
void PathBlock<Real>::add_network(const GradientMode& mode, Eigen::Index n, Eigen::Index block,
                                  PathNetwork<Real>& network, StateBlock<Real>& states, bool of_forward,
                                  double sign_of_backward) {
  return_to(states, network, n);
  for (Eigen::Index p = 0; p < paths_; ++p) {
    Real* cotangent = states.cotangent(p);
    for (Eigen::Index j = 0; j < dim(); ++j) {
      const auto i = static_cast<std::size_t>(j * block_paths + p);
      cotangent[j] = static_cast<Real>((of_forward ? of_F_[i] : 0.0) + sign_of_backward * of_B_[i]);
    }
  }
  if (network.has_scales()) add_scale(n, block, network, states);
  states.backward(paths_, network.of_states(block));
  const Eigen::Index width = network.width();
  network.unit().add_rows(states.time_cotangents(), paths_, width, network.of_table(block) + n * width);
  if (!mode.through_path) return;
  states.backward_input(paths_);
  for (Eigen::Index p = 0; p < paths_; ++p) {
    const Real* of_input = states.input_cotangent(p);
    for (Eigen::Index j = 0; j < dim(); ++j)
      change_[static_cast<std::size_t>(j * block_paths + p)] += static_cast<double>(of_input[j]);
  }
}

template <class Real>
void PathBlock<Real>::add_networks(const GradientMode& mode, Eigen::Index n, Eigen::Index block) {
  if (forward_states_ && (n < steps() || terms_.mirrored))
    add_network(mode, n, block, *setting_.forward_net, *forward_states_, true, terms_.mirrored ? -1.0 : 0.0);
  if (backward_states_ && n > 0)
    add_network(mode, n, block, *setting_.backward_net, *backward_states_, false, 1.0);
}

/// The part of x_0: lambda and log p0.
template <class Real>
void PathBlock<Real>::add_start(const GradientMode& mode, const PathSwitches& learned) {
  if (!learned.prior && !learned.weights) return;
  std::array<double, block_paths> factor;
  factor.fill(1.0);
  if (!mode.through_path) {
    for (std::size_t p = 0; p < factor.size(); ++p) factor[p] = -mode.factor[p];
  }
  setting_.unit.mixture_gradient(setting_.model.mixture(), state(0), factor.data(), work_.data(),
                                 lane_sums());
  if (!mode.through_path) return;
  setting_.unit.mixture_score(setting_.model.mixture(), state(0), work_.data(), nullptr,
                              mixture_score_.data());
  for (Eigen::Index p = 0; p < paths_; ++p) {
    const Eigen::Index k = component_[static_cast<std::size_t>(p)];
    for (Eigen::Index j = 0; j < dim(); ++j) {
      const Eigen::Index i = j * block_paths + p;
      const double lambda =
          lambda_[static_cast<std::size_t>(i)] + mixture_score_[static_cast<std::size_t>(i)];
      const auto entry = static_cast<std::size_t>((k * dim() + j) * block_paths + p);
      of_mean_[entry] += lambda;
      of_deviation_[entry] += lambda * start_noise()[i];
    }
  }
}

template <class Real>
void PathBlock<Real>::reduce(const PathSwitches& learned, double* sums) const {
  if (!learned.prior && !learned.weights) return;
  const PathSumsLayout of(setting_.model.components(), setting_.model.dim(), setting_.model.steps());
  const auto add = [&](const std::vector<double>& from, Eigen::Index to) {
    for (Eigen::Index i = 0; i * block_paths < std::ssize(from); ++i)
      sums[to + i] = sum_over_paths(from.data() + i * block_paths);
  };
  add(of_mean_, of.mean);
  add(of_deviation_, of.deviation);
  add(of_logit_, of.logit);
}

template <class Real>
void PathBlock<Real>::sweep(const GradientMode& mode, Eigen::Index block, const PathSwitches& learned,
                            double* sums) {
  const auto row = static_cast<std::size_t>(row_);
  const auto K = static_cast<std::size_t>(setting_.model.components());
  const PathSumsLayout of(setting_.model.components(), dim(), steps());
  for (std::vector<double>* array : {&lambda_, &of_F_, &of_B_, &of_drift_, &product_})
    array->assign(row, 0.0);
  of_mean_.assign(K * row, 0.0);
  of_deviation_.assign(K * row, 0.0);
  of_logit_.assign(K * block_paths, 0.0);
  std::fill_n(sums, of.size, 0.0);
  for (PathNetwork<Real>* network : {setting_.forward_net, setting_.backward_net}) {
    if (network != nullptr) network->start_block(block);
  }
  for (Eigen::Index n = steps(); n >= 0; --n) {
    set_cotangents(mode, n);
    if (n < steps() && (learned.step || learned.friction)) add_eta(mode, n, sums + of.eta);
    change_.assign(row, 0.0);
    add_drift(mode, n, learned, sums + of.beta + n);
    read_ahead(n - 1);
    add_networks(mode, n, block);
    if (!mode.through_path) continue;
    if (n == steps())
      std::transform(target_score(n), target_score(n) + row, lambda_.begin(), std::negate<>());
    setting_.unit.add(row_, lambda_.data(), change_.data(), lambda_.data());
  }
  add_start(mode, learned);
  reduce(learned, sums);
}

template <class Real>
void PathBlock<Real>::backward(Eigen::Index block, const PathSwitches& learned, double* sums) {
  sweep({.through_path = true, .factor = ones_.data()}, block, learned, sums);
}

template <class Real>
void PathBlock<Real>::backward_fixed(Eigen::Index block, const PathSwitches& learned, const double* factor,
                                     double* sums) {
  sweep({.through_path = false, .factor = factor}, block, learned, sums);
}

template void PathBlock<float>::backward(Eigen::Index, const PathSwitches&, double*);
template void PathBlock<double>::backward(Eigen::Index, const PathSwitches&, double*);
template void PathBlock<float>::backward_fixed(Eigen::Index, const PathSwitches&, const double*, double*);
template void PathBlock<double>::backward_fixed(Eigen::Index, const PathSwitches&, const double*, double*);

}  // namespace gmdiff::network
