#include <gmdiff/model/target.hpp>

#include <cmath>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include <gmdiff/model/benchmark_mixtures.hpp>

#include "support/golden.hpp"

// golden/targets.json: log-density, gradient, products with the Hessian, normaliser and moments;
// golden/target_draws.json: exact draws (mathematics.md §13); golden/learned_evaluation.json: targets of
// learned samplers (§13.5).

namespace gmdiff {
namespace {

using test::json;

TargetDescription target_of(const json& t) {
  const std::string type = t["type"];
  const auto value = [&t](const char* key) { return t[key].get<double>(); };
  const int dim = t["dim"];
  if (type == SinGaussian::name)
    return SinGaussian{.amplitude = value("amplitude"),
                       .phase = value("phase"),
                       .frequency = value("frequency"),
                       .dim = dim};
  if (type == Banana::name)
    return Banana{.scale = value("scale"), .curvature = value("curvature"), .dim = dim};
  if (type == Funnel::name) return Funnel{.scale = value("scale"), .dim = dim};
  if (type == ManyWell::name)
    return ManyWell{.wells = t["wells"].get<int>(), .delta = value("delta"), .dim = dim};
  return Logistic{
      .data = test::matrix(t["data"]), .labels = test::vector(t["labels"]), .prior_std = value("prior_std")};
}

/// Largest difference over the largest entry of the array or of |l|.
double relative_difference(const Points& found, const json& expected, double l) {
  const Eigen::RowVectorXd values = test::vector(expected).transpose();
  return (found - values).cwiseAbs().maxCoeff() / std::max(std::abs(l), values.cwiseAbs().maxCoeff());
}

TEST(GoldenTargets, HaveTheExpectedDensitiesAndDerivatives) {
  for (const json& golden_case : test::load_golden("targets")["cases"]) {
    const std::string name = golden_case["name"];
    const Target target(target_of(golden_case["target"]));
    for (const json& query : golden_case["queries"]) {
      const Points x = test::vector(query["x"]).transpose();
      const Points v = test::vector(query["v"]).transpose();
      const double l = test::number(query["log_density"]);
      EXPECT_NEAR(target.log_density(x)(0), l, 1e-12 * std::max(1.0, std::abs(l))) << name;
      EXPECT_LT(relative_difference(target.gradient(x), query["gradient"], l), 1e-12) << name;
      EXPECT_LT(relative_difference(target.hessian_vp(x, v), query["hessian_vp"], l), 1e-12) << name;
    }
  }
}

TEST(GoldenTargets, HaveTheExpectedNormalizersAndMoments) {
  int checked = 0;
  for (const json& golden_case : test::load_golden("targets")["cases"]) {
    const std::string name = golden_case["name"];
    const Target target(target_of(golden_case["target"]));
    EXPECT_EQ(target.log_normalizer().has_value(), golden_case.contains("log_normalizer")) << name;
    EXPECT_EQ(target.moments().has_value(), golden_case.contains("mean")) << name;
    if (!golden_case.contains("mean")) continue;
    EXPECT_NEAR(*target.log_normalizer(), golden_case["log_normalizer"].get<double>(), 1e-12) << name;
    const CoordinateMoments moments = *target.moments();
    EXPECT_LT((moments.mean - test::vector(golden_case["mean"])).cwiseAbs().maxCoeff(), 1e-12) << name;
    const Eigen::VectorXd variance = test::vector(golden_case["variance"]);
    EXPECT_LT((moments.variance - variance).cwiseQuotient(variance).cwiseAbs().maxCoeff(), 1e-12) << name;
    ++checked;
  }
  EXPECT_GE(checked, 9);
}

TEST(GoldenTargets, HaveTheExpectedDraws) {
  const json golden = test::load_golden("target_draws")["cases"][0];
  const Target target(target_of(golden["target"]));
  const std::uint64_t seed = std::stoull(golden["seed"].get<std::string>());
  for (const json& row : golden["rows"]) {
    const Points x = target.draws(1, seed, row["draw"].get<std::int64_t>());
    EXPECT_LT((x.row(0).transpose() - test::vector(row["x"])).cwiseAbs().maxCoeff(), 1e-15);
  }
}

/// The target of a case of learned_evaluation.json; a mixture has none.
std::optional<Target> learned_target(const json& golden_case) {
  const std::string kind = golden_case["kind"];
  const json& parameters = golden_case["parameters"];
  if (kind == Seeds::name) return Seeds{};
  if (kind == Brownian::name) return Brownian{};
  if (kind == StudentTMixture::name) {
    const Points locations = test::matrix(parameters["locations"]);
    return StudentTMixture{.components = static_cast<int>(locations.rows()),
                           .nu = parameters["nu"].get<double>(),
                           .dim = static_cast<int>(locations.cols()),
                           .locations = locations};
  }
  if (kind != Logistic::name) return {};
  // The labels 0 and 1 stand for the signs.
  return Logistic{.data = test::matrix(parameters["X"]),
                  .labels = 0.5 * (test::vector(parameters["sign"]).array() + 1.0),
                  .prior_std = parameters["prior_std"].get<double>()};
}

/// Largest difference over the largest expected entry.
double relative_difference(const Points& found, const Points& expected) {
  return (found - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
}

TEST(GoldenLearnedTargets, HaveTheExpectedDensitiesAndDerivatives) {
  constexpr double tolerance = 1e-10;  // of the file
  int checked = 0;
  for (const json& golden_case : test::load_golden("learned_evaluation")["cases"]) {
    if (golden_case["name"] != "target") continue;
    const std::string kind = golden_case["kind"];
    const Points x = test::matrix(golden_case["x"]), v = test::matrix(golden_case["v"]);
    const Eigen::VectorXd log_rho = test::vector(golden_case["log_rho"]);
    const Points gradient = test::matrix(golden_case["gradient"]), hvp = test::matrix(golden_case["hvp"]);
    const std::optional<Target> target = learned_target(golden_case);
    const Mixture mixture = gmm40();
    EXPECT_LT(relative_difference(target ? target->log_density(x) : mixture.log_pdf(x), log_rho), tolerance)
        << kind;
    EXPECT_LT(relative_difference(target ? target->gradient(x) : mixture.score(x), gradient), tolerance)
        << kind;
    EXPECT_LT(relative_difference(target ? target->hessian_vp(x, v) : mixture.hessian_vp(x, v), hvp),
              tolerance)
        << kind;
    ++checked;
  }
  EXPECT_EQ(checked, 5);
}

TEST(GoldenLearnedTargets, HaveTheExpectedLocations) {
  const json golden = test::load_golden("learned_evaluation")["cases"][0];
  const Points means = test::matrix(golden["gmm40_means_d2"]);
  EXPECT_EQ(gmm40().means().topRows(means.rows()), means);
  const Eigen::RowVectorXd first = test::vector(golden["gmm40_means_d50_first_row"]).transpose();
  EXPECT_EQ(gmm40(50).means().row(0).head(first.size()), first);
  const Eigen::RowVectorXd location = test::vector(golden["tmix_locs_d50_first_row"]).transpose();
  EXPECT_EQ(student_t_locations({}).row(0).head(location.size()), location);
}

}  // namespace
}  // namespace gmdiff
