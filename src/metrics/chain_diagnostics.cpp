#include <gmdiff/metrics/chain_diagnostics.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <vector>

#include "base/check.hpp"

// All matrices have a column for each chain.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

void check_draws(const char* where, const MatrixXd& draws, Index least) {
  require(draws.cols() >= 1, where, ": expected one chain or more, given 0");
  require(draws.rows() >= least, where, ": expected ", least, " draws or more in each chain, given ",
          draws.rows());
  for (Index c = 0; c < draws.cols(); ++c) {
    for (Index i = 0; i < draws.rows(); ++i)
      require(std::isfinite(draws(i, c)), where, ": draw ", i, " of chain ", c, " is not finite");
  }
}

/// Variance of n numbers, with the divisor n - 1.
double sample_variance(const Eigen::Ref<const VectorXd>& x) {
  return (x.array() - x.mean()).square().sum() / static_cast<double>(x.size() - 1);
}

VectorXd chain_means(const MatrixXd& x) { return x.colwise().mean().transpose(); }

// ----- rearranged draws

/// First and last floor(n / 2) draws of each chain, as chains.
MatrixXd halves(const MatrixXd& draws) {
  const Index half = draws.rows() / 2;
  MatrixXd result(half, 2 * draws.cols());
  for (Index c = 0; c < draws.cols(); ++c) {
    result.col(2 * c) = draws.col(c).head(half);
    result.col(2 * c + 1) = draws.col(c).tail(half);
  }
  return result;
}

/// Quantile by linear interpolation between the order statistics.
double interpolated_quantile(const MatrixXd& x, double share) {
  std::vector<double> values(x.data(), x.data() + x.size());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(place);
  const auto at = values.begin() + below;
  std::nth_element(values.begin(), at, values.end());
  const double above = at + 1 == values.end() ? *at : *std::min_element(at + 1, values.end());
  return std::lerp(*at, above, place - static_cast<double>(below));
}

/// z with Phi(z) = u <= 1/2, by Halley's method from a z nearby: with f = Phi(z) - u it is f'' / f' = -z.
double normal_quantile(double u, double z) {
  constexpr int most_steps = 60;
  for (int n = 0; n < most_steps; ++n) {
    const double density = std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    const double newton = (0.5 * std::erfc(-z / std::numbers::sqrt2) - u) / density;
    const double step = newton / (1.0 + 0.5 * z * newton);
    z -= step;
    if (std::abs(step) <= 1e-15 * (1.0 + std::abs(z))) break;
  }
  return z;
}

/// Phi^-1((r - 3/8) / (S + 1/4)) in place of each of the S draws, where r is its rank; equal draws have their
/// mean rank.
MatrixXd rank_normalised(const MatrixXd& x) {
  std::vector<Index> order(static_cast<std::size_t>(x.size()));
  std::iota(order.begin(), order.end(), Index{0});
  const double* const values = x.data();
  std::ranges::sort(order, {}, [values](Index i) { return values[i]; });
  MatrixXd z(x.rows(), x.cols());
  const auto count = static_cast<double>(x.size());
  double lower = 0.0;  // the quantile before, in the lower half
  for (std::size_t below = 0; below < order.size();) {
    std::size_t up_to = below + 1;
    while (up_to < order.size() && values[order[up_to]] == values[order[below]]) ++up_to;
    const double rank = 0.5 * static_cast<double>(below + up_to + 1);
    // The upper half mirrors the lower one, whose tail erfc resolves.
    const double mirrored = count + 1.0 - rank;
    lower = normal_quantile((std::min(rank, mirrored) - 0.375) / (count + 0.25), lower);
    for (; below < up_to; ++below) z.data()[order[below]] = rank > mirrored ? -lower : lower;
  }
  return z;
}

// ----- R-hat and effective sample size

/// sqrt((B / W + n - 1) / n) with the variance of the chains' means and the mean of their variances.
double r_hat(const MatrixXd& x) {
  const auto n = static_cast<double>(x.rows());
  double within = 0.0;
  for (Index c = 0; c < x.cols(); ++c) within += sample_variance(x.col(c));
  within /= static_cast<double>(x.cols());
  const double between = n * sample_variance(chain_means(x));
  return std::sqrt((between / within + n - 1.0) / n);
}

/// Autocorrelations of several chains, combined.
class Autocorrelations {
 public:
  explicit Autocorrelations(const MatrixXd& x)
      : centred_(x.rowwise() - x.colwise().mean()), at_zero_(covariance(0)) {
    const auto n = static_cast<double>(x.rows());
    within_ = at_zero_ * n / (n - 1.0);
    total_ = at_zero_ + (x.cols() > 1 ? sample_variance(chain_means(x)) : 0.0);
  }

  double operator()(Index lag) const { return lag == 0 ? 1.0 : 1.0 - (within_ - covariance(lag)) / total_; }
  /// rho_2k + rho_(2k + 1), positive for a reversible chain.
  double pair(Index k) const { return (*this)(2 * k) + (*this)(2 * k + 1); }

 private:
  /// Mean over the chains of (1 / n) sum_i a_i a_(i + lag), centred.
  double covariance(Index lag) const {
    const Index n = centred_.rows() - lag;
    return (centred_.topRows(n).array() * centred_.bottomRows(n).array()).sum() /
           static_cast<double>(centred_.size());
  }

  MatrixXd centred_;
  double at_zero_, within_ = 0.0, total_ = 0.0;
};

/// Sum of the autocorrelations at all lags, from minus to plus infinity, by Geyer's initial monotone sequence
/// of pairs.
double autocorrelation_time(const MatrixXd& x) {
  const Autocorrelations rho(x);
  const Index n = x.rows();
  double sum = 0.0;
  double last = rho.pair(0);
  Index k = 0;
  double bound = last;
  for (Index next = 1; last > 0.0 && 2 * next - 1 < n - 3; ++next) {
    // Pair k is not the last one.
    bound = std::min(bound, last);
    sum += bound;
    k = next;
    last = rho.pair(next);
  }
  const double even = rho(2 * k);
  const double tail = even > 0.0 || last >= 0.0 ? even : 0.0;
  return 2.0 * sum - 1.0 + tail;
}

double effective_size(const MatrixXd& x) {
  const auto size = static_cast<double>(x.size());
  if ((x.array() == x(0, 0)).all()) return size;
  return size / std::max(autocorrelation_time(x), 1.0 / std::log10(size));
}

/// Effective sample size of the share of draws up to a quantile.
double quantile_size(const MatrixXd& draws, double share) {
  const double quantile = interpolated_quantile(draws, share);
  return effective_size(halves((draws.array() <= quantile).cast<double>().matrix()));
}

}  // namespace

ChainDiagnostics chain_diagnostics(const MatrixXd& draws) {
  check_draws("chain_diagnostics", draws, 4);
  const MatrixXd split = halves(draws);
  const MatrixXd bulk = rank_normalised(split);
  const double median = interpolated_quantile(split, 0.5);
  const MatrixXd folded = rank_normalised((split.array() - median).abs().matrix());
  const Eigen::Map<const VectorXd> all(draws.data(), draws.size());
  const double sd = std::sqrt(sample_variance(all));
  const double ess_mean = effective_size(split);
  return {.mean = all.mean(),
          .sd = sd,
          .rhat = std::max(r_hat(bulk), r_hat(folded)),
          .rhat_split = r_hat(split),
          .ess_bulk = effective_size(bulk),
          .ess_tail = std::min(quantile_size(draws, 0.05), quantile_size(draws, 0.95)),
          .ess_mean = ess_mean,
          .mcse = sd / std::sqrt(ess_mean)};
}

double nested_rhat(const MatrixXd& draws, Index superchains) {
  check_draws("nested_rhat", draws, 1);
  require(superchains >= 2, "nested_rhat: expected 2 superchains or more, given ", superchains);
  const Index chains = draws.cols() / superchains;
  require(chains >= 2 && chains * superchains == draws.cols(), "nested_rhat: ", draws.cols(),
          " chains cannot be ", superchains, " groups of equal size, 2 or more");
  const VectorXd means = chain_means(draws);
  VectorXd group_means(superchains);
  double within = 0.0;
  for (Index g = 0; g < superchains; ++g) {
    const auto group = means.segment(g * chains, chains);
    group_means(g) = group.mean();
    within += sample_variance(group);
    if (draws.rows() == 1) continue;
    for (Index c = 0; c < chains; ++c)
      within += sample_variance(draws.col(g * chains + c)) / static_cast<double>(chains);
  }
  within /= static_cast<double>(superchains);
  return std::sqrt(1.0 + sample_variance(group_means) / within);
}

MeanEstimate batch_means(const VectorXd& draws, Index batches) {
  check_draws("batch_means", draws, 1);
  require(batches >= 2 && batches <= draws.size(), "batch_means: batches must be in [2, ", draws.size(),
          "], the number of draws, given ", batches);
  const Index size = draws.size() / batches;
  VectorXd means(batches);
  for (Index b = 0; b < batches; ++b)
    means(b) = draws.segment(draws.size() - (batches - b) * size, size).mean();
  return {.mean = draws.mean(), .mcse = std::sqrt(sample_variance(means) / static_cast<double>(batches))};
}

}  // namespace gmdiff
