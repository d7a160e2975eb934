#include <cmath>

#include <gtest/gtest.h>

#include "support/golden.hpp"

// Distribution functions with their far tails, and moments, marginals and affine images:
// tests/golden/mixture_1d_moments.json.

namespace gmdiff::test {
namespace {

// Golden values were rounded to double and sums of 50 digits saturate at 1, so values below `smallest` cannot
// be compared.
void expect_relative(const Eigen::VectorXd& actual, const Eigen::VectorXd& expected, double relative,
                     double smallest) {
  ASSERT_EQ(actual.size(), expected.size());
  for (Eigen::Index i = 0; i < expected.size(); ++i) {
    EXPECT_LE(std::abs(actual(i) - expected(i)), relative * std::abs(expected(i)) + smallest)
        << "entry " << i << ": " << expected(i);
  }
}

void expect_matrix(const Eigen::MatrixXd& actual, const Eigen::MatrixXd& expected) {
  ASSERT_EQ(actual.rows(), expected.rows());
  ASSERT_EQ(actual.cols(), expected.cols());
  EXPECT_LE((actual - expected).cwiseAbs().maxCoeff(), 1e-14 * expected.cwiseAbs().maxCoeff());
}

void expect_components(const Mixture& actual, const json& means, const json& covariances) {
  expect_matrix(actual.means(), matrix(means));
  const std::vector<Eigen::MatrixXd> expected = matrices(covariances);
  ASSERT_EQ(actual.num_components(), static_cast<Eigen::Index>(expected.size()));
  for (std::size_t k = 0; k < expected.size(); ++k)
    expect_matrix(actual.component_covariance(static_cast<Eigen::Index>(k)), expected[k]);
}

Mixture univariate(const json& one) {
  const Eigen::VectorXd means = vector(one["means"]);
  return {one["weights"].get<std::vector<double>>(), means,
          Covariance::spherical(one["variances"].get<std::vector<double>>())};
}

TEST(GoldenMixtureMoments, DistributionFunctionsAreRightInBothTails) {
  const json file = load_golden("mixture_1d_moments");
  int checked = 0;
  for (const json& one : file["cases"]) {
    if (!one.contains("cdf")) continue;
    SCOPED_TRACE(one["name"].get<std::string>());
    const Mixture law = univariate(one);
    const Eigen::VectorXd x = vector(one["x"]);

    expect_relative(law.cdf(x), vector(one["cdf"]), 1e-14, 1e-320);
    expect_relative(law.survival(x), vector(one["survival"]), 1e-14, 1e-320);
    expect_relative(law.log_cdf(x), vector(one["log_cdf"]), 1e-13, 1e-50);
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

TEST(GoldenMixtureMoments, MeanCovarianceMarginalAndPushForwardAreRight) {
  const json file = load_golden("mixture_1d_moments");
  int checked = 0;
  for (const json& one : file["cases"]) {
    if (!one.contains("pushforward_means")) continue;
    const Mixture law({one["weights"].get<std::vector<double>>()}, matrix(one["means"]),
                      Covariance::full(matrices(one["covariances"])));
    const auto coordinates = one["marginal_coordinates"].get<std::vector<Eigen::Index>>();

    expect_matrix(law.mean(), vector(one["mean"]));
    expect_matrix(law.covariance(), matrix(one["covariance"]));
    expect_components(law.push_forward(matrix(one["A"]), vector(one["b"])), one["pushforward_means"],
                      one["pushforward_covariances"]);
    expect_components(law.marginal(coordinates), one["marginal_means"], one["marginal_covariances"]);
    ++checked;
  }
  EXPECT_EQ(checked, 1);
}

}  // namespace
}  // namespace gmdiff::test
