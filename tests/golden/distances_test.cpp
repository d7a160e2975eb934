#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include <gmdiff/metrics/distances.hpp>

#include "support/golden.hpp"

namespace gmdiff::test {
namespace {

/// The tolerance is 1e-12 relative (golden/README.md).
void expect_close(double actual, const json& expected, const std::string& what) {
  EXPECT_NEAR(actual, number(expected), 1e-12 * std::abs(number(expected))) << what;
}

/// Mixture of full covariances under the prefix "p" or "q" of a case.
Mixture mixture_of(const json& golden_case, const std::string& prefix) {
  return {golden_case[prefix + "_weights"].get<std::vector<double>>(), matrix(golden_case[prefix + "_means"]),
          Covariance::full(matrices(golden_case[prefix + "_covariances"]))};
}

json case_named(const std::string& name) {
  const json file = load_golden("distances");
  for (const json& golden_case : file["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::runtime_error("no case " + name);
}

class GoldenDistances : public testing::TestWithParam<std::string> {
 protected:
  json golden_case_ = case_named(GetParam());
  PointSet x_ = matrix(golden_case_["X"]);
  PointSet y_ = matrix(golden_case_["Y"]);
};

TEST_P(GoldenDistances, WassersteinAlongEachDirection) {
  const Points directions = matrix(golden_case_["directions"]);

  const Eigen::VectorXd w1 = slice_wasserstein(x_, y_, directions, 1);
  const Eigen::VectorXd w2_squared = slice_wasserstein(x_, y_, directions, 2);

  ASSERT_EQ(w1.size(), directions.rows());
  for (Eigen::Index s = 0; s < w1.size(); ++s) {
    expect_close(w1(s), golden_case_["slice_w1"][static_cast<std::size_t>(s)],
                 "W_1 of slice " + std::to_string(s));
    expect_close(w2_squared(s), golden_case_["slice_w2_squared"][static_cast<std::size_t>(s)],
                 "W_2^2 of slice " + std::to_string(s));
  }
}

TEST_P(GoldenDistances, SlicedAndMaxSlicedWasserstein) {
  const Points directions = matrix(golden_case_["directions"]);

  expect_close(sliced_wasserstein(x_, y_, directions, 1), golden_case_["sliced_w1"], "sliced W_1");
  expect_close(sliced_wasserstein(x_, y_, directions, 2), golden_case_["sliced_w2"], "sliced W_2");
  expect_close(max_sliced_wasserstein(x_, y_, directions, 1), golden_case_["max_sliced_w1"],
               "max-sliced W_1");
  expect_close(max_sliced_wasserstein(x_, y_, directions, 2), golden_case_["max_sliced_w2"],
               "max-sliced W_2");
}

TEST_P(GoldenDistances, MedianDistanceAndMmdSquared) {
  expect_close(median_distance(x_, y_), golden_case_["median_pairwise_distance"], "median distance");
  if (!golden_case_.contains("mmd2_unbiased")) return;  // a set of one point has no unbiased form
  expect_close(mmd_squared(x_, y_, number(golden_case_["bandwidth"])), golden_case_["mmd2_unbiased"],
               "MMD^2");
  expect_close(mmd_squared(x_, y_), golden_case_["mmd2_unbiased_median"], "MMD^2 with the median bandwidth");
}

TEST_P(GoldenDistances, EnergyDistance) {
  expect_close(energy_distance(x_, y_, EnergyForm::v), golden_case_["energy_v"], "V-form");
  if (!golden_case_.contains("energy_u")) return;
  expect_close(energy_distance(x_, y_, EnergyForm::u), golden_case_["energy_u"], "U-form");
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenDistances,
                         testing::Values("samples_8_8_3", "samples_7_5_3", "samples_12_9_2", "samples_1_4_2"),
                         [](const auto& info) { return info.param; });

TEST(GoldenMmd, ClosedFormsOfMixtures) {
  const json golden_case = case_named("mmd_closed_form");
  const Mixture p = mixture_of(golden_case, "p");
  const Mixture q = mixture_of(golden_case, "q");
  const double bandwidth = number(golden_case["bandwidth"]);

  expect_close(mmd_squared(p, q, bandwidth), golden_case["mmd2_p_q"], "between mixtures");
  expect_close(mmd_squared(matrix(golden_case["X"]), p, bandwidth), golden_case["mmd2_unbiased_X_p"],
               "points against a mixture");
}

TEST(GoldenNoiseFloor, IntegralOfTheNormalLaw) {
  const json golden_case = case_named("noise_floor_normal");
  const Mixture normal({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));

  const double floor = wasserstein_floor(normal, 1000, 1000);

  expect_close(floor / (std::sqrt(2.0 * std::numbers::inv_pi) * std::sqrt(2.0 / 1000.0)), golden_case["J"],
               "J");
}

TEST(GoldenSinkhorn, DivergencesWithTheirPotentials) {
  int checked = 0;
  for (const json& golden_case : load_golden("learned_evaluation")["cases"]) {
    if (golden_case["name"] != "sinkhorn") continue;
    const Points x = matrix(golden_case["x"]), y = matrix(golden_case["y"]);
    SinkhornOptions options{.tolerance = 1e-10};
    if (golden_case["epsilon"].is_number()) options.epsilon = number(golden_case["epsilon"]);
    const SinkhornDivergence found = sinkhorn_divergence(x, y, options);
    const auto near = [](double value, const json& expected) {
      EXPECT_NEAR(value, number(expected), 1e-9 * std::abs(number(expected)));
    };
    near(found.epsilon, golden_case["epsilon_value"]);
    near(found.between, golden_case["ot_xy"]);
    near(found.within_x, golden_case["ot_xx"]);
    near(found.within_y, golden_case["ot_yy"]);
    near(found.value, golden_case["divergence"]);
    EXPECT_LE(found.error, options.tolerance);
    // In the file both potentials have the same mean.
    const double half = 0.5 * (found.f.mean() - found.g.mean());
    const Eigen::VectorXd f = vector(golden_case["f"]), g = vector(golden_case["g"]);
    EXPECT_LT((found.f.array() - half - f.array()).abs().maxCoeff(), 1e-9 * f.cwiseAbs().maxCoeff());
    EXPECT_LT((found.g.array() + half - g.array()).abs().maxCoeff(), 1e-9 * g.cwiseAbs().maxCoeff());
    // The usual tolerance of the marginals gives the same value.
    options.tolerance = 1e-6;
    near(sinkhorn_divergence(x, y, options).value, golden_case["divergence"]);
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

TEST(GoldenLearnedMetrics, ModeCoverageAndMmd) {
  for (const json& golden_case : load_golden("learned_evaluation")["cases"]) {
    if (golden_case["name"] == "emc") {
      const auto counts = golden_case["counts"].get<std::vector<std::int64_t>>();
      expect_close(mode_coverage(counts), golden_case["emc"], "mode coverage");
    }
    if (golden_case["name"] == "mmd") {
      const Points x = matrix(golden_case["x"]), y = matrix(golden_case["y"]);
      EXPECT_NEAR(mmd_vsm(x, y), number(golden_case["mmd"]), 1e-10);
    }
  }
}

}  // namespace
}  // namespace gmdiff::test
