#include "network/paths/candidate_chains.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "network/paths/scalar_functions.hpp"

namespace gmdiff::network {

namespace {

/// The acceptance at which the Langevin proposal mixes best (Roberts & Rosenthal 1998).
constexpr double best_acceptance = 0.574;

/// In place of the probability of a chain whose state has no finite density or gradient.
constexpr double no_acceptance = -1.0;

Eigen::Index num_blocks(Eigen::Index chains) { return (chains + block_paths - 1) / block_paths; }

/// h = init_std^2 d^(-1/3): the square of the width of a mode, smaller in high dimension as the best step is.
double first_step(const SamplerSettings& settings, Eigen::Index dim) {
  return settings.init_std * settings.init_std * exp_of(-log_of(static_cast<double>(dim)) / 3.0);
}

}  // namespace

CandidateChains::CandidateChains(const SamplerSettings& settings, const Target& target, ThreadPool& pool)
    : CandidateChains(first_step(settings, target.dim()), settings, target, pool,
                      Points(settings.chains, target.dim())) {
  const double std = settings.support_std == 0.0 ? settings.init_std : settings.support_std;
  for (Eigen::Index first = 0; first < x_.rows(); first += block_paths) {
    const std::vector<double> z = normals(0, first);
    const Eigen::Index end = std::min<Eigen::Index>(first + block_paths, x_.rows());
    for (Eigen::Index c = first; c < end; ++c) {
      for (Eigen::Index j = 0; j < x_.cols(); ++j)
        x_(c, j) = std * z[static_cast<std::size_t>(j * block_paths + c - first)];
    }
  }
  evaluate();
}

CandidateChains::CandidateChains(const SamplerSettings& settings, const Target& target, ThreadPool& pool,
                                 Points x, double h)
    : CandidateChains(h, settings, target, pool, std::move(x)) {
  evaluate();
}

CandidateChains::CandidateChains(double h, const SamplerSettings& settings, const Target& target,
                                 ThreadPool& pool, Points x)
    : settings_(settings),
      target_(target),
      pool_(pool),
      unit_(path_unit(cpu::chosen_instruction_set())),
      x_(std::move(x)),
      h_(h),
      l_(x_.rows()),
      gradient_(x_.rows(), x_.cols()),
      accepted_(Eigen::VectorXd::Zero(x_.rows())) {}

void CandidateChains::evaluate() {
  pool_.run(num_blocks(x_.rows()), [&](int /*thread*/, std::int64_t number) {
    const Eigen::Index first = number * block_paths;
    const Eigen::Index count = std::min<Eigen::Index>(block_paths, x_.rows() - first);
    Eigen::VectorXd l;
    Points gradient;
    target_.evaluate(x_.middleRows(first, count), l, gradient);
    l_.segment(first, count) = l;
    gradient_.middleRows(first, count) = gradient;
  });
}

/// d normals of a block of chains, shape (d, block_paths).
std::vector<double> CandidateChains::normals(std::uint64_t first_normal, Eigen::Index first_chain) const {
  std::vector<double> z(static_cast<std::size_t>(x_.cols() * block_paths));
  unit_.normals({.seed = settings_.seed,
                 .purpose = Purpose::candidate,
                 .replicate = 0,
                 .first_path = static_cast<std::uint64_t>(first_chain),
                 .first_normal = first_normal,
                 .count = x_.cols()},
                z.data());
  return z;
}

bool CandidateChains::accepts(std::int64_t move, Eigen::Index chain, double log_ratio) const {
  const StreamKey key{.seed = settings_.seed,
                      .index = static_cast<std::uint64_t>(chain),
                      .purpose = Purpose::accept,
                      .replicate = 0};
  const std::uint64_t U = uniform_u64(key, static_cast<std::uint64_t>(move));
  return log_of(open_uniform(U)) < log_ratio;
}

/// x' = x + (h/2) g(x) + sqrt(h) z
/// log ratio = l(x') - l(x) - <q, z> - |q|^2 / 2,   q = (sqrt(h)/2) (g(x) + g(x'))
void CandidateChains::move_block(std::int64_t move, Eigen::Index first) {
  const Eigen::Index count = std::min<Eigen::Index>(block_paths, x_.rows() - first), d = x_.cols();
  const std::vector<double> z = normals(static_cast<std::uint64_t>((move + 1) * d), first);
  const auto noise = [&](Eigen::Index i, Eigen::Index j) {
    return z[static_cast<std::size_t>(j * block_paths + i)];
  };
  const double root = std::sqrt(h_);
  Points to(count, d), gradient;
  Eigen::VectorXd l;
  for (Eigen::Index i = 0; i < count; ++i) {
    for (Eigen::Index j = 0; j < d; ++j)
      to(i, j) = x_(first + i, j) + (0.5 * h_) * gradient_(first + i, j) + root * noise(i, j);
  }
  target_.evaluate(to, l, gradient);
  for (Eigen::Index i = 0; i < count; ++i) {
    const bool had_density = std::isfinite(l_(first + i)) && gradient_.row(first + i).allFinite();
    double log_ratio = l(i) - l_(first + i);
    for (Eigen::Index j = 0; j < d; ++j) {
      const double q = 0.5 * root * (gradient_(first + i, j) + gradient(i, j));
      log_ratio -= q * noise(i, j) + 0.5 * (q * q);
    }
    const bool is_finite = std::isfinite(l(i)) && gradient.row(i).allFinite() && !std::isnan(log_ratio);
    accepted_(first + i) = !had_density       ? no_acceptance
                           : !is_finite       ? 0.0
                           : log_ratio >= 0.0 ? 1.0
                                              : exp_of(log_ratio);
    if (!is_finite || !accepts(move, first + i, log_ratio)) continue;
    x_.row(first + i) = to.row(i);
    l_(first + i) = l(i);
    gradient_.row(first + i) = gradient.row(i);
  }
}

void CandidateChains::move(std::int64_t first, std::int64_t count) {
  for (std::int64_t number = first; number < first + count; ++number) {
    pool_.run(num_blocks(x_.rows()),
              [&](int /*thread*/, std::int64_t block) { move_block(number, block * block_paths); });
    adapt_step();
  }
}

/// Chains outside the support say nothing about h: their moves are rejected for every h.
void CandidateChains::adapt_step() {
  double sum = 0.0, count = 0.0;
  for (const double probability : accepted_) {
    if (probability == no_acceptance) continue;
    sum += probability;
    count += 1.0;
  }
  if (count > 0.0) h_ *= exp_of(0.1 * (sum / count - best_acceptance));
}

}  // namespace gmdiff::network
