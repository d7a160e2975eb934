#include <cmath>
#include <functional>

#include <gtest/gtest.h>
#include <gmdiff/model/generator.hpp>
#include <gmdiff/model/probability_flow.hpp>

#include "support/golden.hpp"

// golden/flow.json: velocities and divergences of probability flows, their paths, and generators of SDEs.

namespace gmdiff::flow_test {
namespace {

using test::json;

const json& golden_flow(const std::string& name) {
  for (const json& golden_case : test::load_golden("flow")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::invalid_argument("no golden case " + name);
}

/// dX = -(beta/2) X dt + sqrt(beta) dW around the time 1/256, where alpha and sigma have the values of a row.
ForwardProcess process_at(const json& row) {
  const double alpha = row["alpha"], sigma = row["sigma"], beta = row["beta"];
  const double dalpha = -0.5 * beta * alpha, dsigma = 0.5 * beta * (1.0 / sigma - sigma);
  constexpr double now = 1.0 / 256.0;
  return ForwardProcess(CustomProcess{.alpha = [=](double t) { return alpha + dalpha * (t - now); },
                                      .sigma = [=](double t) { return sigma + dsigma * (t - now); },
                                      .dalpha = [=](double) { return dalpha; },
                                      .dsigma = [=](double) { return dsigma; },
                                      .T = 2.0 * now});
}

TEST(GoldenFlow, VelocitiesAndDivergencesAreThoseOfTheProbabilityFlow) {
  const json& expected = golden_flow("reverse_vp");
  const json& prior = expected["prior"];
  const Mixture law(prior["weights"].get<std::vector<double>>(), test::matrix(prior["means"]),
                    Covariance::full(test::matrices(prior["covariance"]["values"])));
  for (const json& row : expected["rows"]) {
    const Points x = test::vector(row["x"]).transpose();
    const ProbabilityFlow flow = probability_flow(law, process_at(row), x, 1.0 / 256.0);
    EXPECT_LT((flow.velocity.row(0).transpose() - test::vector(row["ode_velocity"])).cwiseAbs().maxCoeff(),
              1e-12);
    EXPECT_NEAR(flow.divergence(0), row["ode_divergence"].get<double>(), 1e-12);
  }
}

/// The end of the path from x, and the integral of the divergence along it, by Runge-Kutta steps in time.
struct FlowEnd {
  double x;
  double divergence;
};
FlowEnd flow_end(const Mixture& law, const ForwardProcess& process, double x, double t_end) {
  constexpr int steps = 400;
  const double h = t_end / steps;
  const auto slope = [&](double t, double at) {
    const ProbabilityFlow flow = probability_flow(law, process, Points::Constant(1, 1, at), t);
    return FlowEnd{flow.velocity(0, 0), flow.divergence(0)};
  };
  FlowEnd end{x, 0.0};
  for (int s = 0; s < steps; ++s) {
    const double t = s * h;
    const FlowEnd k1 = slope(t, end.x), k2 = slope(t + h / 2, end.x + h / 2 * k1.x),
                  k3 = slope(t + h / 2, end.x + h / 2 * k2.x),
                  k4 = slope(std::min(t + h, t_end), end.x + h * k3.x);
    end.x += h / 6 * (k1.x + 2 * k2.x + 2 * k3.x + k4.x);
    end.divergence += h / 6 * (k1.divergence + 2 * k2.divergence + 2 * k3.divergence + k4.divergence);
  }
  return end;
}

TEST(GoldenFlow, PathsAreQuantileMapsAndTheirDivergenceChangesTheDensity) {
  const json& expected = golden_flow("ode_quantile_map");
  const json& prior = expected["prior"];
  const Eigen::VectorXd means = test::vector(prior["means"]), std = test::vector(prior["std"]);
  const Mixture law(prior["weights"].get<std::vector<double>>(), means,
                    Covariance::spherical({std(0) * std(0), std(1) * std(1)}));
  const ForwardProcess process(Ou{});
  for (const json& row : expected["rows"]) {
    const double x0 = row["x0"], t = row["t"];
    const FlowEnd end = flow_end(law, process, x0, t);
    EXPECT_NEAR(end.x, row["x_t"].get<double>(), 1e-8);
    // d/dt log p_t(x_t) = -divergence
    const double before = law.log_pdf(Points::Constant(1, 1, x0))(0);
    const double after = law.log_pdf(Points::Constant(1, 1, end.x), process.level(t))(0);
    EXPECT_NEAR(after - before, -end.divergence, 1e-7);
  }
}

TEST(GoldenFlow, ABrownianMotionFromANormalLawIsStretched) {
  for (const json& row : golden_flow("ode_brownian")["rows"]) {
    const Mixture law({1.0}, Points::Zero(1, 1), Covariance::spherical({row["v0"].get<double>()}));
    // x_0 + sqrt(t) eps is that of this process at the time sqrt(t).
    const FlowEnd end = flow_end(law, ForwardProcess(Edm{}), row["x0"], std::sqrt(row["t"].get<double>()));
    EXPECT_NEAR(end.x, row["x_t"].get<double>(), 1e-6);
  }
}

TEST(GoldenFlow, GeneratorsOfExpressionsHaveTheExpectedValues) {
  const Dynamics sine{.drift = {"-5*(x - sin(5*t))"}, .noise = 1.0};
  int checked = 0;
  for (const json& row : golden_flow("generator")["rows"]) {
    const Points x = Points::Constant(1, 1, row["x"].get<double>());
    Dynamics dynamics = sine;
    dynamics.noise = row["sigma"].get<double>();
    const double t = row["t"];
    EXPECT_NEAR(generator(dynamics, Expression("x"), x, t)(0), row["drift"].get<double>(), 1e-12);
    EXPECT_NEAR(generator(dynamics, Expression(row["F"].get<std::string>()), x, t)(0),
                row["LF"].get<double>(), 1e-12);
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

}  // namespace
}  // namespace gmdiff::flow_test
