#include <gmdiff/io/problem_file.hpp>

#include <cmath>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <gmdiff/model/generator.hpp>
#include <gmdiff/plan/plan.hpp>

#include "unit/io_support.hpp"

// Problem files with dynamics.

namespace gmdiff {
namespace {

using test::error_of;

Dynamics read_text(const std::string& json) {
  std::istringstream in(json);
  return std::get<DynamicsProblem>(read_any_problem(in, "p.json", {})).dynamics;
}
/// The error of a file with these further keys beside one drift.
std::string refusal(const std::string& keys) {
  return error_of([&] { read_text(R"({"dynamics": {"drift": ["-x"])" + keys + "}}"); });
}

TEST(DynamicsProblems, AreReadWithTheirDefaults) {
  const Dynamics dynamics = read_text(R"({"dynamics": {"drift": ["x2", "-x1"]}})");
  EXPECT_EQ(dynamics.drift, (std::vector<std::string>{"x2", "-x1"}));
  EXPECT_EQ(std::get<double>(dynamics.noise), 0.0);
  EXPECT_EQ(dynamics.t_end, 1.0);
  EXPECT_EQ(dynamics.steps, 1000);
  EXPECT_EQ(dynamics.scheme, Scheme::euler_maruyama);
  EXPECT_EQ(std::get<GaussianStart>(dynamics.start).std, 1.0);
}

TEST(DynamicsProblems, AreWrittenAsTheyAreRead) {
  const std::vector<DynamicsNoise> noises{0.5, std::vector<double>{0.5, 0.25},
                                          std::vector<std::string>{"a*x1", "t"}, 0.25};
  const std::vector<DynamicsStart> starts{PointStart{{1.0, 2.0}}, GaussianStart{},
                                          GaussianStart{.mean = {1.0, 2.0}, .std = 0.5},
                                          Mixture({0.25, 0.75}, Points{{1.0, 2.0}, {0.0, -1.0}},
                                                  Covariance::diag(Points{{0.5, 0.25}, {1.0, 2.0}}))};
  for (std::size_t i = 0; i < 4; ++i) {
    const DynamicsProblem problem{.dynamics = {.drift = {"x2", "-a*x1"},
                                               .noise = noises[i],
                                               .parameters = {{"a", 3.0}},
                                               .t_start = -1.0,
                                               .steps = 7,
                                               .scheme = Scheme::euler_maruyama,
                                               .start = starts[i],
                                               .path_steps = i == 3 ? 21 : 0}};
    const std::string text = to_json(problem);
    const Dynamics read = read_text(text);
    EXPECT_EQ(to_json(DynamicsProblem{read}), text);
    EXPECT_EQ(read.noise, noises[i]);
    EXPECT_EQ(read.parameters, problem.dynamics.parameters);
    EXPECT_EQ(read.start.index(), starts[i].index());
    EXPECT_EQ(read.path_steps, problem.dynamics.path_steps);
  }
}

TEST(DynamicsProblems, RefuseBadFilesWithTheirPlace) {
  EXPECT_EQ(refusal(R"(, "noise": -1)"), "p.json: dynamics: noise must be >= 0 and finite, got -1");
  EXPECT_EQ(refusal(R"(, "noise": "1")"),
            "p.json: dynamics.noise: expected a number, a list of numbers or a list of texts, given \"1\"");
  EXPECT_EQ(refusal(R"(, "noise": ["1", 2])"), "p.json: dynamics.noise[1]: expected a text, given 2");
  EXPECT_EQ(refusal(R"(, "steps": 0)"),
            "p.json: dynamics.steps: expected an integer from 1 to 1000000, given 0");
  EXPECT_EQ(refusal(R"(, "t_end": -1)"),
            "p.json: dynamics: t_end must be finite and greater than t_start = 0, got -1");
  EXPECT_NE(refusal(R"(, "scheme": "eular")").find("p.json: dynamics.scheme: "), std::string::npos);
  EXPECT_NE(refusal(R"(, "scheme": "eular")").find("euler"), std::string::npos);
  EXPECT_NE(refusal(R"(, "nois": 1)").find("unknown key \"nois\""), std::string::npos);
  EXPECT_NE(refusal(R"(, "start": {"point": [0], "std": 1})").find("p.json: dynamics.start: unknown key"),
            std::string::npos);
  EXPECT_EQ(
      refusal(
          R"(, "start": {"weights": [1], "means": [[0, 1]], "covariance": {"type": "spherical", "values": [1]}})"),
      "p.json: dynamics: the mixture of the start has dimension 2, expected 1, the number of drifts");
  EXPECT_EQ(refusal(R"(, "start": {"weights": [1]})"), "p.json: dynamics.start: missing key \"means\"");
  EXPECT_EQ(
      refusal(R"(, "steps": 6, "path_steps": 9)"),
      "p.json: dynamics: path_steps must be a multiple of steps = 6, at most 4096 times as much, got 9");
  EXPECT_EQ(refusal(R"(, "noise": ["y"])").substr(0, 53),
            "p.json: dynamics: noise 1: expression \"y\": column 1: ");
  EXPECT_EQ(error_of([] { read_text(R"({"dynamics": {"drift": "x"}})"); }),
            "p.json: dynamics.drift: expected a list of texts, given \"x\"");
  EXPECT_EQ(error_of([] { read_text(R"({"dynamics": {"drift": ["x"]}, "prior": {}})"); }),
            "p.json: \"prior\" and \"dynamics\" exclude each other");
  EXPECT_EQ(error_of([] { parse_problem(R"({"dynamics": {"drift": ["x"]}})", "p.json"); }),
            "p.json has dynamics; expected a prior");
}

// ----- dynamics by name

constexpr const char* normal =
    R"({"weights": [1], "means": [[0.5]], "covariance": {"type": "spherical", "values": [2]}})";
constexpr const char* flat =
    R"({"weights": [1], "means": [[0.5]], "covariance": {"type": "spherical", "values": [0]}})";

Dynamics read_named(const std::string& keys) { return read_text(R"({"dynamics": {)" + keys + "}}"); }
std::string refusal_of_named(const std::string& keys) {
  return error_of([&] { read_named(keys); });
}
std::string with_prior(const std::string& type, const std::string& keys = "") {
  return R"("type": ")" + type + R"(", "prior": )" + normal + keys;
}

TEST(NamedDynamicsProblems, AreReadWithTheirDefaults) {
  const Dynamics reverse = read_named(with_prior("reverse", R"(, "process": {"type": "ou", "T": 3})"));
  EXPECT_EQ(std::get<ReverseDynamics>(*reverse.named).zeta, 1.0);
  EXPECT_EQ(reverse.t_end, 3.0);
  EXPECT_TRUE(std::holds_alternative<ExactStart>(reverse.start));
  EXPECT_EQ(dim_of(reverse), 1);
  const Dynamics langevin = read_named(R"("type": "langevin", "target": {"type": "banana"})");
  EXPECT_EQ(std::get<LangevinDynamics>(*langevin.named).speed, 1.0);
  EXPECT_TRUE(std::holds_alternative<GaussianStart>(langevin.start));
  EXPECT_EQ(dim_of(langevin), 2);
  EXPECT_EQ(read_named(R"("type": "linear", "A": [[-1]])").scheme, Scheme::exact);
  EXPECT_EQ(read_named(R"("type": "brownian", "dim": 2, "std": 0.5)").drift, brownian(2).drift);
  EXPECT_EQ(read_named(R"("type": "ou", "std": 3)").parameters, ornstein_uhlenbeck(3.0).parameters);
  EXPECT_EQ(read_named(R"("type": "geometric", "a": 0.5, "b": 2)").parameters,
            geometric_brownian(0.5, 2.0).parameters);
  EXPECT_EQ(read_named(R"("type": "sine", "steps": 10)").steps, 10);
  const Dynamics linear = read_named(R"("type": "linear", "A": [[0, 1], [-1, 0]], "noise": [0.5, 0])");
  EXPECT_EQ(std::get<LinearDynamics>(*linear.named).S, (Eigen::Matrix2d{{0.25, 0.0}, {0.0, 0.0}}));
}

TEST(NamedDynamicsProblems, AreWrittenAsTheyAreRead) {
  for (const std::string& keys :
       {with_prior("reverse", R"(, "zeta": 0.5, "steps": 7, "start": {"point": [1]})"),
        with_prior("probability-flow", R"(, "process": {"type": "edm"}, "scheme": "rk4")"),
        with_prior("naive-backward", R"(, "t_start": 0.25, "path_steps": 2000)"),
        std::string(R"("type": "langevin", "speed": 2, "target": )") + normal,
        std::string(
            R"("type": "langevin", "target": {"type": "banana", "curvature": 0.5}, "start": "exact")"),
        std::string(
            R"("type": "linear", "A": [[0, 1], [-1, 0]], "b": [1, 2], "covariance": [[1, 0.5], [0.5, 1]])"),
        std::string(R"("type": "ou", "std": 2)")}) {
    const std::string text = to_json(DynamicsProblem{read_named(keys)});
    const Dynamics again = read_text(text);
    EXPECT_EQ(to_json(DynamicsProblem{again}), text);
    EXPECT_EQ(dynamics_plan(again).hash(), dynamics_plan(read_named(keys)).hash()) << text;
  }
}

TEST(NamedDynamicsProblems, RefuseBadFilesWithTheirPlace) {
  const auto expect = [](const std::string& keys, const std::string& message) {
    EXPECT_EQ(refusal_of_named(keys), "p.json: " + message);
  };
  EXPECT_NE(refusal_of_named(R"("type": "langevine")").find("p.json: dynamics.type: "), std::string::npos);
  EXPECT_NE(refusal_of_named(R"("type": "langevine")").find("langevin"), std::string::npos);
  EXPECT_NE(refusal_of_named(R"("type": "langevin", "target": {"type": "banana"}, "drift": ["x"])")
                .find("unknown key \"drift\""),
            std::string::npos);
  expect(R"("type": "langevin")", "dynamics: missing key \"target\"");
  expect(R"("type": "langevin", "target": {"type": "banana"}, "speed": 0)",
         "dynamics: langevin: speed must be > 0 and finite, got 0");
  expect(std::string(R"("type": "langevin", "target": )") + flat,
         "dynamics: langevin: component 0 of the law has a singular covariance, so the law has no density");
  expect(
      R"("type": "langevin", "target": {"type": "expression", "density": "-x^2"}, "start": "exact")",
      "dynamics: langevin: expression has no exact draws; expected a start at a point or from a normal law");
  expect(
      R"("type": "langevin", "target": {"type": "banana"}, "scheme": "rk4")",
      "dynamics: the scheme rk4 integrates ODEs, and langevin has noise; use euler-maruyama, heun or sra1");
  expect(
      with_prior("reverse", R"(, "scheme": "exact")"),
      "dynamics: the scheme exact needs a linear drift with constant coefficients, and reverse has none; use "
      "euler-maruyama, heun or sra1");
  expect(with_prior("reverse", R"(, "zeta": -1)"), "dynamics: reverse: zeta must be >= 0 and finite, got -1");
  expect(with_prior("reverse", R"(, "t_end": 2)"),
         "dynamics: reverse: expected times from 0 to T = 1 of the process, got 0 to 2");
  expect(with_prior("probability-flow", R"(, "t_start": -1)"),
         "dynamics: probability-flow: expected times from 0 to T = 1 of the process, got -1 to 1");
  expect(with_prior("reverse", std::string(R"(, "start": )") + normal),
         "dynamics: reverse evaluates a law of its own; expected a start at a point, from a normal law or "
         "\"exact\", or given states instead of a mixture");
  expect(with_prior("reverse", R"(, "start": {"point": [0, 1]})"),
         "dynamics: expected 1 coordinates of the start, one for each drift, got 2");
  EXPECT_NE(refusal_of_named(with_prior("reverse", R"(, "start": "law")")).find("p.json: dynamics.start: "),
            std::string::npos);
  EXPECT_NE(refusal_of_named(with_prior("reverse", R"(, "process": {"type": "ou", "T": -1})"))
                .find("p.json: dynamics.process: "),
            std::string::npos);
  expect(R"("type": "linear", "A": [[1, 2]])",
         "dynamics: linear: A has shape (1, 2), expected (d, d) with d >= 1");
  expect(R"("type": "linear", "A": [[0, 1], [1, 0]], "covariance": [[1, 2], [0, 1]])",
         "dynamics: linear: the covariance must be symmetric");
  expect(R"("type": "linear", "A": [[0, 1], [1, 0]], "covariance": [[1, 2], [2, 1]])",
         "dynamics: linear: the covariance must be positive semidefinite");
  expect(R"("type": "linear", "A": [[1]], "noise": -1)", "dynamics.noise: expected numbers >= 0, given -1");
  expect(R"("type": "linear", "A": [[1]], "noise": 1, "covariance": [[1]])",
         "dynamics: \"noise\" and \"covariance\" exclude each other");
  expect(R"("type": "linear", "A": [[1]], "start": "exact")",
         "dynamics: linear has no law of its own; expected a start at a point, from a normal law or from a "
         "mixture");
  expect(
      R"("drift": ["-x"], "start": "exact")",
      "dynamics: the start \"exact\" is the law of named dynamics, and these have none; expected a point, a "
      "normal law or a mixture");
}

TEST(NamedDynamics, RefuseWhatFilesCannotSay) {
  const auto expect = [](Dynamics dynamics, const std::string& message) {
    EXPECT_EQ(error_of([&] { dynamics_plan(dynamics); }), message);
  };
  const Mixture law({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  Dynamics beside = langevin_dynamics(law);
  beside.drift = {"-x"};
  expect(beside, "dynamics: langevin has its own drift and noise; expected no drift beside it");
  beside = langevin_dynamics(law);
  beside.noise = 1.0;
  expect(beside, "dynamics: langevin has its own drift and noise; expected no noise beside it");
  beside = langevin_dynamics(law);
  beside.parameters = {{"a", 1.0}};
  expect(beside, "dynamics: langevin has its own drift and noise; expected no parameters beside it");
  expect(linear_dynamics(Eigen::Matrix2d::Zero(), Eigen::VectorXd::Zero(3)),
         "dynamics: linear: b has 3 numbers, expected 2");
  expect(linear_dynamics(Eigen::Matrix2d::Zero(), {}, Eigen::MatrixXd::Identity(3, 3)),
         "dynamics: linear: the covariance has shape (3, 3), expected (2, 2)");
  expect(linear_dynamics(Eigen::Matrix2d::Constant(INFINITY)), "dynamics: linear: expected finite numbers");
  const CustomProcess without_derivatives{.alpha = [](double t) { return 1.0 - 0.5 * t; },
                                          .sigma = [](double t) { return t; }};
  expect(
      reverse_dynamics(law, without_derivatives),
      "dynamics: reverse needs the derivatives of alpha and sigma, which this custom process does not give");
  Dynamics many = reverse_dynamics(law, Vp{});
  many.steps = 1'000'001;
  expect(many, "dynamics: reverse: steps must be at most 1000000, got 1000001");
  // Pure noise at T.
  expect(reverse_dynamics(law, RectifiedFlow{}),
         "dynamics: reverse: drift or noise is not finite at the time 0, where the process has alpha = 0 and "
         "sigma "
         "= 1; use another t_start or t_end");
  const Mixture point({1.0}, Points::Zero(1, 1), Covariance::spherical({0.0}));
  expect(
      probability_flow_dynamics(point, Vp{}),
      "dynamics: probability-flow evaluates the score of the prior at the time 0, where the process has no "
      "noise, and component 0 has a singular covariance; use another t_start or t_end");
  EXPECT_EQ(
      error_of([&] { generator(langevin_dynamics(law), Expression("x"), Points::Zero(1, 1)); }),
      "generator: expected drift and noise as numbers, texts or functions, given the dynamics langevin");
}

}  // namespace
}  // namespace gmdiff
