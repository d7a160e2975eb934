#include <gmdiff/metrics/chain_diagnostics.hpp>

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace gmdiff::test {
namespace {

constexpr double tolerance = 1e-12;

void expect_golden(const json& golden_case, const char* field, double actual) {
  const double expected = number(golden_case[field]);
  EXPECT_NEAR(actual, expected, tolerance * expected) << golden_case["name"] << ", " << field;
}

TEST(GoldenChainDiagnostics, AreThoseOfEveryCase) {
  int cases = 0;
  for (const json& golden_case : load_golden("chain_diagnostics")["cases"]) {
    if (!golden_case.contains("ess_bulk")) continue;
    ++cases;
    const ChainDiagnostics found = chain_diagnostics(matrix(golden_case["draws"]).transpose());
    expect_golden(golden_case, "rhat", found.rhat);
    expect_golden(golden_case, "rhat_split", found.rhat_split);
    expect_golden(golden_case, "ess_bulk", found.ess_bulk);
    expect_golden(golden_case, "ess_tail", found.ess_tail);
    expect_golden(golden_case, "ess_mean", found.ess_mean);
    expect_golden(golden_case, "mcse_mean", found.mcse);
  }
  EXPECT_EQ(cases, 7);
}

TEST(GoldenChainDiagnostics, NestedRHatAndBatchMeans) {
  int cases = 0;
  for (const json& golden_case : load_golden("chain_diagnostics")["cases"]) {
    if (golden_case.contains("superchains")) {
      ++cases;
      const Eigen::MatrixXd draws = matrix(golden_case["draws"]).transpose();
      const auto superchains = golden_case["superchains"].get<Eigen::Index>();
      expect_golden(golden_case, "rhat_nested", nested_rhat(draws, superchains));
      expect_golden(golden_case, "rhat_nested_one_draw", nested_rhat(draws.bottomRows(1), superchains));
    } else if (golden_case.contains("batches")) {
      ++cases;
      const MeanEstimate found =
          batch_means(vector(golden_case["draws"]), golden_case["batches"].get<Eigen::Index>());
      EXPECT_NEAR(found.mean, number(golden_case["mean"]), tolerance);
      expect_golden(golden_case, "mcse", found.mcse);
    }
  }
  EXPECT_EQ(cases, 2);
}

}  // namespace
}  // namespace gmdiff::test
