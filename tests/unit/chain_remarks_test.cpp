#include "device/chain_remarks.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/smc_plan.hpp>

// Warnings about chains: collapsed weights, and evidences whose mean is meaningless (mathematics.md §7.7).

namespace gmdiff {
namespace {

ChainReport report(std::vector<double> log_evidence) {
  const std::size_t n = log_evidence.size();
  return {std::move(log_evidence), std::vector<double>(n, 10.0), std::vector<int>(n, 0)};
}

bool speaks_of(const std::vector<std::string>& warnings, const std::string& what) {
  return warnings.size() == 1 && warnings[0].starts_with(what);
}

TEST(ChainWarnings, AreNoneOfChainsThatAgree) {
  EXPECT_TRUE(chain_warnings(report({-1.0}), 64).empty());
  EXPECT_TRUE(chain_warnings(report({-1.0, -2.0, -3.0}), 64).empty());
  EXPECT_TRUE(chain_warnings(report(std::vector<double>(1000, -1e15)), 64).empty());
}

TEST(ChainWarnings, NameTheStepWhereTheWeightsOfMostChainsCollapse) {
  ChainReport chains = report({0.0, 0.0, 0.0, 0.0});
  chains.smallest_ess = {1.0, 1.9, 2.0, 40.0};
  chains.smallest_ess_step = {18, 19, 0, 0};
  EXPECT_TRUE(chain_warnings(chains, 64).empty()) << "half of the chains are not most";
  chains.smallest_ess[2] = 1.99;
  chains.smallest_ess_step[2] = 19;
  const std::vector<std::string> warnings = chain_warnings(chains, 64);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0],
            "the weights collapse: in 3 of 4 chains the effective sample size falls below 2 of 64 particles, "
            "most often at step 20; more "
            "particles, a finer grid there or kernel=exact help");
  EXPECT_TRUE(chain_warnings(chains, 3).empty()) << "of three particles two are many";
}

TEST(ChainWarnings, NameTheSpreadOfTheEvidence) {
  EXPECT_TRUE(chain_warnings(report({-2.1, 0.0}), 64).empty());  // sd 1.48
  const std::vector<std::string> warnings = chain_warnings(report({-4.0, 0.0}), 64);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0],
            "the chains disagree on the evidence: the standard deviation of log_evidence is 2.83, so that "
            "its mean depends on chains that are too rare to occur here and is probably too low; more "
            "particles or a grid finer where weights collapse help");
}

TEST(ChainWarnings, NameAChainThatHasMostOfTheSumOfAtLeastTen) {
  std::vector<double> log_evidence(10, 0.0);
  log_evidence[3] = std::log(8.9);
  EXPECT_TRUE(chain_warnings(report(log_evidence), 64).empty());
  log_evidence[3] = std::log(9.1);
  const std::vector<std::string> warnings = chain_warnings(report(log_evidence), 64);
  EXPECT_TRUE(speaks_of(warnings,
                        "the chains disagree on the evidence: the standard deviation of log_evidence is "
                        "0.698 and one chain has "
                        "50.3 % of the sum"))
      << warnings.size();
  log_evidence.pop_back();
  EXPECT_TRUE(chain_warnings(report(log_evidence), 64).empty()) << "one of nine may have it by chance";
}

TEST(ChainWarnings, StayRightWhereOneChainIsAllOfAHugeSum) {
  std::vector<double> log_evidence(20, -3e20);
  log_evidence[7] = -1e15;
  const std::vector<std::string> warnings = chain_warnings(report(log_evidence), 64);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("one chain has 100 % of the sum"), std::string::npos) << warnings[0];
}

TEST(ChainReport, PartsAppendedAreTheWhole) {
  ChainReport whole = report({1.0, 2.0, 3.0});
  whole.smallest_ess = {4.0, 5.0, 6.0};
  whole.smallest_ess_step = {7, 8, 9};
  ChainReport joined = part_of(whole, 0, 1);
  append(joined, part_of(whole, 1, 2));
  EXPECT_EQ(joined.log_evidence, whole.log_evidence);
  EXPECT_EQ(joined.smallest_ess, whole.smallest_ess);
  EXPECT_EQ(joined.smallest_ess_step, whole.smallest_ess_step);
}

// --- of runs -----------------------------------------------------------------------------------------------

const ForwardProcess process = vp(LinearBeta{});
const Mixture prior({0.5, 0.5}, Points{{-1.0, 0.0}, {1.0, 1.0}}, Covariance::spherical({0.5, 1.0}));

LinearObservation observed(double noise) {
  return {Eigen::MatrixXd{{1.0, 0.5}}, Eigen::VectorXd{{0.4}}, noise};
}

TEST(SmallestEss, IsThatOfAllWeightingsAndTheFinalWeights) {
  for (const SmcSampler& sampler :
       {SmcSampler(Mcgdiff{.particles = 16, .ess_threshold = 0.4, .output = SmcOutput::particles}),
        SmcSampler(Bootstrap{.particles = 16, .output = SmcOutput::particles})}) {
    for (const Device& device : {Device::reference(), Device::cpu(1)}) {
      Options options{.count = 30, .device = device, .precision = Precision::f64};
      options.smc_history = true;
      const SmcSamples samples =
          sample(prior, observed(0.1), process, TimeGrid::uniform(process, 5), sampler, options);
      const SmcHistory& history = samples.history();
      const std::size_t W = history.steps.size();
      for (std::size_t c = 0; c < 30; ++c) {
        double expected = 16.0, squares = 0.0;
        int step = 0;
        for (std::size_t w = 0; w < W; ++w) {
          if (history.ess[c * W + w] >= expected) continue;
          expected = history.ess[c * W + w];
          step = history.steps[w];
        }
        for (std::size_t n = 0; n < 16; ++n) squares += std::exp(2.0 * samples.log_weights()[c * 16 + n]);
        if (1.0 / squares < expected - 1e-6) {
          expected = 1.0 / squares;
          step = 4;
        }
        EXPECT_NEAR(samples.smallest_ess()[c], expected, 1e-5 * expected) << c;
        EXPECT_EQ(samples.chains().smallest_ess_step[c], step) << c;
      }
    }
  }
}

TEST(SmcWarnings, OfABatchNameTheProblem) {
  const std::vector<LinearObservation> observations{observed(0.5), observed(1e-6)};
  const Options options{.count = 20, .device = Device::cpu(1)};
  const TimeGrid grid = TimeGrid::uniform(process, 10);
  const SmcSamples samples = sample(prior, observations, process, grid, Bootstrap{.particles = 64}, options);
  const std::vector<std::string>& warnings = samples.provenance().warnings;
  ASSERT_FALSE(warnings.empty());
  for (const std::string& warning : warnings) EXPECT_TRUE(warning.starts_with("problem 1: the ")) << warning;
  EXPECT_LT(samples.log_evidence_sd(0), 1.0);
  EXPECT_GT(samples.log_evidence_sd(1), 1.5);
}

TEST(SmcWarnings, AreNoneOfOrdinaryRuns) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const std::int64_t count : {1, 3, 12}) {
      const Options options{.count = count, .seed = seed, .device = Device::cpu(1)};
      const SmcSamples samples = sample(prior, observed(0.3), process, TimeGrid::uniform(process, 20),
                                        Mcgdiff{.particles = 64}, options);
      EXPECT_TRUE(samples.provenance().warnings.empty()) << samples.provenance().warnings.front();
    }
  }
}

}  // namespace
}  // namespace gmdiff
