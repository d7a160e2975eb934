#include <gmdiff/io/problem_file.hpp>

#include <cmath>
#include <numbers>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

// Problem files whose observation has a map.

namespace gmdiff::nonlinear_problem_tests {
namespace {

using test::error_of;

/// A problem in 2-D with this observation and further keys.
std::string file_with(const std::string& observation, const std::string& more = "") {
  return R"json({"prior": {"weights": [1], "means": [[0, 0]], "covariance": {"type": "spherical", "values": [1]}},
    "observation": )json" +
         observation + more + "}";
}
NonlinearProblem problem_with(const std::string& observation, const std::string& more = "") {
  std::istringstream in(file_with(observation, more));
  return std::get<NonlinearProblem>(read_any_problem(in, "p.json", {}));
}
std::string refusal_of(const std::string& observation, const std::string& more = "") {
  return error_of([&] { problem_with(observation, more); });
}
std::string with_map(const std::string& map) {
  return R"json({"map": )json" + map + R"json(, "y": [1], "noise_std": 0.5})json";
}

TEST(NonlinearProblems, AreReadWithTheirDefaults) {
  const NonlinearProblem problem = problem_with(with_map(R"json({"type": "tanh", "A": [[1, 2]]})json"));
  const auto map = std::get<ElementwiseMap>(problem.observation.map());
  EXPECT_EQ(map.function, MapFunction::tanh);
  EXPECT_EQ(map.A, (Eigen::MatrixXd{{1.0, 2.0}}));
  EXPECT_EQ(map.b.size(), 0);
  EXPECT_EQ(problem.observation.noise_std(), 0.5);
  EXPECT_TRUE(std::holds_alternative<Mala>(std::get<McmcSampler>(problem.sampler)));
  EXPECT_EQ(target_of(problem).dim(), 2);
  EXPECT_FALSE(prior_of(problem).observation.has_value());
}

TEST(NonlinearProblems, AreWrittenAsTheyAreRead) {
  const std::string observations[] = {
      with_map(R"json({"type": "square", "A": [[1, 2]], "b": [0.5]})json"),
      R"json({"map": {"type": "range", "anchors": [[-1, 0], [1, 0]]}, "y": [1.5, 1.25],
              "noise_covariance": [[1, 0.5], [0.5, 1]]})json",
      with_map(R"json({"type": "expression", "texts": ["a*x1*x2"], "parameters": {"a": 2}})json"),
      with_map(R"json({"type": "expression", "texts": ["x1"]})json")};
  const std::string more =
      R"json(, "grid": {"type": "uniform", "steps": 7}, "sampler": {"type": "ula", "step": 0.1},
    "start": {"weights": [1], "means": [[1, 1]], "covariance": {"type": "spherical", "values": [2]}},
    "density": {"cells": [10, 20]})json";
  for (const std::string& observation : observations) {
    const NonlinearProblem problem = problem_with(observation, more);
    const std::string text = to_json(problem);
    std::istringstream in(text);
    const auto again = std::get<NonlinearProblem>(read_any_problem(in, "again", {}));
    EXPECT_EQ(to_json(again), text);
    const Points x{{0.5, -1.5}};
    EXPECT_EQ(target_of(again).log_density(x), target_of(problem).log_density(x)) << observation;
    EXPECT_EQ(again.density.cells, (std::vector<int>{10, 20}));
    EXPECT_NE(text.find("\"steps\": 7"), std::string::npos) << text;
  }
}

TEST(NonlinearProblems, RefuseBadFilesWithTheirPlace) {
  EXPECT_EQ(refusal_of(with_map("3")), "p.json: observation.map: expected an object, given 3");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": 3})json")),
            "p.json: observation.map.type: expected the name of a map, given 3");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "rnge"})json")),
            "p.json: observation.map.type: unknown map \"rnge\"; did you mean \"range\"? (known: identity, "
            "square, exp, tanh, sin, range, expression)");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "sin", "anchors": [[1, 2]]})json")),
            "p.json: observation.map: unknown key \"anchors\"; did you mean \"type\"? (known: type, A, b)");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "range", "anchors": [[1]]})json")),
            "p.json: observation.map.anchors: expected an array of rows of 2 numbers, row 0 has 1");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "expression", "texts": "x1"})json")),
            "p.json: observation.map.texts: expected a list of texts, given \"x1\"");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "expression", "texts": [1]})json")),
            "p.json: observation.map.texts[0]: expected a text, given 1");
  EXPECT_EQ(
      refusal_of(with_map(R"json({"type": "expression", "texts": ["x3"]})json")),
      "p.json: observation: text 1: expression \"x3\": column 1: expected a coordinate x1 to x2, got 'x3'");
  EXPECT_EQ(refusal_of(R"json({"map": {"type": "sin", "A": [[1, 2]]}, "y": [1]})json"),
            "p.json: observation: missing key \"noise_std\" (or \"noise_covariance\")");
  EXPECT_EQ(refusal_of(R"json({"map": {"type": "sin", "A": [[1, 2]]}, "y": [1], "noise_std": 1,
                               "noise_covariance": [[1]]})json"),
            "p.json: observation: \"noise_std\" and \"noise_covariance\" exclude each other");
  EXPECT_EQ(refusal_of(R"json({"map": {"type": "sin", "A": [[1, 2]]}, "y": [1], "noise_std": 0})json"),
            "p.json: observation: NonlinearObservation: noise_std must be positive, got 0");
  EXPECT_EQ(refusal_of(R"json({"map": {}, "A": [[1]]})json"),
            "p.json: observation: unknown key \"A\"; did you mean \"y\"? (known: map, y, noise_std, "
            "noise_covariance)");
  EXPECT_EQ(refusal_of(with_map(R"json({"type": "sin", "A": [[1, 2]]})json"),
                       R"json(, "sampler": {"type": "ddim"})json"),
            "p.json: sampler: ddim takes no observation with a map; expected tmp, pigdm, pigdm-alg1, dps, "
            "dps-likelihood, bootstrap, a Markov chain or a learned sampler");
  const std::string text = file_with(with_map(R"json({"type": "sin", "A": [[1, 2]]})json"));
  EXPECT_EQ(error_of([&] { parse_problem(text, "p.json"); }),
            "p.json has an observation with a map; expected a linear one, or none");
  EXPECT_EQ(error_of([&] {
              to_json(target_of(problem_with(with_map(R"json({"type": "sin", "A": [[1, 2]]})json"))));
            }),
            "to_json: an observed mixture has no JSON form of a target; it is a prior with an observation");
}

TEST(NonlinearProblems, OfTheCatalogueHasMalaAndItsPosterior) {
  const auto problem = std::get<NonlinearProblem>(ready_made_problem("course-range"));
  EXPECT_TRUE(std::holds_alternative<Mala>(std::get<McmcSampler>(problem.sampler)));
  // golden/nonlinear_observations.json, posterior_range_2d
  const Points x{{0.2, 0.9}};
  const double range = std::hypot(1.2, 0.9), other = std::hypot(0.8, 0.9);
  const double expected = problem.prior.log_pdf(x)(0) - 8.0 * (1.5 - range) * (1.5 - range) -
                          8.0 * (1.25 - other) * (1.25 - other) - 2.0 * std::log(0.25) -
                          std::log(2.0 * std::numbers::pi);
  EXPECT_NEAR(target_of(problem).log_density(x)(0), expected, 1e-13);
}

}  // namespace
}  // namespace gmdiff::nonlinear_problem_tests
