#include <gmdiff/model/quadrature.hpp>

#include <cmath>
#include <numbers>
#include <string>

#include <gtest/gtest.h>

#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>

#include "support/golden.hpp"

// golden/target_integrals.json, and closed forms of normalisers and moments (mathematics.md §13, §15).

namespace gmdiff::quadrature_tests {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::json;

const json& case_named(const std::string& name) {
  for (const json& golden_case : test::load_golden("target_integrals")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::out_of_range(name);
}

Target logistic(const json& t) {
  return Logistic{.data = test::matrix(t["data"]),
                  .labels = test::vector(t["labels"]),
                  .prior_std = t["prior_std"].get<double>()};
}

double largest(const MatrixXd& values) { return values.cwiseAbs().maxCoeff(); }

/// Expects the exact normaliser and moments of a target; the tolerance of variances is relative.
void expect_exact(const Target& target, double tolerance) {
  const Quadrature found = quadrature(target);
  const CoordinateMoments exact = *target.moments();
  const VectorXd variance = found.covariance.diagonal();
  const char* name = name_of(target.description());
  EXPECT_NEAR(found.log_normalizer, *target.log_normalizer(), tolerance) << name;
  EXPECT_LT(largest((found.mean - exact.mean).cwiseQuotient(exact.variance.cwiseSqrt())), tolerance) << name;
  EXPECT_LT(largest((variance - exact.variance).cwiseQuotient(exact.variance)), tolerance) << name;
  EXPECT_LT(found.edge_mass, 1e-12) << name;
}

TEST(GoldenQuadrature, HasTheMomentsOfALogisticRegression) {
  const json& golden = case_named("logistic_moments_2d");
  const Quadrature found = quadrature(logistic(golden["target"]));
  EXPECT_NEAR(found.log_normalizer, golden["log_normalizer"].get<double>(), 1e-10);
  EXPECT_LT(largest(found.mean - test::vector(golden["mean"])), 1e-10);
  EXPECT_LT(largest(found.covariance - test::matrix(golden["covariance"])), 1e-10);
  EXPECT_LT(found.error.log_normalizer + largest(found.error.mean) + largest(found.error.covariance), 1e-10);
}

TEST(GoldenQuadrature, IsExactWhereTargetsHaveClosedForms) {
  expect_exact(SinGaussian{}, 1e-12);
  expect_exact(SinGaussian{.amplitude = 2.0, .phase = 1.0, .frequency = 3.0, .dim = 2}, 1e-11);
  expect_exact(Banana{}, 1e-11);
  expect_exact(Funnel{.scale = 0.25, .dim = 2}, 1e-11);
  expect_exact(ManyWell{}, 1e-12);
  expect_exact(ManyWell{.wells = 1, .delta = 3.0, .dim = 2}, 1e-11);
}

TEST(GoldenQuadrature, IntegratesADensityGivenAsText) {
  const Quadrature found = quadrature(ExpressionTarget{.density = "-(x^2 + sin(5 + 5*x))/2"});
  EXPECT_NEAR(found.log_normalizer, 0.9804899855713053, 1e-11);
  EXPECT_NEAR(found.mean(0), -2.5634846e-06, 1e-11);
  EXPECT_NEAR(found.covariance(0, 0), 0.9999566705022, 1e-11);
}

TEST(GoldenImportance, WeighsGivenPoints) {
  const json& golden = case_named("importance");
  const Points x = test::matrix(golden["points"]);
  const VectorXd log_proposal =
      -x.col(0).array().square() / 8.0 - 0.5 * std::log(8.0 * std::numbers::pi);  // N(0, 4)
  const Target target = SinGaussian{};
  const ImportanceResult found = importance(target, x, log_proposal);
  EXPECT_LT(largest(target.log_density(x) - log_proposal - test::vector(golden["log_weights"])), 1e-12);
  EXPECT_NEAR(found.log_normalizer, golden["log_normalizer"].get<double>(), 1e-12);
  EXPECT_NEAR(found.mean(0), golden["mean"].get<double>(), 1e-12);
  EXPECT_NEAR(found.second_moment(0), golden["second_moment"].get<double>(), 1e-12);
  EXPECT_NEAR(found.ess, golden["ess"].get<double>(), 1e-12 * 8.0);
  EXPECT_NEAR(found.mean_error(0), golden["mean_se"].get<double>(), 1e-12);
}

TEST(GoldenModes, AreThatOfALogisticRegression) {
  const json& golden = case_named("laplace_logistic");
  const Modes found = modes(logistic(golden["target"]));
  ASSERT_EQ(found.maxima.size(), 1U);
  const Mode& mode = found.maxima.front();
  EXPECT_LT(largest(mode.x - test::vector(golden["map"])), 1e-9);
  EXPECT_NEAR(mode.log_density, golden["log_density"].get<double>(), 1e-9);
  EXPECT_LT(largest(mode.hessian - test::matrix(golden["hessian"])), 1e-9);
  EXPECT_NEAR(mode.log_mass, golden["laplace_log_normalizer"].get<double>(), 1e-9);
  EXPECT_EQ(found.log_normalizer, mode.log_mass);
}

}  // namespace
}  // namespace gmdiff::quadrature_tests
