#include <gmdiff/io/problem_file.hpp>

#include <sstream>
#include <string>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gmdiff
