#include <gmdiff/metrics/chain_diagnostics.hpp>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "support/point_sets.hpp"

namespace gmdiff {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;
using test::normal_points;

/// Chains of the AR(1) process x' = a x + sqrt(1 - a^2) z, stationary from the start.
MatrixXd ar_chains(Eigen::Index draws, Eigen::Index chains, double a, unsigned seed) {
  MatrixXd x = normal_points(draws, chains, seed);
  for (Eigen::Index i = 1; i < draws; ++i) x.row(i) = a * x.row(i - 1) + std::sqrt(1.0 - a * a) * x.row(i);
  return x;
}

TEST(ChainDiagnostics, OfAnAutoregressionHaveItsCorrelationTime) {
  for (const double a : {0.0, 0.5, 0.9}) {
    const ChainDiagnostics found = chain_diagnostics(ar_chains(5000, 8, a, 1));
    // Sum of a^|t| over all lags. With the M lags that are summed, the relative standard deviation of the
    // estimate is sqrt(2 (2 M + 1) / N): about 6 % at a = 0.9.
    const double expected = 40000.0 * (1.0 - a) / (1.0 + a);
    EXPECT_NEAR(found.ess_mean / expected, 1.0, 0.25) << a;
    EXPECT_NEAR(found.ess_bulk / expected, 1.0, 0.25) << a;
    EXPECT_LT(found.rhat, 1.01) << a;
    EXPECT_LT(std::abs(found.mean), 4.0 * found.mcse) << a;
  }
}

TEST(ChainDiagnostics, SeeAChainThatIsElsewhereOrWider) {
  MatrixXd shifted = ar_chains(500, 4, 0.0, 2);
  shifted.col(3).array() += 1.0;
  EXPECT_GT(chain_diagnostics(shifted).rhat, 1.05);
  // R-hat of the values alone is blind to a wider chain.
  MatrixXd wider = ar_chains(500, 4, 0.0, 2);
  wider.col(3) *= 4.0;
  EXPECT_LT(chain_diagnostics(wider).rhat_split, 1.01);
  EXPECT_GT(chain_diagnostics(wider).rhat, 1.05);
}

TEST(ChainDiagnostics, OfEqualDrawsCountAllOfThem) {
  EXPECT_EQ(chain_diagnostics(MatrixXd::Constant(10, 3, 2.0)).ess_mean, 30.0);
  EXPECT_EQ(chain_diagnostics(MatrixXd::Constant(10, 3, 2.0)).mcse, 0.0);
}

TEST(ChainDiagnostics, DoNotDependOnUnits) {
  const MatrixXd x = ar_chains(100, 3, 0.3, 4);
  const ChainDiagnostics found = chain_diagnostics(x);
  const ChainDiagnostics scaled = chain_diagnostics(1024.0 * x);
  EXPECT_EQ(scaled.rhat, found.rhat);
  EXPECT_EQ(scaled.ess_bulk, found.ess_bulk);
  EXPECT_EQ(scaled.mcse, 1024.0 * found.mcse);
}

TEST(BatchMeans, LeaveOutTheFirstDrawsOfARest) {
  const MeanEstimate found = batch_means(VectorXd{{100.0, 1.0, 3.0, 5.0, 7.0}}, 2);
  EXPECT_EQ(found.mean, 23.2);
  EXPECT_DOUBLE_EQ(found.mcse, 2.0);  // of the batch means 2 and 6
}

TEST(ChainDiagnostics, RefuseBadInput) {
  expect_invalid([] { chain_diagnostics(MatrixXd::Zero(3, 2)); },
                 "chain_diagnostics: expected 4 draws or more in each chain, given 3");
  expect_invalid([] { chain_diagnostics(MatrixXd::Zero(4, 0)); },
                 "chain_diagnostics: expected one chain or more, given 0");
  MatrixXd x = MatrixXd::Zero(5, 2);
  x(3, 1) = std::numeric_limits<double>::infinity();
  expect_invalid([&] { chain_diagnostics(x); }, "chain_diagnostics: draw 3 of chain 1 is not finite");
  expect_invalid([] { nested_rhat(MatrixXd::Zero(2, 6), 1); },
                 "nested_rhat: expected 2 superchains or more, given 1");
  expect_invalid([] { nested_rhat(MatrixXd::Zero(2, 6), 4); },
                 "nested_rhat: 6 chains cannot be 4 groups of equal size, 2 or more");
  expect_invalid([] { batch_means(VectorXd::Zero(5), 6); },
                 "batch_means: batches must be in [2, 5], the number of draws, given 6");
}

/// Moments of chains of two coordinates from their states, chain by chain.
ChainMoments moments_from(const std::vector<Points>& chains) {
  const auto count = std::ssize(chains);
  ChainMoments moments{.steps = chains.front().rows(),
                       .mean = Points(count, 2),
                       .variance = Points(count, 2),
                       .batch_means = Points(count, 32)};
  for (Eigen::Index c = 0; c < count; ++c) {
    const Points& x = chains[static_cast<std::size_t>(c)];
    moments.mean.row(c) = x.colwise().mean();
    moments.variance.row(c) =
        (x.rowwise() - x.colwise().mean()).cwiseAbs2().colwise().sum() / static_cast<double>(x.rows() - 1);
    const Eigen::Index batch = x.rows() / 16;
    for (Eigen::Index q = 0; q < 16; ++q)
      moments.batch_means.block(c, 2 * q, 1, 2) = x.middleRows(q * batch, batch).colwise().mean();
  }
  return moments;
}

TEST(PooledMoments, AreThoseOfAllStates) {
  std::vector<Points> chains;
  chains.reserve(20);
  for (int c = 0; c < 20; ++c) {
    Points x(32, 2);
    for (Eigen::Index n = 0; n < 32; ++n)
      x.row(n) << std::sin(7.0 * c + 1.3 * static_cast<double>(n)),
          5.0 + std::cos(2.0 * c) / static_cast<double>(1 + n);
    chains.push_back(x);
  }
  for (const std::size_t count : {std::size_t{3}, std::size_t{20}}) {
    const std::vector<Points> some(chains.begin(), chains.begin() + static_cast<std::ptrdiff_t>(count));
    Points all(32 * std::ssize(some), 2);
    for (Eigen::Index c = 0; c < std::ssize(some); ++c)
      all.middleRows(32 * c, 32) = some[static_cast<std::size_t>(c)];
    const PooledMoments found = pooled(moments_from(some));
    const Eigen::RowVectorXd mean = all.colwise().mean();
    const Eigen::RowVectorXd variance =
        (all.rowwise() - mean).cwiseAbs2().colwise().sum() / static_cast<double>(all.rows() - 1);
    EXPECT_LT((found.mean.transpose() - mean).cwiseAbs().maxCoeff(), 1e-14);
    EXPECT_LT((found.variance.transpose() - variance).cwiseAbs().maxCoeff(), 1e-13);
    for (Eigen::Index i = 0; i < 2; ++i) {
      // 20 chains: the spread of their means. 3 chains: the mean of three independent batch-mean estimates.
      VectorXd means(std::ssize(some));
      double squares = 0.0;
      for (Eigen::Index c = 0; c < std::ssize(some); ++c) {
        const VectorXd x = some[static_cast<std::size_t>(c)].col(i);
        means(c) = x.mean();
        squares += std::pow(batch_means(x, 16).mcse, 2);
      }
      const auto n = static_cast<double>(count);
      const double spread = (means.array() - means.mean()).square().sum() / (n - 1.0);
      const double expected = count == 20 ? std::sqrt(spread / n) : std::sqrt(squares) / n;
      EXPECT_NEAR(found.standard_error(i), expected, 1e-14) << count;
      const MatrixXd squares_of_chains = all.col(i).cwiseAbs2().reshaped(32, std::ssize(some));
      const VectorXd square_means = squares_of_chains.colwise().mean().transpose();
      EXPECT_NEAR(found.square(i), square_means.mean(), 1e-13) << count;
      const double square_spread = (square_means.array() - square_means.mean()).square().sum() / (n - 1.0);
      if (count == 20) {
        EXPECT_NEAR(found.square_error(i), std::sqrt(square_spread / n), 1e-12);
      } else {
        EXPECT_TRUE(std::isnan(found.square_error(i)));
      }
      const MatrixXd draws = all.col(i).reshaped(32, std::ssize(some));
      EXPECT_NEAR(found.rhat_split(i), chain_diagnostics(draws).rhat_split, 1e-12) << count;
    }
  }
  expect_invalid([] { (void)MomentPool(2, 16).result(); }, "MomentPool: no chain was added");
}

}  // namespace
}  // namespace gmdiff
