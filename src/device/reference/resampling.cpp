#include "device/reference/resampling.hpp"

#include <algorithm>
#include <cmath>

namespace gmdiff::reference {
namespace {

/// Inclusive sums divided by the last one.
std::vector<long double> cumulative(const std::vector<double>& W) {
  std::vector<long double> sums;
  sums.reserve(W.size());
  long double sum = 0.0L;
  for (const double w : W) sums.push_back(sum += static_cast<long double>(w));
  for (long double& c : sums) c /= sum;
  return sums;
}

/// Smallest j with c_j > u.
std::uint32_t first_above(const std::vector<long double>& c, long double u) {
  const auto place = std::upper_bound(c.begin(), c.end(), u);
  return static_cast<std::uint32_t>(std::min(place - c.begin(), std::ssize(c) - 1));
}

}  // namespace

NormalisedWeights normalised(const std::vector<double>& log_weights) {
  const double largest = *std::max_element(log_weights.begin(), log_weights.end());
  long double sum = 0.0L;
  std::vector<double> W;
  for (const double lw : log_weights) {
    W.push_back(std::exp(lw - largest));
    sum += static_cast<long double>(W.back());
  }
  for (double& w : W) w = static_cast<double>(w / sum);
  return {std::move(W), largest + static_cast<double>(std::log(sum))};
}

double effective_sample_size(const std::vector<double>& W) {
  long double sum = 0.0L, squares = 0.0L;
  for (const double w : W) {
    sum += static_cast<long double>(w);
    squares += static_cast<long double>(w) * w;
  }
  return static_cast<double>(sum * sum / squares);
}

std::uint32_t choose(const std::vector<double>& W, long double u) { return first_above(cumulative(W), u); }

std::vector<std::uint32_t> ancestors(Resampling scheme, const std::vector<double>& W, long double common,
                                     const std::function<long double(std::int64_t)>& own) {
  const std::int64_t N = std::ssize(W);
  const auto size = static_cast<long double>(N);
  std::vector<std::uint32_t> chosen;
  if (scheme != Resampling::residual) {
    const std::vector<long double> c = cumulative(W);
    for (std::int64_t i = 0; i < N; ++i) {
      const long double u = scheme == Resampling::systematic ? common : own(i);
      chosen.push_back(
          first_above(c, scheme == Resampling::multinomial ? u : (static_cast<long double>(i) + u) / size));
    }
    return chosen;
  }
  std::vector<double> rests;
  for (std::int64_t j = 0; j < N; ++j) {
    const double expected = static_cast<double>(N) * W[static_cast<std::size_t>(j)];
    const double copies = std::floor(expected);
    chosen.insert(chosen.end(), static_cast<std::size_t>(copies), static_cast<std::uint32_t>(j));
    rests.push_back(expected - copies);
  }
  if (std::ssize(chosen) == N) return chosen;
  const std::vector<long double> c = cumulative(rests);
  for (std::int64_t i = 0; std::ssize(chosen) < N; ++i) chosen.push_back(first_above(c, own(i)));
  return chosen;
}

}  // namespace gmdiff::reference
