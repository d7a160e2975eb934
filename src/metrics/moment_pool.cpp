#include <cmath>
#include <limits>

#include <gmdiff/metrics/chain_diagnostics.hpp>

#include "base/check.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::Map;
using Eigen::VectorXd;

constexpr Index num_batches = ChainMoments::batches;

/// Squared standard error of a chain's mean: the sample variance of the batch means / 16.
VectorXd squared_batch_error(const Map<const Points>& means) {
  const Points deviations = means.rowwise() - means.colwise().mean();
  return deviations.cwiseAbs2().colwise().sum().transpose() /
         static_cast<double>(num_batches * (num_batches - 1));
}

/// Adds value number n to a running mean and sum of squared deviations.
void add_value(const VectorXd& value, double n, VectorXd& mean, VectorXd& spread) {
  const VectorXd before = value - mean;
  mean += before / n;
  spread += before.cwiseProduct(value - mean);
}

}  // namespace

MomentPool::MomentPool(Index dim, std::int64_t steps)
    : steps_(static_cast<double>(steps)),
      mean_(VectorXd::Zero(dim)),
      spread_(VectorXd::Zero(dim)),
      square_(VectorXd::Zero(dim)),
      square_spread_(VectorXd::Zero(dim)),
      variances_(VectorXd::Zero(dim)),
      batch_errors_(VectorXd::Zero(dim)),
      half_mean_(VectorXd::Zero(dim)),
      half_spread_(VectorXd::Zero(dim)),
      half_gaps_(VectorXd::Zero(dim)) {}

void MomentPool::add(const double* mean, const double* variance, const double* batch_means) {
  const Index d = mean_.size();
  const Map<const VectorXd> of_chain(mean, d);
  chains_ += 1.0;
  add_value(of_chain, chains_, mean_, spread_);
  const Map<const VectorXd> variance_of_chain(variance, d);
  variances_ += variance_of_chain;
  add_value(of_chain.cwiseAbs2() + (steps_ - 1.0) / steps_ * variance_of_chain, chains_, square_,
            square_spread_);
  const Map<const Points> batches(batch_means, num_batches, d);
  batch_errors_ += squared_batch_error(batches);
  const VectorXd first = batches.topRows(num_batches / 2).colwise().mean();
  const VectorXd second = batches.bottomRows(num_batches / 2).colwise().mean();
  add_value(first, 2.0 * chains_ - 1.0, half_mean_, half_spread_);
  add_value(second, 2.0 * chains_, half_mean_, half_spread_);
  half_gaps_ += (second - first).cwiseAbs2();
}

/// Split R-hat: the mean square W within the halves is that within the chains without the part between the
/// halves of a chain.
VectorXd MomentPool::rhat_split() const {
  const double n = 0.5 * steps_, halves = 2.0 * chains_;
  const Eigen::ArrayXd W =
      ((steps_ - 1.0) * variances_ - 0.5 * n * half_gaps_).array() / (halves * (n - 1.0));
  const Eigen::ArrayXd B = n * half_spread_.array() / (halves - 1.0);
  return ((B / W + (n - 1.0)) / n).sqrt();
}

PooledMoments MomentPool::result() const {
  require(chains_ > 0.0, "MomentPool: no chain was added");
  // Sum of squares about the pooled mean: within the chains, and between their means.
  const VectorXd squares = (steps_ - 1.0) * variances_ + steps_ * spread_;
  const auto error_of_means = [this](const VectorXd& spread) -> VectorXd {
    return (spread / ((chains_ - 1.0) * chains_)).cwiseSqrt();
  };
  const VectorXd no_error = VectorXd::Constant(square_.size(), std::numeric_limits<double>::quiet_NaN());
  return {.mean = mean_,
          .variance = squares / (chains_ * steps_ - 1.0),
          .standard_error = chains_ >= enough_chains
                                ? error_of_means(spread_)
                                : VectorXd((batch_errors_ / (chains_ * chains_)).cwiseSqrt()),
          .rhat_split = rhat_split(),
          .square = square_,
          .square_error = chains_ >= enough_chains ? error_of_means(square_spread_) : no_error};
}

void add_chains(MomentPool& pool, const ChainMoments& moments) {
  for (Index c = 0; c < moments.mean.rows(); ++c)
    pool.add(moments.mean.row(c).data(), moments.variance.row(c).data(), moments.batch_means.row(c).data());
}

PooledMoments pooled(const ChainMoments& moments) {
  MomentPool pool(moments.mean.cols(), moments.steps);
  add_chains(pool, moments);
  return pool.result();
}

}  // namespace gmdiff
