#include <gmdiff/model/nonlinear_observation.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include <Eigen/LU>

#include <gtest/gtest.h>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/quadrature.hpp>
#include <gmdiff/model/target.hpp>

#include "support/golden.hpp"

// golden/nonlinear_observations.json: maps, likelihoods, integrals and maxima of mixtures under nonlinear
// observations (mathematics.md §13.2), and guidance by them (§10.3).

namespace gmdiff::nonlinear_tests {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::json;

const json& cases() { return test::load_golden("nonlinear_observations")["cases"]; }

const json& case_named(const std::string& name) {
  for (const json& golden_case : cases()) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::out_of_range(name);
}

MapDescription map_of(const json& observation) {
  const std::string type = observation["map"]["type"];
  if (type == "range") return RangeMap{.anchors = test::matrix(observation["map"]["anchors"])};
  const std::vector<std::string> names = map_names();
  const auto function = std::find(names.begin(), names.end(), type) - names.begin();
  return ElementwiseMap{.function = static_cast<MapFunction>(function),
                        .A = test::matrix(observation["A"]),
                        .b = test::vector(observation["b"])};
}

NonlinearObservation observation_of(const json& observation) {
  const VectorXd y = test::vector(observation["y"]);
  if (observation.contains("noise_std"))
    return {map_of(observation), y, observation["noise_std"].get<double>()};
  return {map_of(observation), y, MatrixXd(test::matrix(observation["noise_covariance"]))};
}

ObservedMixture target_of(const json& golden_case) {
  const json& target = golden_case["target"];
  const json& prior = target["prior"];
  const VectorXd weights = test::vector(prior["weights"]);
  return {Mixture({weights.begin(), weights.end()}, test::matrix(prior["means"]),
                  test::covariance(prior["covariance"]["type"], prior["covariance"]["values"])),
          observation_of(target["observation"])};
}

double largest(const MatrixXd& values) { return values.cwiseAbs().maxCoeff(); }

/// Largest difference over the largest entry of the array or of |l|.
double relative_difference(const Points& found, const Points& expected, double l) {
  return largest(found - expected) / std::max(std::abs(l), largest(expected));
}

Points row(const json& values) { return test::vector(values).transpose(); }

TEST(GoldenNonlinearObservations, HaveTheGoldenValuesAndDerivatives) {
  int checked = 0;
  for (const json& golden_case : cases()) {
    if (golden_case["kind"] != "target") continue;
    SCOPED_TRACE(golden_case["name"].get<std::string>());
    const ObservedMixture observed = target_of(golden_case);
    const Target target = observed;
    for (const json& query : golden_case["queries"]) {
      const Points x = row(query["x"]), v = row(query["v"]);
      const double l = query["log_density"].get<double>();
      EXPECT_NEAR(target.log_density(x)(0), l, 1e-12 * std::abs(l));
      EXPECT_LT(relative_difference(target.gradient(x), row(query["gradient"]), l), 1e-12);
      EXPECT_LT(relative_difference(target.hessian_vp(x, v), row(query["hessian_vp"]), l), 1e-12);
      EXPECT_LT(relative_difference(observed.observation.value(x), row(query["map"]), 1.0), 1e-13);
      const MatrixXd J = observed.observation.jacobian(x.row(0).transpose());
      EXPECT_LT(largest(J - test::matrix(query["map_jacobian"])), 1e-13 * (1.0 + largest(J)));
      ++checked;
    }
  }
  EXPECT_EQ(checked, 24);
}

TEST(GoldenNonlinearObservations, HaveTheGoldenNormalisersAndMoments) {
  for (const char* name : {"posterior_square_1d", "posterior_range_2d"}) {
    SCOPED_TRACE(name);
    const json& golden = case_named(name);
    const double tolerance = golden.value("tolerance", 1e-10);
    const Quadrature found = quadrature(target_of(golden));
    EXPECT_NEAR(found.log_normalizer, golden["log_normalizer"].get<double>(), tolerance);
    EXPECT_LT(largest(found.mean - test::vector(golden["mean"])), tolerance);
    EXPECT_LT(largest(found.covariance - test::matrix(golden["covariance"])), tolerance);
  }
}

TEST(GoldenNonlinearObservations, HaveTheGoldenMaxima) {
  const json& golden = case_named("map_range");
  const Modes found = modes(target_of(golden), {.draws = 64, .spread = 2.0});
  const Points expected = test::matrix(golden["local_maxima"]);
  const VectorXd l = test::vector(golden["log_density"]);
  ASSERT_EQ(found.maxima.size(), 2U);
  for (const Mode& mode : found.maxima) {
    Eigen::Index nearest = 0;
    const double distance = (expected.rowwise() - mode.x.transpose()).rowwise().norm().minCoeff(&nearest);
    EXPECT_LT(distance, 1e-9);
    EXPECT_NEAR(mode.log_density, l(nearest), 1e-9);
  }
}

// --- guidance ----------------------------------------------------------------------------------------------

/// A plan whose result is the term that `dps` with zeta = 1 adds to a step from `level`.
Plan plan_of_move(const ObservedMixture& observed, Level level) {
  const ForwardProcess process(
      CustomProcess{.alpha = [=](double t) { return 0.99 + t * (level.alpha - 0.99); },
                    .sigma = [=](double t) { return 0.1 + t * (level.sigma - 0.1); }});
  Plan plan = guided_plan(observed.prior, observed.observation, process,
                          TimeGrid(process, ListGrid{.t = {1.0, 0.0}}), Dps{.zeta = 1.0});
  std::vector<Stage>& stages = std::get<Program>(plan.steps.front()).stages;
  stages.back() = Combine{.to = 0, .terms = {std::get<Combine>(stages.back()).terms.back()}};
  return plan;
}

struct GuidedDevice {
  const char* name;
  Precision precision;
  double tolerance;  ///< of the largest entry
};
constexpr GuidedDevice guided_devices[] = {
    {"reference", Precision::f64, 1e-10}, {"cpu", Precision::f64, 1e-10}, {"cpu", Precision::f32, 1e-4}};

TEST(GoldenNonlinearObservations, HaveTheGoldenGuidance) {
  int checked = 0;
  for (const json& golden_case : cases()) {
    if (golden_case["kind"] != "guided") continue;
    const ObservedMixture observed = target_of(golden_case);
    for (const json& golden_row : golden_case["rows"]) {
      const Level level{golden_row["alpha"].get<double>(), golden_row["sigma"].get<double>()};
      const Points x = row(golden_row["x_t"]);
      const auto denoiser_plan = [&](const GuidedSampler& sampler) {
        return guided_denoiser_plan(observed.prior, observed.observation, level, sampler);
      };
      for (const GuidedDevice& device : guided_devices) {
        SCOPED_TRACE(golden_case["name"].get<std::string>() + " on " + device.name);
        const auto check = [&](const Plan& plan, const char* key) {
          const Options options{
              .count = 1, .device = Device::parse(device.name), .precision = device.precision, .start = x};
          const Points expected = row(golden_row[key]);
          EXPECT_LT(largest(run(plan, options).to_double() - expected), device.tolerance * largest(expected))
              << key;
          ++checked;
        };
        check(denoiser_plan(Tmp{}), "tmp_linearised");
        check(denoiser_plan(DpsLikelihood{}), "dps_likelihood");
        check(plan_of_move(observed, level), "dps_move_zeta_1");
      }
    }
  }
  EXPECT_EQ(checked, 6 * 2 * 3 * 3);
}

/// The quantities of a guidance with a map (§10.3), by matrices in the test.
struct Quantities {
  VectorXd D, r;  ///< D and y - Phi(D)
  MatrixXd C, J, R;
  double per_move;  ///< alpha / sigma^2
};

Quantities quantities_at(const ObservedMixture& observed, const Points& x, Level level) {
  const Eigen::Index d = x.cols();
  const Points D = observed.prior.denoiser(x, level);
  // Row j of the products is dD/dx e_j, and dD/dx is symmetric.
  const Points derivative = observed.prior.denoiser_jvp(x.replicate(d, 1), Points::Identity(d, d), level);
  const double per_move = level.alpha / (level.sigma * level.sigma);
  return {.D = D.row(0).transpose(),
          .r = observed.observation.y() - observed.observation.value(D).row(0).transpose(),
          .C = derivative / per_move,
          .J = observed.observation.jacobian(D.row(0).transpose()),
          .R = observed.observation.noise_covariance(),
          .per_move = per_move};
}

/// The guidance of `tmp`, `dps-likelihood` and `dps` with zeta = 1, where `transposed` stands for J^T.
std::vector<VectorXd> guidance(const Quantities& of, const MatrixXd& transposed) {
  const MatrixXd pullback = of.C * transposed;
  const MatrixXd Q = of.J * of.C * transposed + of.R;
  return {pullback * Q.inverse() * of.r, pullback * of.R.inverse() * of.r,
          2.0 * of.per_move * (pullback * of.r) / of.r.norm()};
}

TEST(GoldenNonlinearObservations, TellJFromItsTranspose) {
  // dy = d, so that J in place of J^T has the right shape.
  const json& golden = case_named("guided_square");
  const char* const keys[] = {"tmp_linearised", "dps_likelihood", "dps_move_zeta_1"};
  for (const json& golden_row : golden["rows"]) {
    const Level level{golden_row["alpha"].get<double>(), golden_row["sigma"].get<double>()};
    const Quantities of = quantities_at(target_of(golden), row(golden_row["x_t"]), level);
    const std::vector<VectorXd> right = guidance(of, of.J.transpose()), planted = guidance(of, of.J);
    for (std::size_t n = 0; n < right.size(); ++n) {
      const VectorXd expected = test::vector(golden_row[keys[n]]);
      // `dps` adds a term to the step, and the others replace D.
      const VectorXd found = n == 2 ? expected : VectorXd(expected - of.D);
      EXPECT_LT(largest(right[n] - found), 1e-10 * largest(expected)) << keys[n];
      EXPECT_GT(largest(planted[n] - found), 0.1 * largest(found)) << keys[n];
      EXPECT_GT(largest(planted[n] - found), 10.0 * 1e-4 * largest(expected)) << "the tolerance of float";
    }
  }
}

}  // namespace
}  // namespace gmdiff::nonlinear_tests
