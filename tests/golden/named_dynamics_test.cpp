#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/model/linear_transition.hpp>
#include <gmdiff/plan/plan.hpp>

#include "golden/one_step.hpp"
#include "support/golden.hpp"

// Dynamics by name (mathematics.md §16.4): golden/flow.json has drifts of processes and ends of their
// probability flows; other steps are compared with the formulas and with samplers that make the same ones.

namespace gmdiff::named_dynamics_test {
namespace {

using test::json;
using test::step;
using Vector = Eigen::VectorXd;

const json& golden_flow(const std::string& name) {
  for (const json& golden_case : test::load_golden("flow")["cases"]) {
    if (golden_case["name"] == name) return golden_case;
  }
  throw std::invalid_argument("no golden case " + name);
}

void expect_near(const Vector& found, const Vector& expected, double tolerance, const std::string& name) {
  EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), tolerance) << name;
}

Mixture two_modes() {
  return {{0.25, 0.75},
          Points{{-1.0, 0.5}, {1.5, -0.25}},
          Covariance::full(
              {Eigen::Matrix2d{{0.5, 0.25}, {0.25, 1.0}}, Eigen::Matrix2d{{1.0, -0.5}, {-0.5, 0.75}}})};
}

// ----- golden values

/// dX = -(beta/2) X dt + sqrt(beta) dW around the time `now`, where alpha and sigma have the values of a row.
constexpr double now = 1.0 / 256.0;
CustomProcess process_at(const json& row) {
  const double alpha = row["alpha"], sigma = row["sigma"], beta = row["beta"];
  const double dalpha = -0.5 * beta * alpha, dsigma = 0.5 * beta * (1.0 / sigma - sigma);
  return {.alpha = [=](double t) { return alpha + dalpha * (t - now); },
          .sigma = [=](double t) { return sigma + dsigma * (t - now); },
          .dalpha = [=](double) { return dalpha; },
          .dsigma = [=](double) { return dsigma; },
          .T = 2.0 * now};
}

/// The drift at x and the time `now`, backwards as well as forwards.
Vector drift(NamedDynamics named, const Vector& x) {
  const Dynamics dynamics{.named = std::move(named), .t_start = now, .t_end = 2.0 * now, .steps = 1};
  return (step(dynamics_plan(dynamics), x, Vector::Zero(x.size())) - x) / now;
}

TEST(GoldenNamedDynamics, DriftsAreThoseOfTheProcess) {
  const json& expected = golden_flow("reverse_vp");
  const json& prior = expected["prior"];
  const Mixture law(prior["weights"].get<std::vector<double>>(), test::matrix(prior["means"]),
                    Covariance::full(test::matrices(prior["covariance"]["values"])));
  for (const json& row : expected["rows"]) {
    const Vector x = test::vector(row["x"]), score = test::vector(row["score"]);
    const CustomProcess process = process_at(row);
    const Vector reverse = drift(ReverseDynamics{.prior = law, .process = process}, x);
    expect_near(reverse, test::vector(row["reverse_drift"]), 1e-12, "reverse");
    const Vector velocity = test::vector(row["ode_velocity"]);
    expect_near(drift(ProbabilityFlowDynamics{.prior = law, .process = process}, x), velocity, 1e-12, "flow");
    expect_near(drift(ReverseDynamics{.prior = law, .process = process, .zeta = 0.0}, x), -velocity, 1e-12,
                "flow backwards");
    // The formula of the reverse process, applied to it, gives the process.
    const Vector again = -reverse + row["beta"].get<double>() * score;
    expect_near(again, test::vector(row["reverse_of_reverse_drift"]), 1e-12, "reverse of reverse");
    expect_near(drift(NaiveBackwardDynamics{.prior = law, .process = process}, x),
                -test::vector(row["reverse_of_reverse_drift"]), 1e-12, "naive backward");
  }
}

double end_of(Dynamics dynamics, double x, double t_start, double t_end) {
  dynamics.t_start = t_start;
  dynamics.t_end = t_end;
  dynamics.steps = 400;
  dynamics.scheme = Scheme::rk4;
  dynamics.start = PointStart{{x}};
  return simulate(dynamics, {.count = 1, .device = Device::cpu(1), .precision = Precision::f64})
      .to_double()(0, 0);
}

TEST(GoldenNamedDynamics, ProbabilityFlowsAreQuantileMapsInBothDirections) {
  const json& expected = golden_flow("ode_quantile_map");
  const json& prior = expected["prior"];
  const Vector means = test::vector(prior["means"]), std = test::vector(prior["std"]);
  const Mixture law(prior["weights"].get<std::vector<double>>(), means,
                    Covariance::spherical({std(0) * std(0), std(1) * std(1)}));
  const double T = Ou{}.T;
  for (const json& row : expected["rows"]) {
    const double x0 = row["x0"], t = row["t"], end = row["x_t"];
    // The first and the last evaluation are those of the score of the data.
    EXPECT_NEAR(end_of(probability_flow_dynamics(law, Ou{}), x0, 0.0, t), end, 1e-8);
    EXPECT_NEAR(end_of(reverse_dynamics(law, Ou{}, 0.0), end, T - t, T), x0, 1e-7);
  }
  for (const json& row : golden_flow("ode_brownian")["rows"]) {
    const Mixture normal({1.0}, Points::Zero(1, 1), Covariance::spherical({row["v0"].get<double>()}));
    const double t = std::sqrt(row["t"].get<double>());  // x_0 + t eps
    EXPECT_NEAR(end_of(probability_flow_dynamics(normal, Edm{}), row["x0"], 0.0, t), row["x_t"].get<double>(),
                1e-6);
  }
}

// ----- the formulas of §16.2 with drift and noise in double

struct Formula {
  std::function<Vector(double u, const Vector& x)> mu;
  std::function<double(double u)> S;
};

Vector by_formula(Scheme scheme, const Formula& of, double t, double h, const Vector& x, const Vector& z,
                  const Vector& zeta) {
  const Vector mu = of.mu(t, x);
  if (scheme == Scheme::euler_maruyama) return x + h * mu + std::sqrt(h) * of.S(t) * z;
  if (scheme == Scheme::heun) {
    const double mean = std::sqrt(0.5 * (of.S(t) * of.S(t) + of.S(t + h) * of.S(t + h)));
    const Vector w = std::sqrt(h) * mean * z;
    return x + 0.5 * h * (mu + of.mu(t + h, x + h * mu + w)) + w;
  }
  if (scheme == Scheme::sra1) {
    const Vector k = 0.5 * (std::sqrt(h) * z + std::sqrt(h / 3.0) * zeta);
    const Vector y = x + 0.75 * h * mu + 1.5 * of.S(t + h) * k;
    return x + h / 3.0 * (mu + 2.0 * of.mu(t + 0.75 * h, y)) + of.S(t + h) * (std::sqrt(h) * z - k) +
           of.S(t) * k;
  }
  const Vector k2 = of.mu(t + h / 2, x + h / 2 * mu), k3 = of.mu(t + h / 2, x + h / 2 * k2),
               k4 = of.mu(t + h, x + h * k3);
  return x + h / 6 * (mu + 2 * k2 + 2 * k3 + k4);
}

/// All steps from u = 0 to 0.75 of every scheme have the values of the formula.
void expect_steps(Dynamics dynamics, const std::vector<Scheme>& schemes, const Formula& formula) {
  const Vector x = Eigen::Vector2d(0.75, -0.5), z = Eigen::Vector2d(0.5, -1.25),
               zeta = Eigen::Vector2d(-1, 0.25);
  dynamics.t_start = 0.0;
  dynamics.t_end = 0.75;
  dynamics.steps = 6;
  dynamics.start = PointStart{{0.0, 0.0}};
  for (const Scheme scheme : schemes) {
    dynamics.scheme = scheme;
    const Plan plan = dynamics_plan(dynamics);
    for (int s = 0; s < dynamics.steps; ++s)
      expect_near(step(plan, x, z, zeta, s), by_formula(scheme, formula, 0.125 * s, 0.125, x, z, zeta), 1e-12,
                  std::string(name_of(*dynamics.named)) + " " + to_string(scheme));
  }
}

const std::vector<Scheme>& schemes_of_sdes() {
  static const std::vector<Scheme> schemes{Scheme::euler_maruyama, Scheme::heun, Scheme::sra1};
  return schemes;
}

TEST(NamedDynamicsSteps, HaveTheValuesOfTheFormulas) {
  const Mixture law = two_modes();
  const Vp description{.beta = LinearBeta{.min = 0.5, .max = 3.0}};
  const ForwardProcess process(description);
  const auto score = [&](double t, const Vector& x) -> Vector {
    return law.score(x.transpose(), process.level(t)).row(0).transpose();
  };
  const auto g = [&](double t) { return std::sqrt(process.squared_diffusion(t)); };
  for (const double zeta : {1.0, 0.5}) {
    const auto mu = [&](double u, const Vector& x) -> Vector {
      const double t = 1.0 - u;
      return -process.drift(t) * x + 0.5 * (1.0 + zeta * zeta) * g(t) * g(t) * score(t, x);
    };
    expect_steps(reverse_dynamics(law, description, zeta), schemes_of_sdes(),
                 {.mu = mu, .S = [&](double u) { return zeta * g(1.0 - u); }});
  }
  const auto velocity = [&](double t, const Vector& x) -> Vector {
    return process.drift(t) * x - 0.5 * g(t) * g(t) * score(t, x);
  };
  expect_steps(probability_flow_dynamics(law, description), {Scheme::rk4, Scheme::heun},
               {.mu = velocity, .S = [](double) { return 0.0; }});
  expect_steps(naive_backward_dynamics(law, description), schemes_of_sdes(),
               {.mu = [&](double u, const Vector& x) -> Vector { return -process.drift(1.0 - u) * x; },
                .S = [&](double u) { return g(1.0 - u); }});
  constexpr double c = 2.5;
  const auto langevin = [&](double /*t*/, const Vector& x) -> Vector {
    return 0.5 * c * law.score(x.transpose()).row(0).transpose();
  };
  expect_steps(langevin_dynamics(law, c), schemes_of_sdes(),
               {.mu = langevin, .S = [](double) { return std::sqrt(c); }});
  const Target banana = Banana{};
  const auto of_target = [&](double /*t*/, const Vector& x) -> Vector {
    return 0.5 * banana.gradient(x.transpose()).row(0).transpose();
  };
  expect_steps(langevin_dynamics(banana), schemes_of_sdes(),
               {.mu = of_target, .S = [](double) { return 1.0; }});
}

// ----- other methods with the same steps

TEST(NamedDynamicsSteps, OfLangevinByEulerMaruyamaAreThoseOfUla) {
  const Vector x = Eigen::Vector2d(0.75, -0.5), z = Eigen::Vector2d(0.5, -1.25);
  constexpr double h = 0.25, speed = 1.5;
  for (const std::variant<Mixture, Target>& law :
       {std::variant<Mixture, Target>(two_modes()), std::variant<Mixture, Target>(Target(Banana{}))}) {
    Dynamics dynamics = langevin_dynamics(law, speed);
    dynamics.t_end = h;
    dynamics.steps = 1;
    const Ula ula{.step = h, .speed = speed};
    const Plan chain =
        std::visit([&](const auto& target) { return mcmc_plan(target, McmcSampler(ula)); }, law);
    expect_near(step(dynamics_plan(dynamics), x, z), step(chain, x, z), 1e-14, "ula");
  }
}

TEST(NamedDynamicsSteps, OfReverseByEulerMaruyamaAreThoseOfTheSampler) {
  const ForwardProcess process(Vp{});
  for (const double zeta : {0.0, 0.5, 1.0}) {
    Dynamics dynamics = reverse_dynamics(two_modes(), Vp{}, zeta);
    dynamics.steps = 8;
    const Plan plan = dynamics_plan(dynamics);
    const Mixture law = two_modes();
    const Plan sampler = sampling_plan(std::span(&law, 1), process, TimeGrid::uniform(process, 8),
                                       EulerMaruyama{.zeta = zeta, .finish = Finish::step});
    ASSERT_EQ(plan.steps.size(), sampler.steps.size());
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      const auto& row = std::get<AffineStep>(sampler.steps[s]);
      const std::vector<Stage>& stages = std::get<Program>(plan.steps[s]).stages;
      ASSERT_EQ(stages.size(), 2U);
      EXPECT_EQ(std::get<Evaluate>(stages[0]).level.sigma, row.level1.sigma);
      const auto& sum = std::get<Combine>(stages[1]);
      EXPECT_NEAR(sum.terms[0].factor, row.a, 1e-13);
      EXPECT_NEAR(sum.terms[1].factor, row.b_1, 1e-13);
      EXPECT_NEAR(sum.noise, row.e, 1e-14);
    }
  }
}

// ----- linear dynamics

TEST(NamedDynamicsSteps, OfLinearAreThoseOfTheTexts) {
  const Eigen::Matrix2d A{{-1.0, 2.0}, {-0.5, -0.25}};
  const Eigen::Vector2d b(0.5, -1.0), sigma(0.75, 0.5), x(1.0, -0.5), z(0.5, -1.25), zeta(1.0, 0.25);
  Dynamics texts{.drift = {"-x1 + 2*x2 + 1/2", "-(x1/2 + x2/4) - 1"},
                 .noise = std::vector<double>{0.75, 0.5}};
  Dynamics linear = linear_dynamics(A, b, sigma.cwiseAbs2().asDiagonal());
  for (const Scheme scheme :
       {Scheme::euler_maruyama, Scheme::heun, Scheme::sra1, Scheme::milstein, Scheme::exact}) {
    for (Dynamics* dynamics : {&texts, &linear}) {
      dynamics->scheme = scheme;
      dynamics->t_end = 0.5;
      dynamics->steps = 1;
    }
    expect_near(step(dynamics_plan(linear), x, z, zeta), step(dynamics_plan(texts), x, z, zeta), 1e-14,
                to_string(scheme));
  }
}

TEST(NamedDynamicsSteps, OfLinearHaveTheCovarianceThatIsGiven) {
  const Eigen::Matrix2d A{{-1.0, 2.0}, {-0.5, -0.25}}, S{{1.0, 0.5}, {0.5, 0.75}};
  const Eigen::Vector2d x(1.0, -0.5), none = Eigen::Vector2d::Zero();
  Dynamics dynamics = linear_dynamics(A, {}, S);
  dynamics.t_end = 0.5;
  dynamics.steps = 1;
  const auto covariance = [&](Scheme scheme) -> Eigen::Matrix2d {
    dynamics.scheme = scheme;
    const Plan plan = dynamics_plan(dynamics);
    Eigen::Matrix2d factor;
    factor.col(0) = step(plan, x, Eigen::Vector2d::UnitX(), none) - step(plan, x, none, none);
    factor.col(1) = step(plan, x, Eigen::Vector2d::UnitY(), none) - step(plan, x, none, none);
    return factor * factor.transpose();
  };
  EXPECT_LT((covariance(Scheme::euler_maruyama) - 0.5 * S).cwiseAbs().maxCoeff(), 1e-14);
  const Eigen::Matrix2d moved = Eigen::Matrix2d::Identity() + 0.25 * A;  // of w by heun
  EXPECT_LT((covariance(Scheme::heun) - 0.5 * moved * S * moved.transpose()).cwiseAbs().maxCoeff(), 1e-14);
  const LinearTransition exact = linear_transition(A, none, S, 0.5);
  EXPECT_LT((covariance(Scheme::exact) - exact.covariance()).cwiseAbs().maxCoeff(), 1e-14);
}

}  // namespace
}  // namespace gmdiff::named_dynamics_test
