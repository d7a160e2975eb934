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

}  // namespace
}  // namespace gmdiff
