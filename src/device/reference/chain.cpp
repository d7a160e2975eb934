#include "device/reference/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "base/random.hpp"
#include "device/reference/guidance.hpp"
#include "device/reference/resampling.hpp"
#include "device/reference/steps.hpp"
#include "device/rotation.hpp"
#include "device/smallest_ess.hpp"
#include "plan/conditioned_transition.hpp"

namespace gmdiff::reference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// log prod_i N(x_i; centre_i, variance_i + added) without the constants, which the plan contains.
double log_factors(const Potential& g, const VectorXd& x, double added = 0.0) {
  double sum = 0.0;
  for (Index i = 0; i < g.centre.size(); ++i) {
    if (std::isinf(g.variance(i))) continue;
    const double difference = x(i) - g.centre(i);
    sum -= difference * difference / (2.0 * (g.variance(i) + added));
  }
  return sum;
}

Potential without_factors(Potential g) {
  g.variance.setConstant(std::numeric_limits<double>::infinity());
  return g;
}

/// An affine step, tilted by g: mean m = a x + b D, then the product of N(m, nu^2) and the factors (§7.3).
class DdimKernel {
 public:
  DdimKernel(const AffineStep& step, const Potential& g, const Model& model)
      : step_(step), g_(g), at_t_(model, step.level1) {}

  VectorXd mean(const VectorXd& x) {
    VectorXd D(x.size());
    at_t_.denoiser(x.data(), D.data());
    return step_.a * x + step_.b_1 * D;
  }
  /// log of the integral of g over the kernel.
  double log_weight(const VectorXd& x) { return log_factors(g_, mean(x), step_.e * step_.e); }
  VectorXd move(const VectorXd& x, const VectorXd& z, double /*u*/) {
    VectorXd y = mean(x);
    const double nu2 = step_.e * step_.e;
    for (Index i = 0; i < y.size(); ++i) {
      const double v = i < g_.centre.size() ? g_.variance(i) : std::numeric_limits<double>::infinity();
      if (std::isinf(v)) {
        y(i) += step_.e * z(i);
        continue;
      }
      const double K = nu2 / (nu2 + v);
      y(i) = K * g_.centre(i) + (1.0 - K) * y(i) + std::sqrt(K * v) * z(i);
    }
    return y;
  }

 private:
  const AffineStep& step_;
  const Potential& g_;
  DiffusedMixture at_t_;
};

/// The exact transition, tilted by g: each component conditioned by §2.7 with A = selection (§7.5).
class ExactKernel {
 public:
  ExactKernel(const MixtureTransition& step, const Potential& g, const Model& model)
      : step_(step),
        transition_(step, model),
        at_t_(model, step.t),
        probabilities_(static_cast<std::size_t>(model.num_components())) {
    for (Index i = 0; i < g.centre.size(); ++i) {
      if (!std::isinf(g.variance(i))) observed_.push_back(i);
    }
    y_ = g.centre(observed_);
    for (Index k = 0; k < model.num_components(); ++k) {
      components_.emplace_back();
      if (!std::isinf(model.table().log_weights(k))) condition(k, g, model);
    }
  }

  double log_weight(const VectorXd& x) { return log_terms(x).second; }

  VectorXd move(const VectorXd& x, const VectorXd& z, double u) {
    std::vector<double> terms = log_terms(x).first;
    const double largest = *std::max_element(terms.begin(), terms.end());
    for (double& term : terms) term = std::exp(term - largest);
    const Index k = choose_component(terms.data(), std::ssize(terms), u);
    const Component& component = components_[static_cast<std::size_t>(k)];
    VectorXd M(x.size());
    transition_.component_mean(k, x.data(), M.data());
    const VectorXd noise = component.noise.cols() == 1 && x.size() > 1
                               ? VectorXd(component.noise.col(0).cwiseProduct(z))
                               : VectorXd(component.noise * z);
    return M + component.gain * (y_ - M(observed_)) + noise;
  }

 private:
  struct Component {
    MatrixXd L;      // Cholesky factor of V[O, O] + diag(v)
    MatrixXd gain;   // V[:, O] (V[O, O] + diag v)^{-1}
    MatrixXd noise;  // noise factor of the plan; its columns are the coordinates of the noise
  };

  void condition(Index k, const Potential& g, const Model& model) {
    const Index d = model.dim();
    const Eigen::Map<const VectorXd> mu(model.mean(k), d);
    const double p = step_.sigma_ts * step_.sigma_ts * step_.s.alpha * step_.s.alpha;
    const double q = step_.sigma_ts * step_.sigma_ts * step_.s.sigma * step_.s.sigma;
    MatrixXd V(d, d);
    for (Index j = 0; j < d; ++j) {
      const VectorXd x = step_.t.alpha * mu + VectorXd::Unit(d, j);
      at_t_.regress(k, x.data(), 0.0, p, q, V.col(j).data());
    }
    Component& component = components_.back();
    MatrixXd S = V(observed_, observed_);
    for (std::size_t i = 0; i < observed_.size(); ++i)
      S(static_cast<Index>(i), static_cast<Index>(i)) += g.variance(observed_[i]);
    component.gain = MatrixXd::Zero(d, S.rows());
    if (S.rows() > 0) {
      const auto L = linear_algebra::cholesky(S);
      require(L.has_value(), "reference: component ", k,
              " hardly varies in an observed direction, which is observed almost without noise");
      component.L = *L;
      const MatrixXd right =
          linear_algebra::solve_lower(component.L, MatrixXd(V(Eigen::all, observed_).transpose()));
      component.gain = linear_algebra::solve_lower_transposed(component.L, right).transpose();
    }
    component.noise = conditioned_transition(model.table(), step_, g, k).noise;
  }

  /// log r_k N(y; M_k[O], S_k) of all components, and the log of their sum.
  std::pair<std::vector<double>, double> log_terms(const VectorXd& x) {
    transition_.probabilities(x.data(), probabilities_.data());
    std::vector<double> terms;
    for (std::size_t k = 0; k < components_.size(); ++k) {
      double term = std::log(probabilities_[k]);
      if (!observed_.empty() && probabilities_[k] > 0.0) {
        const MatrixXd& L = components_[k].L;
        VectorXd M(x.size());
        transition_.component_mean(static_cast<Index>(k), x.data(), M.data());
        const MatrixXd z = linear_algebra::solve_lower(L, MatrixXd(y_ - M(observed_)));
        term -= 0.5 * z.squaredNorm() + L.diagonal().array().log().sum() +
                0.5 * static_cast<double>(observed_.size()) * std::log(2.0 * std::numbers::pi);
      }
      terms.push_back(term);
    }
    const double largest = *std::max_element(terms.begin(), terms.end());
    double sum = 0.0;
    for (const double term : terms) sum += std::exp(term - largest);
    return {std::move(terms), largest + std::log(sum)};
  }

  const MixtureTransition& step_;
  TransitionUpdate transition_;
  DiffusedMixture at_t_;
  std::vector<Index> observed_;
  VectorXd y_;
  std::vector<Component> components_;
  std::vector<double> probabilities_;
};

class Chain {
 public:
  Chain(const SmcTask& task, std::int64_t chain)
      : task_(task),
        plan_(task.plan),
        chain_(chain),
        N_(plan_.particles),
        model_(plan_.mixture),
        lw_(static_cast<std::size_t>(N_), 0.0) {
    for (std::int64_t n = 0; n < N_; ++n)
      step_noise_.emplace_back(key(n, Purpose::step_noise), task.precision);
  }

  ChainFailure run() {
    start();
    keep(0);
    for (std::size_t s = 0; s < plan_.steps.size() && !task_.stop.stop_requested(); ++s) {
      const SmcStep& step = plan_.steps[s];
      const bool before = plan_.weighting == SmcWeighting::before_moving;
      const Potential tilt = before ? step.at_s : without_factors(step.at_s);
      const bool lives = std::visit(
          [&]<class Move>(const Move& move) {
            std::conditional_t<std::is_same_v<Move, AffineStep>, DdimKernel, ExactKernel> kernel(move, tilt,
                                                                                                 model_);
            return advance(static_cast<int>(s), step, kernel);
          },
          step.move);
      if (!lives) return failure(static_cast<int>(s));
      keep(static_cast<int>(s) + 1);
    }
    if (!has_weights()) return failure(static_cast<int>(plan_.steps.size()));
    finish();
    return {};
  }

 private:
  StreamKey key(std::int64_t n, Purpose purpose) const {
    return {.seed = task_.seed,
            .index = static_cast<std::uint64_t>((task_.first + chain_) * N_ + n),
            .purpose = purpose};
  }
  StreamKey chain_key(Purpose purpose) const {
    return {
        .seed = task_.seed, .index = static_cast<std::uint64_t>(task_.first + chain_), .purpose = purpose};
  }
  static long double unit(std::uint64_t U) { return std::ldexp(static_cast<long double>(U), -64); }
  VectorXd normals(NormalStream& stream, std::uint64_t step) const {
    const auto d = static_cast<std::uint64_t>(plan_.dim());
    VectorXd z(plan_.dim());
    for (std::uint64_t j = 0; j < d; ++j) z(static_cast<Index>(j)) = stream(step * d + j);
    return z;
  }

  void start() {
    std::optional<Model> law;
    if (plan_.start.mixture) law.emplace(*plan_.start.mixture);
    for (std::int64_t n = 0; n < N_; ++n) {
      x_.push_back(task_.start != nullptr ? given(n) : drawn(n, law));
      if (plan_.weighting == SmcWeighting::after_moving)
        lw_[static_cast<std::size_t>(n)] = log_factors(plan_.at_start, x_.back());
    }
    if (plan_.map) add_potentials(0, +1.0);
  }

  VectorXd given(std::int64_t n) const {
    VectorXd x(plan_.dim());
    rotate(plan_.V, task_.start + (chain_ * N_ + n) * plan_.dim(), x.data());
    return x;
  }

  /// @param law of the start; empty: the Gaussian of the plan
  VectorXd drawn(std::int64_t n, const std::optional<Model>& law) const {
    NormalStream noise(key(n, Purpose::start_noise), task_.precision);
    const VectorXd z = normals(noise, 0);
    if (!law) return plan_.start.mean + plan_.start.variance.cwiseSqrt().cwiseProduct(z);
    VectorXd x(plan_.dim());
    const Index k = choose_component(law->table(), uniform_u64(key(n, Purpose::start_component), 0));
    component_draw(*law, {1.0, 0.0}, k, z.data(), x.data());
    return x;
  }

  /// One step of §7.3: weighs, resamples and moves. @returns false when no weight is left
  template <class Kernel>
  bool advance(int number, const SmcStep& step, Kernel& kernel) {
    const bool before = plan_.weighting == SmcWeighting::before_moving;
    for (std::size_t n = 0; before && step.is_weighted && n < x_.size(); ++n) {
      lw_[n] += kernel.log_weight(x_[n]) - log_factors(step.divided, x_[n]);
    }
    if (!before || step.is_weighted) {
      if (!has_weights()) return false;
      resample(number);
    }
    if (plan_.map) add_potentials(static_cast<std::size_t>(number), -1.0);
    for (std::size_t n = 0; n < x_.size(); ++n) {
      const auto slot = static_cast<std::int64_t>(n);
      const auto u = categorical_uniform(
          uniform_u64(key(slot, Purpose::transition_component), static_cast<std::uint64_t>(number)),
          task_.precision);
      const VectorXd moved =
          kernel.move(x_[n], normals(step_noise_[n], static_cast<std::uint64_t>(number)), u);
      if (!before) lw_[n] += log_factors(step.at_s, moved) - log_factors(step.divided, x_[n]);
      x_[n] = moved;
    }
    if (plan_.map) add_potentials(static_cast<std::size_t>(number) + 1, +1.0);
    return true;
  }

  /// Adds the logarithms of the potentials of a map at a level to the weights, or subtracts them.
  void add_potentials(std::size_t level, double sign) {
    MapPotential potential(plan_.map->rows, model_, plan_.map->levels[level]);
    for (std::size_t n = 0; n < x_.size(); ++n) lw_[n] += sign * potential.log_value(x_[n]);
  }

  bool has_weights() const {
    return std::none_of(lw_.begin(), lw_.end(), [](double lw) { return std::isnan(lw); }) &&
           std::isfinite(*std::max_element(lw_.begin(), lw_.end()));
  }
  bool all_equal() const {
    return std::all_of(lw_.begin(), lw_.end(), [this](double lw) { return lw == lw_.front(); });
  }

  void resample(int number) {
    const NormalisedWeights weights = normalised(lw_);
    const double ess = effective_sample_size(weights.W);
    smallest_ess_.add(all_equal() ? static_cast<double>(N_) : ess, number);
    const bool resampled = !all_equal() && ess < plan_.ess_threshold * static_cast<double>(N_);
    std::vector<std::uint32_t> ancestors(static_cast<std::size_t>(N_));
    std::iota(ancestors.begin(), ancestors.end(), 0U);
    if (resampled) {
      const auto step = static_cast<std::uint64_t>(number);
      ancestors = reference::ancestors(
          plan_.resampling, weights.W, unit(uniform_u64(chain_key(Purpose::resampling), step)),
          [&](std::int64_t i) { return unit(uniform_u64(key(i, Purpose::resampling), step)); });
    }
    keep_history(number, ess, resampled, weights, ancestors);
    if (!resampled) return;
    log_Z_ += weights.log_sum - std::log(static_cast<double>(N_));
    std::vector<VectorXd> next;
    next.reserve(ancestors.size());
    for (const std::uint32_t a : ancestors) next.push_back(x_[a]);
    x_ = std::move(next);
    std::fill(lw_.begin(), lw_.end(), 0.0);
  }

  void keep_history(int number, double ess, bool resampled, const NormalisedWeights& weights,
                    const std::vector<std::uint32_t>& ancestors) {
    if (task_.ess == nullptr) return;
    const std::vector<int> numbers = plan_.weightings();
    const std::int64_t place =
        chain_ * std::ssize(numbers) + (std::find(numbers.begin(), numbers.end(), number) - numbers.begin());
    task_.ess[place] = ess;
    task_.resampled[place] = resampled ? 1 : 0;
    for (std::size_t n = 0; n < lw_.size(); ++n) {
      task_.weight_history[place * N_ + static_cast<std::int64_t>(n)] = lw_[n] - weights.log_sum;
      task_.ancestors[place * N_ + static_cast<std::int64_t>(n)] = ancestors[n];
    }
  }

  void finish() {
    const NormalisedWeights weights = normalised(lw_);
    smallest_ess_.add(all_equal() ? static_cast<double>(N_) : effective_sample_size(weights.W),
                      static_cast<int>(plan_.steps.size()) - 1);
    task_.smallest_ess[chain_] = smallest_ess_.ess;
    task_.smallest_ess_step[chain_] = smallest_ess_.step;
    task_.log_evidence[chain_] = log_Z_ + weights.log_sum - std::log(static_cast<double>(N_));
    for (std::int64_t n = 0; task_.log_weights != nullptr && n < N_; ++n) {
      task_.log_weights[chain_ * N_ + n] = lw_[static_cast<std::size_t>(n)] - weights.log_sum;
    }
    if (plan_.output == SmcOutput::draw) {
      write(x_[choose(weights.W, unit(uniform_u64(chain_key(Purpose::final_choice), 0)))], chain_);
    }
  }
  /// Writes the states of a level if it is kept.
  void keep(int level) const {
    const auto place = std::lower_bound(task_.kept.begin(), task_.kept.end(), level);
    if (plan_.output == SmcOutput::draw || place == task_.kept.end() || *place != level) return;
    const std::int64_t first = (chain_ * std::ssize(task_.kept) + (place - task_.kept.begin())) * N_;
    for (std::int64_t n = 0; n < N_; ++n) write(x_[static_cast<std::size_t>(n)], first + n);
  }
  void write(const VectorXd& x, std::int64_t row) const {
    std::visit(
        [&]<class Scalar>(Scalar* out) {
          for (Index i = 0; i < x.size(); ++i) out[row * x.size() + i] = static_cast<Scalar>(x(i));
        },
        task_.out);
  }

  ChainFailure failure(int step) const {
    const bool zero = std::all_of(lw_.begin(), lw_.end(),
                                  [](double lw) { return lw == -std::numeric_limits<double>::infinity(); });
    return {.chain = chain_, .step = step, .all_weights_zero = zero};
  }

  const SmcTask& task_;
  const SmcPlan& plan_;
  std::int64_t chain_;
  std::int64_t N_;
  Model model_;
  std::vector<VectorXd> x_;  // (N)
  std::vector<double> lw_;   // (N)
  std::vector<NormalStream> step_noise_;
  double log_Z_ = 0.0;
  SmallestEss smallest_ess_{static_cast<double>(N_)};
};

}  // namespace

std::size_t chain_bytes(const SmcPlan& plan) {
  constexpr std::size_t allocation = 2 * sizeof(void*);  // bytes that the system adds to each allocation
  const std::size_t state =
      sizeof(VectorXd) + static_cast<std::size_t>(plan.dim()) * sizeof(double) + allocation;
  const std::size_t weight = 2 * sizeof(double) + sizeof(long double) + sizeof(std::uint32_t);
  // Resampling creates new states beside the old ones.
  return static_cast<std::size_t>(plan.particles) * (2 * state + weight + sizeof(NormalStream));
}

ChainFailure run_chain(const SmcTask& task, std::int64_t chain) { return Chain(task, chain).run(); }

}  // namespace gmdiff::reference
