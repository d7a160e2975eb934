#include "plan/potentials.hpp"

#include <algorithm>
#include <limits>

#include "base/extended.hpp"

namespace gmdiff {
namespace {

// Relative difference of n below which a grid level counts as tau_i.
constexpr long double same_level = 1e-12L;

/// The last step weights coordinate i by a factor of variance nu^2 + v_{s,i}. If that is below this share of
/// the noise of the level before, few particles keep a weight.
constexpr long double narrow_share = 0.25L;

long double noise_to_signal(const GridLevel& level) { return level.sigma / level.alpha; }

}  // namespace

Potentials::Potentials(const RotatedObservation& observation, const ForwardProcess& process,
                       const TimeGrid& grid, const double* kappa)
    : kappa_(kappa == nullptr ? 0.0 : *kappa), levels_(grid.levels()) {
  const long double first = noise_to_signal(levels_.front()), last = noise_to_signal(levels_.back());
  const auto pinned = [&](long double n) {
    return kappa != nullptr && n > 0.0L && n <= first && n >= last && !is_narrow(n);
  };
  for (const double n : observation.n) {
    if (pinned(n)) insert(n, process);
  }
  for (Eigen::Index i = 0; i < observation.y.size(); ++i) {
    const long double n = observation.n(i);
    coordinates_.push_back(
        {observation.y(i), n, pinned(n), pinned(n) ? insert(n, process) : levels_.size() - 1});
  }
}

/// Whether a factor of noise n at the end is narrow beside the level before: n_t^2 bounds the variance of x_0
/// given x_t that a DDIM step leaves out, and n_s^2 its nu^2 (both in units of the data).
bool Potentials::is_narrow(long double n) const {
  if (levels_.size() < 2) return false;
  const long double n_t = noise_to_signal(levels_[levels_.size() - 2]), n_s = noise_to_signal(levels_.back());
  return 2.0L * n_s * n_s + n * n < narrow_share * n_t * n_t;
}

Potentials::End Potentials::end() const {
  const std::size_t last = levels_.size() - 1;
  End end = End::wide;
  for (const Coordinate& coordinate : coordinates_) {
    if (!is_active(coordinate, last) || !is_narrow(coordinate.n)) continue;
    if (coordinate.n == 0.0L && levels_[last].sigma == 0.0L) return End::exact;
    end = End::nearly_exact;
  }
  return end;
}

/// Index of the level with sigma / alpha = n, which is inserted if the grid does not have it.
std::size_t Potentials::insert(long double n, const ForwardProcess& process) {
  const auto place = std::find_if(levels_.begin(), levels_.end(), [&](const GridLevel& level) {
    return noise_to_signal(level) <= n * (1.0L + same_level);
  });
  const auto number = static_cast<std::size_t>(place - levels_.begin());
  if (place != levels_.end() && noise_to_signal(*place) >= n * (1.0L - same_level)) return number;
  const ProcessValues at = process.values_at_noise_to_signal(n);
  levels_.insert(
      place,
      {.t = static_cast<double>(process.time_of_noise_to_signal(n)), .alpha = at.alpha, .sigma = at.sigma});
  return number;
}

/// v_{s,i}
long double Potentials::variance(const Coordinate& coordinate, std::size_t l) const {
  const GridLevel& s = levels_[l];
  if (!coordinate.is_pinned) return s.sigma * s.sigma + s.alpha * s.alpha * coordinate.n * coordinate.n;
  const GridLevel& tau = levels_[coordinate.tau];
  if (l == coordinate.tau) return kappa_;
  // alpha_s^2 (n_s - n_i)(n_s + n_i) without dividing by alpha_s, which may be 0
  const long double ratio = s.alpha / tau.alpha;
  return (s.sigma - ratio * tau.sigma) * (s.sigma + ratio * tau.sigma) + kappa_ * ratio * ratio;
}

Potential Potentials::potential(std::size_t l, std::size_t active_at) const {
  Potential g{Eigen::VectorXd(num_observed()), Eigen::VectorXd(num_observed())};
  for (std::size_t i = 0; i < coordinates_.size(); ++i) {
    const Coordinate& coordinate = coordinates_[i];
    const auto place = static_cast<Eigen::Index>(i);
    g.centre(place) = static_cast<double>(levels_[l].alpha * coordinate.y);
    g.variance(place) = is_active(coordinate, active_at) ? static_cast<double>(variance(coordinate, l))
                                                         : std::numeric_limits<double>::infinity();
  }
  return g;
}

Potential Potentials::at(std::size_t l) const { return potential(l, l); }
Potential Potentials::divided(std::size_t l) const { return potential(l, l + 1); }

long double Potentials::log_constant() const {
  long double sum = 0.0L;
  for (const Coordinate& coordinate : coordinates_) {
    if (coordinate.is_pinned) sum += extended::log(levels_[coordinate.tau].alpha);
  }
  return sum;
}

}  // namespace gmdiff
