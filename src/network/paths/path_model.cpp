#include "network/paths/path_model.hpp"

#include <cmath>
#include <numbers>

#include "base/check.hpp"
#include "network/paths/scalar_functions.hpp"

namespace gmdiff::network {

namespace {

std::size_t size_of(Eigen::Index n) { return static_cast<std::size_t>(n); }

/// c_n with t = (N - n) / N
double relative_step(PathSchedule schedule, double t) {
  switch (schedule) {
    case PathSchedule::cosine: {
      const particle::One<double> angle(0.5 * std::numbers::pi * ((1.008 - t) / 1.008));
      const double cosine = particle::sine_cosine(angle).cosine.v;
      return 0.99 * (cosine * cosine) + 0.01;
    }
    case PathSchedule::constant:
      return 1.0;
    case PathSchedule::linear:
      return t + 0.01 * (1.0 - t);
  }
  fail("trained sampler: unknown schedule");
}

}  // namespace

PathTerms path_terms(const SamplerSettings& settings) {
  switch (settings.method) {
    case PathMethod::dis:
      return {.mixture_score = true,
              .target_score = false,
              .forward_net = true,
              .backward_net = false,
              .mirrored = false};
    case PathMethod::ula:
      return {.mixture_score = true,
              .target_score = true,
              .forward_net = false,
              .backward_net = false,
              .mirrored = false};
    case PathMethod::mcd:
      return {.mixture_score = true,
              .target_score = true,
              .forward_net = false,
              .backward_net = true,
              .mirrored = false};
    case PathMethod::cmcd:
      return {.mixture_score = true,
              .target_score = true,
              .forward_net = true,
              .backward_net = false,
              .mirrored = true};
    case PathMethod::dbs:
      return {.mixture_score = settings.drift == PathDrift::annealed,
              .target_score = settings.drift != PathDrift::zero,
              .forward_net = true,
              .backward_net = true,
              .mirrored = false};
  }
  fail("trained sampler: unknown method");
}

Eigen::Index path_components(const SamplerSettings& settings) {
  return settings.prior == PathPrior::gmp ? settings.components : 1;
}

int path_networks(const SamplerSettings& settings) {
  const PathTerms terms = path_terms(settings);
  return (terms.forward_net ? 1 : 0) + (terms.backward_net ? 1 : 0);
}

PathSwitches path_switches(const SamplerSettings& settings) {
  const bool through_path = settings.loss == PathLoss::elbo;
  return {.prior = settings.learn_prior && settings.prior != PathPrior::fixed,
          .step = settings.learn_step.value_or(through_path),
          .friction = settings.learn_friction.value_or(through_path),
          .annealing = settings.learn_annealing,
          .weights = settings.learn_weights};
}

PathSumsLayout::PathSumsLayout(Eigen::Index components, Eigen::Index dim, Eigen::Index steps)
    : mean(0),
      deviation(components * dim),
      logit(2 * components * dim),
      eta(logit + components),
      beta(eta + steps * dim),
      size(beta + steps + 1) {}

PathModel::PathModel(const SamplerSettings& settings, Eigen::Index dim, const Eigen::VectorXd& parameters,
                     std::vector<Eigen::Index> active)
    : dim_(dim),
      steps_(settings.steps),
      tensors_(sampler_tensors(settings, dim)),
      active_(std::move(active)) {
  if (active_.empty()) {
    active_.reserve(size_of(path_components(settings)));
    for (Eigen::Index k = 0; k < path_components(settings); ++k) active_.push_back(k);
  }
  read_mixture(parameters);
  read_steps(settings, parameters);
  read_annealing(parameters);
  if (const NetworkTensor* log_z = find("log_z")) log_z_ = parameters(log_z->offset);
}

const NetworkTensor* PathModel::find(const char* name) const {
  for (const NetworkTensor& tensor : tensors_) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

void PathModel::read_mixture(const Eigen::VectorXd& parameters) {
  const Eigen::Index mu = find("mu")->offset, s = find("s")->offset;
  const NetworkTensor* logits = find("logits");
  double largest = 0.0, total = 0.0;
  if (logits != nullptr) {
    largest = parameters(logits->offset + active_[0]);
    for (const Eigen::Index k : active_) largest = std::max(largest, parameters(logits->offset + k));
  }
  weight_.reserve(active_.size());
  for (const Eigen::Index k : active_) {
    weight_.push_back(logits == nullptr ? 1.0 : exp_of(parameters(logits->offset + k) - largest));
    total += weight_.back();
  }
  for (std::vector<double>* array : {&mean_, &deviation_, &inverse_, &precision_, &slope_})
    array->reserve(active_.size() * size_of(dim_));
  log_weight_.reserve(active_.size());
  const double log_volume = 0.5 * static_cast<double>(dim_) * log_of(2.0 * std::numbers::pi);
  for (std::size_t place = 0; place < active_.size(); ++place) {
    const Eigen::Index k = active_[place];
    weight_[place] /= total;
    double log_weight = log_of(weight_[place]) - log_volume;
    for (Eigen::Index j = 0; j < dim_; ++j) {
      const double raw = parameters(s + k * dim_ + j), deviation = softplus(raw);
      mean_.push_back(parameters(mu + k * dim_ + j));
      deviation_.push_back(deviation);
      inverse_.push_back(1.0 / deviation);
      precision_.push_back(1.0 / (deviation * deviation));
      slope_.push_back(sigmoid(raw));
      log_weight -= log_of(deviation);
    }
    log_weight_.push_back(log_weight);
  }
}

void PathModel::read_steps(const SamplerSettings& settings, const Eigen::VectorXd& parameters) {
  const double raw_h = parameters(find("dt")->offset);
  const Eigen::Index friction = find("fr")->offset;
  h_ = softplus(raw_h);
  slope_h_ = sigmoid(raw_h);
  q_.reserve(size_of(dim_));
  slope_q_.reserve(size_of(dim_));
  c_.reserve(size_of(steps_));
  eta_.reserve(size_of(steps_ * dim_));
  root_.reserve(size_of(steps_ * dim_));
  for (Eigen::Index j = 0; j < dim_; ++j) {
    q_.push_back(softplus(parameters(friction + j)));
    slope_q_.push_back(sigmoid(parameters(friction + j)));
  }
  for (Eigen::Index n = 0; n < steps_; ++n) {
    const double t = static_cast<double>(steps_ - n) / static_cast<double>(steps_);
    c_.push_back(relative_step(settings.schedule, t));
    for (Eigen::Index j = 0; j < dim_; ++j) {
      eta_.push_back(h_ * c_.back() / q_[size_of(j)]);
      root_.push_back(std::sqrt(2.0 * eta_.back()));
    }
  }
}

/// beta_n = sum_{j <= n} sp(b_j) / S; beta_N = beta_{N-1}
void PathModel::read_annealing(const Eigen::VectorXd& parameters) {
  const NetworkTensor* b = find("b");
  beta_.assign(size_of(steps_ + 1), 1.0);
  if (b == nullptr) return;
  slope_beta_.reserve(size_of(steps_));
  for (Eigen::Index n = 0; n < steps_; ++n) {
    increments_ += softplus(parameters(b->offset + n));
    beta_[size_of(n)] = increments_;
    slope_beta_.push_back(sigmoid(parameters(b->offset + n)));
  }
  for (Eigen::Index n = 0; n < steps_; ++n) beta_[size_of(n)] /= increments_;
}

StartMixture PathModel::mixture() const {
  return {.components = components(),
          .dim = dim_,
          .mean = mean_.data(),
          .inverse = inverse_.data(),
          .precision = precision_.data(),
          .weight = weight_.data(),
          .log_weight = log_weight_.data()};
}

Eigen::Index PathModel::component(double u) const {
  double cumulative = 0.0;
  for (Eigen::Index k = 0; k + 1 < components(); ++k) {
    cumulative += weight_[size_of(k)];
    if (u < cumulative) return k;
  }
  return components() - 1;
}

Eigen::VectorXd PathModel::raw_gradient(const double* sums, const PathSwitches& learned) const {
  Eigen::VectorXd gradient = Eigen::VectorXd::Zero(tensors_.back().offset + tensors_.back().size());
  add_mixture(sums, learned, gradient);
  add_steps(sums, learned, gradient);
  if (learned.annealing && find("b") != nullptr) add_annealing(sums, gradient);
  return gradient;
}

void PathModel::add_mixture(const double* sums, const PathSwitches& learned,
                            Eigen::VectorXd& gradient) const {
  const PathSumsLayout of(components(), dim_, steps_);
  const Eigen::Index mu = find("mu")->offset, s = find("s")->offset;
  for (Eigen::Index place = 0; place < components(); ++place) {
    const Eigen::Index k = active_[size_of(place)];
    for (Eigen::Index j = 0; learned.prior && j < dim_; ++j) {
      const Eigen::Index entry = place * dim_ + j;
      gradient(mu + k * dim_ + j) = sums[of.mean + entry];
      gradient(s + k * dim_ + j) = sums[of.deviation + entry] * slope_[size_of(entry)];
    }
    if (learned.weights) gradient(find("logits")->offset + k) = sums[of.logit + place];
  }
}

/// d_h = sum d_eta c_n / q_i,   d_q_i = -sum_n d_eta h c_n / q_i^2
void PathModel::add_steps(const double* sums, const PathSwitches& learned, Eigen::VectorXd& gradient) const {
  const PathSumsLayout of(components(), dim_, steps_);
  double of_h = 0.0;
  for (Eigen::Index j = 0; j < dim_; ++j) {
    double of_rate = 0.0;  // of 1 / q_j, up to the factor h
    for (Eigen::Index n = 0; n < steps_; ++n) of_rate += sums[of.eta + n * dim_ + j] * c_[size_of(n)];
    const double q = q_[size_of(j)];
    of_h += of_rate / q;
    if (learned.friction) gradient(find("fr")->offset + j) = -(of_rate * h_ / (q * q)) * slope_q_[size_of(j)];
  }
  if (learned.step) gradient(find("dt")->offset) = of_h * slope_h_;
}

/// d_b_j = sg(b_j) / S [ sum_{n >= j} w_n - sum_n w_n beta_n ], where beta_0 and beta_{N-1} pass nothing
void PathModel::add_annealing(const double* sums, Eigen::VectorXd& gradient) const {
  const double* of_beta = sums + PathSumsLayout(components(), dim_, steps_).beta;
  double mean = 0.0, later = 0.0;
  for (Eigen::Index n = 1; n + 1 < steps_; ++n) mean += of_beta[n] * beta_[size_of(n)];
  for (Eigen::Index j = steps_ - 1; j >= 0; --j) {
    if (j >= 1 && j + 1 < steps_) later += of_beta[j];
    gradient(find("b")->offset + j) = slope_beta_[size_of(j)] / increments_ * (later - mean);
  }
}

}  // namespace gmdiff::network
