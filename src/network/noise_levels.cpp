#include "network/noise_levels.hpp"

#include <gmdiff/model/mixture.hpp>

#include "particle/elementary.hpp"

namespace gmdiff::network {

namespace {

using Number = particle::One<double>;

}  // namespace

NoiseLevels::NoiseLevels(const NoiseLadder& ladder, const NoiseLaw& law) {
  const auto count = static_cast<std::size_t>(ladder.count);
  const double lowest = particle::log(Number(ladder.n_min)).v;
  const double range = particle::log(Number(ladder.n_max)).v - lowest;
  const auto part = [&](double l) { return l / static_cast<double>(count); };
  n_.reserve(count);
  for (std::size_t l = 0; l < count; ++l)
    n_.push_back(particle::exp(Number(lowest + range * part(static_cast<double>(l) + 0.5))).v);
  // Level l holds lowest + range [l, l + 1) / L; the first and the last also hold all beyond the ladder.
  Eigen::VectorXd below(ladder.count - 1);
  for (Eigen::Index l = 1; l < ladder.count; ++l)
    below(l - 1) = law.uniform ? part(static_cast<double>(l)) : lowest + range * part(static_cast<double>(l));
  if (!law.uniform) {
    const Mixture of_log_n({1.0}, Points::Constant(1, 1, law.mean),
                           Covariance::spherical({law.deviation * law.deviation}));
    below = of_log_n.cdf(below);
  }
  below_.assign(below.begin(), below.end());
}

std::vector<int> NoiseLevels::of_batch(Eigen::Index batch, double u) const {
  std::vector<int> levels;
  levels.reserve(static_cast<std::size_t>(batch));
  std::size_t level = 0;
  for (Eigen::Index i = 0; i < batch; ++i) {
    const double quantile = (static_cast<double>(i) + u) / static_cast<double>(batch);
    while (level < below_.size() && below_[level] <= quantile) ++level;
    levels.push_back(static_cast<int>(level));
  }
  return levels;
}

}  // namespace gmdiff::network
