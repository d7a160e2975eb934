#include <gmdiff/model/target.hpp>

#include <string>

#include <gtest/gtest.h>

#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/program.hpp"
#include "support/golden.hpp"

// golden/regularised.json: sparse priors, their proximal maps and steps of proximal chains (mathematics.md
// §12.1, §13.3).

namespace gmdiff::regularised_tests {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::json;

const json& case_named(const std::string& name) {
  for (const json& golden_case : test::load_golden("regularised")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::out_of_range(name);
}

/// y observes x itself.
NonlinearObservation direct(const VectorXd& y, double noise_std) {
  return {ElementwiseMap{.A = MatrixXd::Identity(y.size(), y.size())}, y, noise_std};
}

Regularised target_of(const json& target) {
  const json& prior = target["prior"];
  const bool is_huber = prior["smoothing"] == "huber", is_identity = prior["operator"] == "identity";
  return {
      .prior = {.weight = prior["weight"],
                .analysis = is_identity ? AnalysisOperator::identity : AnalysisOperator::gradient,
                .smoothing = is_huber ? Smoothing::huber : Smoothing::pseudo_huber,
                .width = prior["width"].get<double>()},
      .observation = direct(test::vector(target["observation"]["y"]), target["observation"]["noise_std"])};
}

/// Largest difference over the largest entry of the array or of |l|.
double difference(const Points& found, const json& expected, double l) {
  const Eigen::RowVectorXd values = test::vector(expected).transpose();
  return (found - values).cwiseAbs().maxCoeff() / std::max(std::abs(l), values.cwiseAbs().maxCoeff());
}

TEST(GoldenRegularised, TargetsHaveTheGoldenValuesAndDerivatives) {
  for (const char* name :
       {"l1_pseudo-huber_identity", "l1_pseudo-huber_gradient", "l1_huber_identity", "l1_huber_gradient"}) {
    SCOPED_TRACE(name);
    const Target target = target_of(case_named(name)["target"]);
    for (const json& query : case_named(name)["queries"]) {
      const Points x = test::vector(query["x"]).transpose(), v = test::vector(query["v"]).transpose();
      const double l = query["log_density"];
      EXPECT_NEAR(target.log_density(x)(0), l, 1e-12 * std::abs(l));
      EXPECT_LT(difference(target.gradient(x), query["gradient"], l), 1e-12);
      EXPECT_LT(difference(target.hessian_vp(x, v), query["hessian_vp"], l), 1e-12);
    }
  }
}

TEST(GoldenRegularised, TautStringsHaveTheGoldenSlopes) {
  for (const json& row : case_named("tv_prox_1d")["cases"]) {
    const Points found = proximal_map({.analysis = AnalysisOperator::gradient},
                                      test::vector(row["y"]).transpose(), row["weight"]);
    EXPECT_LT(difference(found, row["prox"], 1.0), 1e-12);
  }
}

TEST(GoldenRegularised, TheLaplacePriorHasTheGoldenPosterior) {
  const json& golden = case_named("laplace_gauss_1d");
  const json& of = golden["target"];
  const double s = of["noise_std"], weight = of["weight"];
  const VectorXd y = VectorXd::Constant(1, of["y"].get<double>());
  const Regularised target{.prior = {.weight = weight}, .observation = direct(y, s)};
  const Quadrature found = quadrature(target);
  // The trapezoid rule of 4096 intervals has an error of 1e-5 at a kink. The golden density has no constants.
  const double log_constant = target.observation.log_constant();
  EXPECT_NEAR(found.log_normalizer - log_constant, golden["log_normalizer"].get<double>(), 1e-5);
  EXPECT_NEAR(found.mean(0), golden["mean"][0].get<double>(), 1e-5);
  EXPECT_NEAR(found.covariance(0, 0), golden["covariance"][0][0].get<double>(), 1e-5);
  const Points maximum = proximal_map(target.prior, y.transpose(), weight * s * s);
  EXPECT_NEAR(maximum(0, 0), golden["map"][0].get<double>(), 1e-15);
}

/// The state after one step of `myula` on the device reference, with the normals of the row.
Points step_of(const json& row, AnalysisOperator analysis) {
  const Regularised target{.prior = {.weight = row["weight"], .analysis = analysis},
                           .observation = direct(test::vector(row["y"]), row["noise_std"])};
  const Plan plan = mcmc_plan(
      target,
      Myula{.theta = row["theta"].get<double>(), .step = row["step"].get<double>(), .run = {.steps = 1}});
  const reference::Model model(plan.problems.front());
  Points x = test::vector(row["x"]).transpose();
  const VectorXd z = test::vector(row["z"]);
  reference::ProgramSteps steps(
      plan, model, nullptr, x,
      {.normals = [&z](std::int64_t /*n*/, const Combine& /*stage*/) { return z.data(); },
       .choice = [](std::int64_t /*n*/) { return 0.0; },
       .direction = [](std::int64_t /*n*/, int /*q*/) -> const double* { return nullptr; },
       .log_uniform = [](std::int64_t /*n*/) { return 0.0; }});
  steps.advance(plan.prologue, 0);
  steps.advance(std::get<Program>(plan.steps.front()), 0);
  return x;
}

TEST(GoldenRegularised, ProximalChainsTakeTheGoldenSteps) {
  for (const json& row : case_named("myula")["rows"]) {
    EXPECT_LT(difference(step_of(row, AnalysisOperator::identity), row["l1"], 1.0), 1e-12);
    EXPECT_LT(difference(step_of(row, AnalysisOperator::gradient), row["tv"], 1.0), 1e-12);
  }
}

}  // namespace
}  // namespace gmdiff::regularised_tests
