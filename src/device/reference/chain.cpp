#include "device/reference/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "base/random.hpp"
#include "device/reference/chain_kernels.hpp"
#include "device/reference/guidance.hpp"
#include "device/reference/resampling.hpp"
#include "device/rotation.hpp"
#include "device/smallest_ess.hpp"

namespace gmdiff::reference {
namespace {

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
            std::conditional_t<std::is_same_v<Move, AffineStep>, DdimKernel, ExactKernel> kernel(
                move, tilt, model_, plan_);
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
    if (plan_.map) add_potentials(0);
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
    if (before) kernel.prepare(x_);
    for (std::size_t n = 0; before && step.is_weighted && n < x_.size(); ++n) {
      lw_[n] += kernel.log_weight(n, x_[n]) - log_factors(step.divided, x_[n]);
    }
    bool resampled = false;
    if (!before || step.is_weighted) {
      if (!has_weights()) return false;
      resampled = resample(number);
    }
    if (!before || resampled) kernel.prepare(x_);
    for (std::size_t n = 0; n < potentials_.size(); ++n) lw_[n] -= potentials_[n];
    for (std::size_t n = 0; n < x_.size(); ++n) {
      const auto slot = static_cast<std::int64_t>(n);
      const auto u = categorical_uniform(
          uniform_u64(key(slot, Purpose::transition_component), static_cast<std::uint64_t>(number)),
          task_.precision);
      const VectorXd moved =
          kernel.move(n, x_[n], normals(step_noise_[n], static_cast<std::uint64_t>(number)), u);
      if (!before) lw_[n] += log_factors(step.at_s, moved) - log_factors(step.divided, x_[n]);
      x_[n] = moved;
    }
    if (plan_.map) add_potentials(static_cast<std::size_t>(number) + 1);
    return true;
  }

  /// Adds the logarithms of the potentials of a map at a level to the weights.
  void add_potentials(std::size_t level) {
    MapPotential potential(*plan_.map, model_, level);
    Points denoised;
    if (plan_.denoiser && plan_.map->levels[level].sigma > 0.0) {
      denoised = rows_of(x_);
      denoise_rotated(*plan_.denoiser, plan_.V, plan_.map->levels[level], denoised);
    }
    potentials_.resize(x_.size());
    for (std::size_t n = 0; n < x_.size(); ++n) {
      const VectorXd D =
          denoised.size() > 0 ? VectorXd(denoised.row(static_cast<Index>(n)).transpose()) : VectorXd();
      potentials_[n] = potential.log_value(x_[n], D.size() > 0 ? &D : nullptr);
      lw_[n] += potentials_[n];
    }
  }

  bool has_weights() const {
    return std::none_of(lw_.begin(), lw_.end(), [](double lw) { return std::isnan(lw); }) &&
           std::isfinite(*std::max_element(lw_.begin(), lw_.end()));
  }
  bool all_equal() const {
    return std::all_of(lw_.begin(), lw_.end(), [this](double lw) { return lw == lw_.front(); });
  }

  /// @returns whether it resampled
  bool resample(int number) {
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
    if (!resampled) return false;
    log_Z_ += weights.log_sum - std::log(static_cast<double>(N_));
    std::vector<VectorXd> next;
    next.reserve(ancestors.size());
    for (const std::uint32_t a : ancestors) next.push_back(x_[a]);
    x_ = std::move(next);
    const std::vector<double> before = potentials_;
    for (std::size_t n = 0; n < before.size(); ++n) potentials_[n] = before[ancestors[n]];
    std::fill(lw_.begin(), lw_.end(), 0.0);
    return true;
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
  std::vector<VectorXd> x_;         // (N)
  std::vector<double> lw_;          // (N)
  std::vector<double> potentials_;  // (N) logarithms of those of a map at the states; none without a map
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
