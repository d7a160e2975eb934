#include "device/reference/steps.hpp"

#include <algorithm>
#include <cmath>

namespace gmdiff::reference {

namespace {

std::size_t dim_of(const Model& model) { return static_cast<std::size_t>(model.dim()); }

/// Variance of eigendirection i of component k at a level: c = alpha^2 l + sigma^2.
double diffused_eigenvalue(const Model& model, Level level, Eigen::Index k, Eigen::Index i) {
  return level.alpha * level.alpha * model.eigenvalue(k, i) + level.sigma * level.sigma;
}

}  // namespace

AffineUpdate::AffineUpdate(const AffineStep& step, const Model& model)
    : step_(step),
      model_(model),
      first_(dim_of(model)),
      second_(dim_of(model)),
      middle_(dim_of(model)),
      noise_(dim_of(model)) {
  if (step.evaluations >= 1) levels_.emplace_back(model, step.level1);
  if (step.evaluations >= 2) levels_.emplace_back(model, step.level2);
}

void AffineUpdate::scale_and_perturb(double* x, double a, double e, const double* z) {
  const std::size_t dim = noise_.size();
  for (std::size_t i = 0; i < dim; ++i) x[i] *= a;
  if (e == 0.0) return;
  from_basis(model_.common_basis(), z, noise_.data(), model_.dim());
  for (std::size_t i = 0; i < dim; ++i) x[i] += e * noise_[i];
}

void AffineUpdate::apply(State state, const double* churn_z, const double* z) {
  double* x = state.x;
  const std::size_t dim = noise_.size();
  scale_and_perturb(x, step_.c_x, step_.c_n, churn_z);

  if (step_.evaluations >= 1) levels_[0].denoiser(x, first_.data());
  if (step_.evaluations >= 2) {
    for (std::size_t i = 0; i < dim; ++i) middle_[i] = step_.p_x * x[i] + step_.p_1 * first_[i];
    levels_[1].denoiser(middle_.data(), second_.data());
  }

  scale_and_perturb(x, step_.a, step_.e, z);
  for (std::size_t i = 0; i < dim; ++i) {
    x[i] += step_.b_1 * first_[i] + step_.b_2 * second_[i] + step_.b_p * state.previous_denoiser[i];
  }
  if (step_.evaluations >= 1) std::copy(first_.begin(), first_.end(), state.previous_denoiser);
}

TransitionUpdate::TransitionUpdate(const MixtureTransition& step, const Model& model)
    : step_(step),
      model_(model),
      at_t_(model, step.t),
      probabilities_(static_cast<std::size_t>(model.num_components())),
      mean_(dim_of(model)),
      scaled_(dim_of(model)),
      noise_(dim_of(model)) {}

void TransitionUpdate::component_mean(Eigen::Index k, const double* x, double* mean) {
  // M_k = alpha_s mu_k + alpha_ts C_k(s) C_k(t)^{-1} (x - alpha_t mu_k),
  // C_k(s) = alpha_s^2 Sigma_k + sigma_s^2 I
  const double p = step_.alpha_ts * step_.s.alpha * step_.s.alpha;
  const double q = step_.alpha_ts * step_.s.sigma * step_.s.sigma;
  at_t_.regress(k, x, step_.s.alpha, p, q, mean);
}

void TransitionUpdate::add_component_noise(Eigen::Index k, const double* z, double* x) {
  for (std::size_t i = 0; i < scaled_.size(); ++i) {
    const auto index = static_cast<Eigen::Index>(i);
    const double ratio =
        diffused_eigenvalue(model_, step_.s, k, index) / diffused_eigenvalue(model_, step_.t, k, index);
    scaled_[i] = step_.sigma_ts * std::sqrt(ratio) * z[i];
  }
  from_basis(model_.component_basis(k), scaled_.data(), noise_.data(), model_.dim());
  for (std::size_t i = 0; i < noise_.size(); ++i) x[i] += noise_[i];
}

void TransitionUpdate::apply(State state, double u, const double* z) {
  probabilities(state.x, probabilities_.data());
  const Eigen::Index k = choose_component(probabilities_.data(), model_.num_components(), u);
  component_mean(k, state.x, mean_.data());
  std::copy(mean_.begin(), mean_.end(), state.x);
  add_component_noise(k, z, state.x);
}

Eigen::Index choose_component(const double* probabilities, Eigen::Index num_components, double u) {
  double total = 0.0;
  for (Eigen::Index k = 0; k < num_components; ++k) total += probabilities[k];
  double sum = 0.0;
  Eigen::Index last_positive = 0;
  for (Eigen::Index k = 0; k < num_components; ++k) {
    if (probabilities[k] == 0.0) continue;
    sum += probabilities[k];
    last_positive = k;
    if (sum > u * total) break;
  }
  return last_positive;
}

Eigen::Index choose_component(const MixtureTable& table, std::uint64_t U) {
  Eigen::Index last_positive = 0;
  for (Eigen::Index k = 0; k < table.num_components(); ++k) {
    if (std::isinf(table.log_weights(k))) continue;
    last_positive = k;
    if (U < table.thresholds[static_cast<std::size_t>(k)]) break;
  }
  return last_positive;
}

void component_draw(const Model& model, Level level, Eigen::Index k, const double* z, double* x) {
  std::vector<double> scaled(dim_of(model));
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] = std::sqrt(diffused_eigenvalue(model, level, k, static_cast<Eigen::Index>(i))) * z[i];
  }
  from_basis(model.component_basis(k), scaled.data(), x, model.dim());
  const double* mean = model.mean(k);
  for (std::size_t i = 0; i < scaled.size(); ++i) x[i] += level.alpha * mean[i];
}

void gaussian_draw(const Model& model, const StartTable& law, const double* z, double* x) {
  from_basis(model.common_basis(), z, x, model.dim());
  for (Eigen::Index i = 0; i < model.dim(); ++i) {
    x[i] *= law.level.sigma;
    if (law.mean.size() > 0) x[i] += law.mean(i);
  }
}

}  // namespace gmdiff::reference
