#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/model/linear_transition.hpp>
#include <gmdiff/plan/plan.hpp>

#include "golden/one_step.hpp"
#include "support/golden.hpp"

// golden/dynamics.json: single steps of SDEs and ODEs with given normals, and short paths from a seed
// (mathematics.md §16).

namespace gmdiff::dynamics_test {
namespace {

using test::json;
using test::step;

const json& golden_dynamics(const std::string& name) {
  for (const json& golden_case : test::load_golden("dynamics")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::invalid_argument("no golden case " + name);
}

Eigen::VectorXd step(const Dynamics& dynamics, const Eigen::VectorXd& x, const Eigen::VectorXd& z,
                     const Eigen::VectorXd& zeta = {}) {
  return step(dynamics_plan(dynamics), x, z, zeta);
}

void expect_near(const Eigen::VectorXd& found, const json& expected, const std::string& name,
                 double tolerance = 1e-12) {
  EXPECT_LT((found - test::vector(expected)).cwiseAbs().maxCoeff(), tolerance) << name;
}

/// The dynamics of a golden row, with one step from its x.
Dynamics dynamics_of(const json& row) {
  const std::string name = row["dynamics"];
  Dynamics dynamics{.steps = 1, .start = PointStart{row["x"].get<std::vector<double>>()}};
  if (name.starts_with("sine")) {
    dynamics.drift = {"-5*(x - sin(5*t))"};
    dynamics.noise = 1.0;
  } else if (name.starts_with("van der Pol")) {
    dynamics.drift = {"x2", "(1 - x1^2)*x2 - x1"};
    dynamics.noise = std::vector<std::string>{"(1 + t)/4", "1/2"};
  } else {
    dynamics.drift = {"a*x"};
    dynamics.noise = std::vector<std::string>{"b*x"};
    dynamics.parameters = {{"a", row["a"]}, {"b", row["b"]}};
  }
  const double h = row["h"];
  dynamics.t_start = row.contains("t") ? row["t"].get<double>() : 0.0;
  dynamics.t_end = dynamics.t_start + h;
  return dynamics;
}

TEST(GoldenDynamics, StepsHaveTheExpectedStates) {
  int checked = 0;
  for (const json& row : golden_dynamics("sde_steps")["rows"]) {
    const Eigen::VectorXd x = test::vector(row["x"]), z = test::vector(row["z"]);
    const Eigen::VectorXd zeta = row.contains("zeta") ? test::vector(row["zeta"]) : Eigen::VectorXd();
    const auto expect = [&](const char* key, Scheme scheme, bool has_noise) {
      if (!row.contains(key)) return;
      Dynamics dynamics = dynamics_of(row);
      dynamics.scheme = scheme;
      if (!has_noise) dynamics.noise = 0.0;
      expect_near(step(dynamics, x, z, zeta), row[key], row["dynamics"].get<std::string>() + " " + key);
      ++checked;
    };
    expect("euler_maruyama", Scheme::euler_maruyama, true);
    expect("heun", Scheme::heun, true);
    expect("sra1", Scheme::sra1, true);
    expect("milstein", Scheme::milstein, true);
    expect("exact", Scheme::exact, true);
    expect("euler", Scheme::euler, false);
    expect("ode_heun", Scheme::heun, false);
    expect("rk4", Scheme::rk4, false);
  }
  EXPECT_EQ(checked, 15);
}

TEST(GoldenDynamics, ExactStepsHaveTheExpectedStates) {
  for (const json& row : golden_dynamics("exact_transitions")["rows"]) {
    if (row.contains("A")) continue;
    const double h = row["delta"];
    if (row.contains("stationary_std")) {
      Dynamics dynamics = ornstein_uhlenbeck(row["stationary_std"]);
      dynamics.t_end = h;
      dynamics.steps = 1;
      const auto next = [&](double x, double z) {
        return step(dynamics, Eigen::VectorXd::Constant(1, x), Eigen::VectorXd::Constant(1, z))(0);
      };
      EXPECT_NEAR(next(row["x"], row["z"]), row["next"].get<double>(), 1e-12);
      EXPECT_NEAR(next(1.0, 0.0) / row["factor"].get<double>(), 1.0, 1e-12);
      EXPECT_NEAR(next(0.0, 1.0), row["noise_std"].get<double>(), 1e-12);
    } else {
      // The drift of Langevin dynamics on a Gaussian of independent coordinates.
      const Eigen::MatrixXd covariance = test::matrix(row["covariance"]);
      const Dynamics dynamics{.drift = {"(m1 - x1)/(2*v1)", "(m2 - x2)/(2*v2)"},
                              .noise = 1.0,
                              .parameters = {{"m1", row["mean"][0]},
                                             {"m2", row["mean"][1]},
                                             {"v1", covariance(0, 0)},
                                             {"v2", covariance(1, 1)}},
                              .t_end = h,
                              .steps = 1,
                              .scheme = Scheme::exact};
      const Eigen::VectorXd x = test::vector(row["x"]);
      const Eigen::VectorXd mean = step(dynamics, x, Eigen::VectorXd::Zero(2));
      expect_near(mean, row["transition_mean"], "mean");
      const Eigen::VectorXd deviation = step(dynamics, x, Eigen::VectorXd::Ones(2)) - mean;
      const Eigen::MatrixXd expected = test::matrix(row["transition_covariance"]);
      EXPECT_LT((deviation.cwiseAbs2() - expected.diagonal()).cwiseAbs().maxCoeff(), 1e-12);
      // The chain `ou` has the same transition.
      const Mixture target({1.0}, test::vector(row["mean"]).transpose(),
                           Covariance::diag(covariance.diagonal().transpose()));
      const Plan chain = mcmc_plan(target, OrnsteinUhlenbeck{.step = h});
      expect_near(step(chain, x, Eigen::VectorXd::Zero(2)), row["transition_mean"], "mean of the chain");
      EXPECT_LT((step(chain, x, Eigen::VectorXd::Ones(2)) - mean - deviation).cwiseAbs().maxCoeff(), 1e-12);
    }
  }
}

TEST(GoldenDynamics, LinearTransitionsHaveTheExpectedMoments) {
  int checked = 0;
  for (const json& row : golden_dynamics("exact_transitions")["rows"]) {
    if (!row.contains("A")) continue;
    const Eigen::MatrixXd A = test::matrix(row["A"]), S = test::matrix(row["noise_covariance_rate"]);
    const Eigen::VectorXd c = test::vector(row["c"]), x = test::vector(row["x"]);
    const LinearTransition whole = linear_transition(A, c, S, row["h"]);
    expect_near(whole.F * x + whole.shift, row["transition_mean"], "mean");
    const Eigen::MatrixXd expected = test::matrix(row["transition_covariance"]);
    EXPECT_LT((whole.covariance() - expected).cwiseAbs().maxCoeff(), 1e-12);
    // A point is a mixture without variance.
    const Mixture law = whole.law(Mixture({1.0}, x.transpose(), Covariance::spherical({0.0})));
    expect_near(law.mean(), row["transition_mean"], "mean of the law");
    EXPECT_LT((law.covariance() - expected).cwiseAbs().maxCoeff(), 1e-12);
    ++checked;
  }
  EXPECT_EQ(checked, 1);
}

TEST(GoldenDynamics, CoupledExactStepsAreLinearTransitions) {
  const Eigen::Matrix2d A{{-1.0, 2.0}, {-0.5, -0.25}};
  const Eigen::Vector2d b(0.5, -1.0), sigma(0.75, 0.0), x(1.0, -0.5), z(0.5, -1.25);
  const Dynamics dynamics{.drift = {"-x1 + 2*x2 + 1/2", "-(x1/2 + x2/4) - 1"},
                          .noise = std::vector<double>{0.75, 0.0},
                          .t_end = 0.5,
                          .steps = 1,
                          .scheme = Scheme::exact};
  const LinearTransition whole = linear_transition(A, b, sigma.cwiseAbs2().asDiagonal(), 0.5);
  const Eigen::VectorXd expected = whole.F * x + whole.shift + whole.factor * z;
  EXPECT_LT((step(dynamics, x, z) - expected).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(GoldenDynamics, ChainsOnANormalLawHaveTheTransitionOfTheirDiffusion) {
  const Eigen::Matrix2d covariance{{1.5, 0.5}, {0.5, 0.75}};
  const Eigen::Vector2d mu(0.5, -2.0), x(1.0, 3.0);
  constexpr double speed = 2.0, time = 0.375;
  // dX = (c/2) Gamma^{-1} (mu - X) dt + sqrt(c) dW
  const Eigen::Matrix2d precision = Eigen::Matrix2d{{0.75, -0.5}, {-0.5, 1.5}} / (1.5 * 0.75 - 0.25);
  const Eigen::Matrix2d A = -0.5 * speed * precision;
  const LinearTransition expected =
      linear_transition(0.5 * (A + A.transpose()), -A * mu, speed * Eigen::Matrix2d::Identity(), time);
  for (const Covariance& given : {Covariance::full({covariance}), Covariance::tied(covariance)}) {
    const Mixture target({1.0}, mu.transpose(), given);
    const Plan plan = mcmc_plan(target, OrnsteinUhlenbeck{.step = time, .speed = speed});
    const Eigen::Vector2d mean = step(plan, x, Eigen::Vector2d::Zero());
    EXPECT_LT((mean - expected.F * x - expected.shift).cwiseAbs().maxCoeff(), 1e-13);
    Eigen::Matrix2d factor;
    factor.col(0) = step(plan, x, Eigen::Vector2d::UnitX()) - mean;
    factor.col(1) = step(plan, x, Eigen::Vector2d::UnitY()) - mean;
    EXPECT_LT((factor * factor.transpose() - expected.covariance()).cwiseAbs().maxCoeff(), 1e-13);
  }
  // A coordinate without variance moves to its mean.
  const Mixture flat({1.0}, mu.transpose(), Covariance::diag(Points{{1.0, 0.0}}));
  EXPECT_EQ(step(mcmc_plan(flat, OrnsteinUhlenbeck{.step = time}), x, Eigen::Vector2d::Ones())(1), -2.0);
}

TEST(GoldenDynamics, PathsHaveTheExpectedStates) {
  const json& expected = golden_dynamics("chain_sde");
  for (const auto& [key, scheme] : std::map<std::string, Scheme>{
           {"euler_maruyama", Scheme::euler_maruyama}, {"heun", Scheme::heun}, {"sra1", Scheme::sra1}}) {
    for (const json& row : expected["rows"]) {
      const json& states = row["states"];
      Dynamics dynamics = sine_dynamics();
      dynamics.steps = static_cast<int>(states.size());
      dynamics.t_end = dynamics.steps * expected["h"].get<double>();
      dynamics.scheme = scheme;
      for (const Device& device : {Device::reference(), Device::cpu()}) {
        const Samples samples = simulate(dynamics, {.count = 1,
                                                    .seed = 20240702,
                                                    .device = device,
                                                    .precision = Precision::f64,
                                                    .first = row["path"],
                                                    .history = dynamics.steps + 1});
        const Points found = samples.to_double();
        for (std::size_t s = 0; s < states.size(); ++s) {
          EXPECT_EQ(samples.times()[s + 1], states[s]["t"].get<double>());
          EXPECT_NEAR(found(static_cast<Eigen::Index>(s) + 1, 0), states[s][key][0].get<double>(), 1e-10)
              << key << " at " << states[s]["t"];
        }
      }
    }
  }
}

}  // namespace
}  // namespace gmdiff::dynamics_test
