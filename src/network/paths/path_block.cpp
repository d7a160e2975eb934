#include "network/paths/path_block.hpp"

#include <algorithm>

#include "particle/path.hpp"

namespace gmdiff::network {

namespace {
using Number = particle::One<double>;
}

template <class Real>
PathBlock<Real>::PathBlock(const PathSetting<Real>& setting)
    : setting_(setting),
      terms_(path_terms(setting.settings)),
      row_(setting.model.dim() * block_paths),
      keeps_scores_(terms_.target_score || setting.settings.langevin),
      kept_(kept_states<Real>(Layout(sampler_network(setting.settings, setting.model.dim())),
                              setting.settings.steps, setting.most_kept)) {
  const auto assign = [](std::vector<double>& array, Eigen::Index size) {
    array.assign(static_cast<std::size_t>(size), 0.0);
  };
  const Eigen::Index N = steps(), K = setting.model.components();
  assign(x_, (N + 1) * row_);
  for (std::vector<double>* array : {&F_, &G_, &q_}) assign(*array, N * row_);
  assign(target_score_, keeps_scores_ ? (N + 1) * row_ : row_);
  for (std::vector<double>* array : {&start_noise_, &B_, &mixture_score_, &drift_}) assign(*array, row_);
  assign(ratio_, N * block_paths);
  assign(work_, K * block_paths);
  assign(gamma_, (terms_.mixture_score ? N + 1 : 1) * K * block_paths);
  for (std::vector<double>* array : {&log_p0_, &log_rho_, &log_w_}) assign(*array, block_paths);
  ones_.assign(block_paths, 1.0);
  component_.assign(block_paths, 0);
  const auto states_of = [](PathNetwork<Real>& network, std::optional<StateBlock<Real>>& states) {
    states.emplace(network.weights(), network.unit(), static_cast<Real>(control_bound));
  };
  if (setting.forward_net != nullptr) states_of(*setting.forward_net, forward_states_);
  if (setting.backward_net != nullptr) states_of(*setting.backward_net, backward_states_);
}

template <class Real>
double* PathBlock<Real>::gamma(Eigen::Index n) {
  return gamma_.data() + (terms_.mixture_score ? n * setting_.model.components() * block_paths : 0);
}

template <class Real>
void PathBlock<Real>::keep_layers(bool keeps) {
  keeps_layers_ = keeps;
  for (std::optional<StateBlock<Real>>* states : {&forward_states_, &backward_states_}) {
    // Pass 0 is that of all states that are not kept.
    if (keeps && *states) (*states)->keep(kept_ + 1);
  }
}

// ----- forward

template <class Real>
void PathBlock<Real>::begin(Eigen::Index paths) {
  paths_ = paths;
  std::fill(log_rho_.begin(), log_rho_.end(), 0.0);
}

template <class Real>
Points PathBlock<Real>::rows_of(const double* points) const {
  // The products inside a mixture may round a row otherwise when there are fewer rows.
  const bool has_mixture = setting_.target.observed() != nullptr;
  Points rows = Points::Zero(has_mixture ? block_paths : paths_, dim());
  for (Eigen::Index p = 0; p < paths_; ++p) {
    for (Eigen::Index j = 0; j < dim(); ++j) rows(p, j) = points[j * block_paths + p];
  }
  return rows;
}

template <class Real>
void PathBlock<Real>::evaluate_target(Eigen::Index n) {
  const Points x = rows_of(state(n));
  Points gradient;
  if (n == steps()) {
    Eigen::VectorXd l;
    setting_.target.evaluate(x, l, gradient);
    std::copy_n(l.data(), paths_, log_rho_.data());
  } else {
    gradient = setting_.target.gradient(x);
  }
  double* to = target_score(n);
  for (Eigen::Index p = 0; p < paths_; ++p) {
    for (Eigen::Index j = 0; j < dim(); ++j) to[j * block_paths + p] = gradient(p, j);
  }
}

/// f_n = beta_n grad log rho + (1 - beta_n) grad log p0, or what the method has in its place.
template <class Real>
void PathBlock<Real>::evaluate_drift(Eigen::Index n) {
  const double* of_target = target_score(n);
  if (terms_.mixture_score && terms_.target_score) {
    const Number beta(setting_.model.beta(n));
    for (Eigen::Index i = 0; i < row_; ++i) {
      const auto at = static_cast<std::size_t>(i);
      drift_[at] = particle::annealed_score(beta, Number(of_target[i]), Number(mixture_score_[at])).v;
    }
  } else if (terms_.mixture_score) {
    drift_ = mixture_score_;
  } else if (terms_.target_score) {
    std::copy_n(of_target, row_, drift_.data());
  } else {
    std::fill(drift_.begin(), drift_.end(), 0.0);
  }
}

template <class Real>
void PathBlock<Real>::run_network(PathNetwork<Real>& network, StateBlock<Real>& block, Eigen::Index n,
                                  Then then) {
  const double* x = state(n);
  block.select(pass_of(n));
  for (Eigen::Index p = 0; p < paths_; ++p) {
    Real* input = block.input(p);
    for (Eigen::Index j = 0; j < dim(); ++j) input[j] = static_cast<Real>(x[j * block_paths + p]);
  }
  block.forward_at(paths_, network.table() + n * network.width(), then);
}

/// net + g_n clip(grad log rho)
template <class Real>
void PathBlock<Real>::add_output(const PathNetwork<Real>& network, const StateBlock<Real>& block,
                                 Eigen::Index n, double sign, double* to) {
  const Real* scale = network.scale(n);
  for (Eigen::Index p = 0; p < paths_; ++p) {
    const Real* outputs = block.output(p);
    for (Eigen::Index j = 0; j < dim(); ++j) {
      const Eigen::Index i = j * block_paths + p;
      const Number output(static_cast<double>(outputs[j]));
      Number sum = particle::add_control(Number(sign), output, Number(to[i]));
      if (scale != nullptr)
        sum = particle::add_scaled_score(Number(sign), Number(static_cast<double>(scale[j])),
                                         Number(target_score(n)[i]), sum);
      to[i] = sum.v;
    }
  }
}

/// F_n for n < N and B_n for n > 0; log p0 at n = 0 and log rho at n = N.
template <class Real>
void PathBlock<Real>::evaluate(Eigen::Index n) {
  const bool has_forward = n<steps(), has_backward = n> 0;
  if (terms_.mixture_score || n == 0)
    setting_.unit.mixture_score(setting_.model.mixture(), state(n), gamma(n),
                                n == 0 ? log_p0_.data() : nullptr, mixture_score_.data());
  if (keeps_scores_ || n == steps()) evaluate_target(n);
  evaluate_drift(n);
  if (has_forward) std::copy(drift_.begin(), drift_.end(), F(n));
  if (has_backward) B_ = drift_;
  if (has_forward) network::read_ahead(q(n), row_);
  if (forward_states_ && (has_forward || terms_.mirrored)) {
    run_network(*setting_.forward_net, *forward_states_, n, Then::nothing);
    if (has_forward) add_output(*setting_.forward_net, *forward_states_, n, 1.0, F(n));
    if (has_backward && terms_.mirrored)
      add_output(*setting_.forward_net, *forward_states_, n, -1.0, B_.data());
  }
  if (backward_states_ && has_backward) {
    run_network(*setting_.backward_net, *backward_states_, n, Then::nothing);
    add_output(*setting_.backward_net, *backward_states_, n, 1.0, B_.data());
  }
}

/// G_n = F_n + B_{n+1}
template <class Real>
void PathBlock<Real>::add_backward_drift(Eigen::Index n) {
  setting_.unit.add(row_, F(n), B_.data(), G(n));
}

template <class Real>
void PathBlock<Real>::simulate(Eigen::Index paths) {
  place_starts(setting_.model, component(), start_noise(), state(0));
  simulate_placed(paths);
}

template <class Real>
void PathBlock<Real>::simulate_placed(Eigen::Index paths) {
  begin(paths);
  const PathModel& model = setting_.model;
  for (Eigen::Index n = 0; n <= steps(); ++n) {
    evaluate(n);
    if (n > 0) add_backward_drift(n - 1);
    if (n < steps())
      setting_.unit.move(dim(), model.eta(n), model.noise_scale(n), state(n), F(n), q(n), state(n + 1));
  }
  finish_weights();
}

template <class Real>
void PathBlock<Real>::simulate_back(Eigen::Index paths) {
  begin(paths);
  const PathModel& model = setting_.model;
  for (Eigen::Index n = steps(); n >= 0; --n) {
    evaluate(n);
    for (Eigen::Index j = 0; j < dim(); ++j) {
      for (Eigen::Index i = j * block_paths; i < (j + 1) * block_paths; ++i) {
        if (n < steps()) {
          // x_n - x_{n+1} - eta B_{n+1} is the noise, so q = -(eta G + noise) without a difference of states.
          G(n)[i] += F(n)[i];
          q(n)[i] = -(model.eta(n)[j] * G(n)[i] + q(n)[i]);
        }
        if (n == 0) continue;
        G(n - 1)[i] = B_[static_cast<std::size_t>(i)];
        q(n - 1)[i] *= model.noise_scale(n - 1)[j];
        state(n - 1)[i] = state(n)[i] + model.eta(n - 1)[j] * G(n - 1)[i] + q(n - 1)[i];
      }
    }
  }
  finish_weights();
}

template <class Real>
void PathBlock<Real>::replay(Eigen::Index paths) {
  begin(paths);
  for (Eigen::Index n = 0; n <= steps(); ++n) {
    evaluate(n);
    if (n > 0) add_backward_drift(n - 1);
    for (Eigen::Index j = 0; n < steps() && j < dim(); ++j) {
      const double eta = setting_.model.eta(n)[j];
      for (Eigen::Index i = j * block_paths; i < (j + 1) * block_paths; ++i)
        q(n)[i] = (state(n + 1)[i] - state(n)[i]) - eta * F(n)[i];
    }
  }
  finish_weights();
}

/// log w = log rho(x_N) - log p0(x_0) - sum [ q G / 2 + eta G^2 / 4 ]
template <class Real>
void PathBlock<Real>::finish_weights() {
  std::vector<double> sum(block_paths, 0.0);
  for (Eigen::Index n = 0; n < steps(); ++n) {
    double* ratio = ratio_.data() + n * block_paths;
    setting_.unit.log_ratios(dim(), setting_.model.eta(n), q(n), G(n), ratio);
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += ratio[p];
  }
  for (std::size_t p = 0; p < sum.size(); ++p) log_w_[p] = log_rho_[p] - log_p0_[p] + sum[p];
}

template class PathBlock<float>;
template class PathBlock<double>;

}  // namespace gmdiff::network
