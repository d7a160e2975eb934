#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/posterior.hpp>

#include "support/golden.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::json;

constexpr double relative_tolerance = 1e-9;    // tests/golden: means, covariances, evidence
constexpr double log_weight_tolerance = 1e-9;  // absolute
constexpr double diffused_tolerance = 1e-9;    // values computed from the above

LinearObservation observation(const json& golden_case) {
  return {MatrixXd(test::matrix(golden_case["A"])), test::vector(golden_case["y"]),
          MatrixXd(test::matrix(golden_case["R"]))};
}

// Expects entries within `tolerance` times the largest expected entry.
void expect_near(const MatrixXd& actual, const MatrixXd& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.rows(), expected.rows()) << what;
  ASSERT_EQ(actual.cols(), expected.cols()) << what;
  const double error = (actual - expected).cwiseAbs().maxCoeff();
  EXPECT_LE(error, tolerance * expected.cwiseAbs().maxCoeff()) << what << "\nactual\n"
                                                               << actual << "\nexpected\n"
                                                               << expected;
}

class PosteriorGolden : public testing::TestWithParam<json> {};

TEST_P(PosteriorGolden, EvidenceAndLogLikelihoods) {
  const json& c = GetParam();

  const Posterior result = posterior(test::mixture(c), observation(c));

  const double log_evidence = test::number(c["log_evidence"]);
  EXPECT_NEAR(result.log_evidence, log_evidence, relative_tolerance * std::abs(log_evidence));
  const VectorXd log_likelihood = test::vector(c["component_log_likelihood"]);
  for (Index k = 0; k < log_likelihood.size(); ++k) {
    EXPECT_NEAR(result.component_log_likelihood(k), log_likelihood(k),
                relative_tolerance * std::abs(log_likelihood(k)))
        << "component " << k;
  }
}

TEST_P(PosteriorGolden, LogWeights) {
  const json& c = GetParam();

  const Posterior result = posterior(test::mixture(c), observation(c));

  const VectorXd expected = test::vector(c["posterior_log_weights"]);
  for (Index k = 0; k < expected.size(); ++k) {
    EXPECT_NEAR(result.mixture.log_weights()(k), expected(k), log_weight_tolerance) << "component " << k;
  }
}

TEST_P(PosteriorGolden, MeansAndCovariances) {
  const json& c = GetParam();

  const Posterior result = posterior(test::mixture(c), observation(c));

  const Points means = test::matrix(c["posterior_means"]);
  const std::vector<MatrixXd> covariances = test::matrices(c["posterior_covariances"]);
  for (Index k = 0; k < means.rows(); ++k) {
    const std::string component = " of component " + std::to_string(k);
    expect_near(result.mixture.means().row(k), means.row(k), relative_tolerance, "mean" + component);
    expect_near(result.mixture.component_covariance(k), covariances[static_cast<std::size_t>(k)],
                relative_tolerance, "covariance" + component);
  }
}

TEST_P(PosteriorGolden, DiffusedValues) {
  const json& c = GetParam();
  const Mixture mixture = posterior(test::mixture(c), observation(c)).mixture;
  const Points x = test::matrix(c["diffused_x"]);
  const Level level{.alpha = test::number(c["diffused_alpha"]), .sigma = test::number(c["diffused_sigma"])};

  const VectorXd log_pdf = mixture.log_pdf(x, level);
  const Points score = mixture.score(x, level);
  const Points denoiser = mixture.denoiser(x, level);

  const VectorXd expected = test::vector(c["diffused_logp"]);
  for (Index i = 0; i < x.rows(); ++i)
    EXPECT_NEAR(log_pdf(i), expected(i), diffused_tolerance * std::max(1.0, std::abs(expected(i))));
  expect_near(score, test::matrix(c["diffused_score"]), diffused_tolerance, "score");
  expect_near(denoiser, test::matrix(c["diffused_denoiser"]), diffused_tolerance, "denoiser");
}

class PosteriorGoldenIsotropic : public testing::TestWithParam<json> {};

TEST_P(PosteriorGoldenIsotropic, NoiseGivenAsStandardDeviation) {
  const json& c = GetParam();
  const MatrixXd R = test::matrix(c["R"]);

  const Posterior result =
      posterior(test::mixture(c), {test::matrix(c["A"]), test::vector(c["y"]), std::sqrt(R(0, 0))});

  const double log_evidence = test::number(c["log_evidence"]);
  EXPECT_NEAR(result.log_evidence, log_evidence, relative_tolerance * std::abs(log_evidence));
  expect_near(result.mixture.means(), test::matrix(c["posterior_means"]), relative_tolerance, "means");
}

std::string case_name(const testing::TestParamInfo<json>& info) {
  std::string name = info.param["name"].get<std::string>();
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return letter == '-' || letter == '.'; }, '_');
  return name;
}

std::vector<json> all_cases() { return test::load_golden("posterior")["cases"].get<std::vector<json>>(); }

std::vector<json> isotropic_cases() {
  std::vector<json> cases = all_cases();
  std::erase_if(cases, [](const json& c) {
    const MatrixXd R = test::matrix(c["R"]);
    return R != MatrixXd(R(0, 0) * MatrixXd::Identity(R.rows(), R.cols()));
  });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AllCases, PosteriorGolden, testing::ValuesIn(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(IsotropicCases, PosteriorGoldenIsotropic, testing::ValuesIn(isotropic_cases()),
                         case_name);

}  // namespace
}  // namespace gmdiff
