#include "plan/multistep.hpp"

#include <array>
#include <cmath>

#include "base/extended.hpp"

namespace gmdiff::coefficients {

namespace {

using Polynomial = std::array<long double, 4>;  ///< coefficients from degree 0 up

/// int_0^1 h exp(h (u - 1)) u^j du for j = 0 ... 3. The recursion loses digits at small h, where the series
/// needs few terms.
Polynomial moments(long double h) {
  Polynomial result{};
  if (h >= 1.0L) {
    result[0] = -extended::expm1(-h);
    for (std::size_t j = 1; j < result.size(); ++j)
      result[j] = 1.0L - static_cast<long double>(j) / h * result[j - 1];
    return result;
  }
  constexpr int num_terms = 24;  // 1 / 24! < 2^-64
  long double term = h * extended::exp(-h);
  for (int k = 0; k < num_terms; ++k) {
    for (std::size_t j = 0; j < result.size(); ++j)
      result[j] += term / (static_cast<long double>(j) + static_cast<long double>(k) + 1.0L);
    term *= h / static_cast<long double>(k + 1);
  }
  return result;
}

/// The polynomial of degree nodes.size() - 1 that is 1 at nodes[j] and 0 at the others.
Polynomial lagrange(std::span<const long double> nodes, std::size_t j) {
  Polynomial product{1.0L};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i == j) continue;
    const long double scale = 1.0L / (nodes[j] - nodes[i]);
    for (std::size_t k = product.size() - 1; k > 0; --k)
      product[k] = scale * (product[k - 1] - nodes[i] * product[k]);
    product[0] *= -scale * nodes[i];
  }
  return product;
}

/// Weights of D at one to three nodes, of which the first is at t. With two nodes they are the row of
/// `dpmpp-2m`.
std::vector<long double> predictor(long double h, std::span<const long double> nodes) {
  if (nodes.size() > 2) return exponential_quadrature(h, nodes);
  const long double E = -extended::expm1(-h);
  if (nodes.size() == 1) return {E};
  const long double slope = 0.5L * E / -nodes[1];
  return {E + slope, -slope};
}

/// Weights of D at s and then at the same nodes. With one node they are the paper's simplified system for
/// B(h) = exp(-h) - 1.
std::vector<long double> corrector(long double h, std::vector<long double> nodes) {
  if (nodes.size() == 1) {
    const long double half = -0.5L * extended::expm1(-h);
    return {half, half};
  }
  nodes.insert(nodes.begin(), 1.0L);
  return exponential_quadrature(h, nodes);
}

/// to <- sigma_s / sigma_t x + alpha_s sum_j weights_j D_j.
Combine update(const LevelValues& t, const LevelValues& s, int to, const std::vector<int>& denoisers,
               const std::vector<long double>& weights) {
  Combine combine{.to = to, .terms = {{.vector = 0, .factor = static_cast<double>(s.sigma / t.sigma)}}};
  for (std::size_t j = 0; j < denoisers.size(); ++j)
    combine.terms.push_back({.vector = denoisers[j], .factor = static_cast<double>(s.alpha * weights[j])});
  return combine;
}

/// x <- alpha_s D, the limit at sigma_s = 0.
Combine denoised(const LevelValues& s, int denoiser) {
  return {.to = 0, .terms = {{.vector = denoiser, .factor = static_cast<double>(s.alpha)}}};
}

}  // namespace

std::vector<long double> exponential_quadrature(long double h, std::span<const long double> nodes) {
  const Polynomial integrals = moments(h);
  std::vector<long double> weights;
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    const Polynomial basis = lagrange(nodes, j);
    long double weight = 0.0L;
    for (std::size_t k = 0; k < nodes.size(); ++k) weight += basis[k] * integrals[k];
    weights.push_back(weight);
  }
  return weights;
}

int DenoiserHistory::add(const LevelValues& level) {
  last_vector_ = last_vector_ % capacity_ + 1;
  values_.push_front({level.lambda(), last_vector_});
  if (static_cast<int>(values_.size()) > capacity_) values_.pop_back();
  return last_vector_;
}

std::vector<int> DenoiserHistory::vectors(std::size_t most) const {
  std::vector<int> result;
  for (const Value& value : values_)
    if (result.size() < most) result.push_back(value.vector);
  return result;
}

std::vector<long double> DenoiserHistory::nodes(const LevelValues& t, const LevelValues& s,
                                                std::size_t most) const {
  std::vector<long double> result;
  for (const Value& value : values_)
    if (result.size() < most) result.push_back((value.lambda - t.lambda()) / log_snr_step(t, s));
  return result;
}

Program Dpmpp3mSteps::step(const LevelValues& t, const LevelValues& s) {
  Program program;
  const int denoiser = history_.add(t);
  program.stages.emplace_back(Evaluate{.level = t.rounded(), .from = 0, .to = denoiser});
  if (s.sigma == 0.0L) {
    program.stages.emplace_back(denoised(s, denoiser));
    return program;
  }
  const std::vector<long double> weights = predictor(log_snr_step(t, s), history_.nodes(t, s, 3));
  program.stages.emplace_back(update(t, s, 0, history_.vectors(3), weights));
  if (t.alpha == 0.0L) history_.clear();
  return program;
}

Program Unipc3Steps::step(const LevelValues& t, const LevelValues& s, bool is_last) {
  Program program;
  if (history_.empty())
    program.stages.emplace_back(Evaluate{.level = t.rounded(), .from = 0, .to = history_.add(t)});
  if (s.sigma == 0.0L) {
    program.stages.emplace_back(denoised(s, history_.newest()));
    return program;
  }
  const long double h = log_snr_step(t, s);
  const std::vector<long double> nodes = history_.nodes(t, s, 3);
  std::vector<int> denoisers = history_.vectors(3);
  const bool corrects = !is_last && t.alpha != 0.0L;
  program.stages.emplace_back(update(t, s, corrects ? predicted_point : 0, denoisers, predictor(h, nodes)));
  if (corrects) {
    denoisers.insert(denoisers.begin(), history_.add(s));
    program.stages.emplace_back(
        Evaluate{.level = s.rounded(), .from = predicted_point, .to = denoisers.front()});
    program.stages.emplace_back(update(t, s, 0, denoisers, corrector(h, nodes)));
  }
  if (t.alpha == 0.0L) history_.clear();
  return program;
}

}  // namespace gmdiff::coefficients
