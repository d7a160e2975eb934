#include <gmdiff/io/problem_file.hpp>

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "unit/io_support.hpp"

// Problem files with a target.

namespace gmdiff {
namespace {

using test::error_of;

AnyProblem read_text(const std::string& json) {
  std::istringstream in(json);
  return read_any_problem(in, "p.json", {});
}
std::string refusal(const std::string& json) {
  return error_of([&] { read_text(json); });
}

TEST(TargetProblems, AreReadWithTheirDefaults) {
  const auto problem = std::get<TargetProblem>(read_text(R"({"target": {"type": "banana", "scale": 2}})"));
  const auto banana = std::get<Banana>(problem.target.description());
  EXPECT_EQ(banana.scale, 2.0);
  EXPECT_EQ(banana.curvature, 0.03);
  EXPECT_EQ(problem.target.dim(), 2);
  EXPECT_TRUE(std::holds_alternative<Mala>(std::get<McmcSampler>(problem.sampler)));
}

TEST(TargetProblems, AreWrittenAsTheyAreRead) {
  const Logistic logistic{.data = Points{{1.0, 2.0}, {-0.5, 3.0}, {0.1, 0.2}},
                          .labels = Eigen::VectorXd{{1.0, 0.0, 1.0}},
                          .prior_std = 3.0};
  const TargetProblem problem{.target = logistic, .sampler = Hmc{.step = 0.1}};
  const std::string text = to_json(problem);
  const auto read = std::get<TargetProblem>(read_text(text));
  EXPECT_EQ(to_json(read), text);
  EXPECT_EQ(std::get<Logistic>(read.target.description()).data, logistic.data);
  EXPECT_EQ(to_json(Target(SinGaussian{})),
            R"({"type":"sin-gaussian","amplitude":1.0,"phase":5.0,"frequency":5.0,"dim":1})");
}

TEST(TargetProblems, OfExpressionsKeepTextAndParameters) {
  const std::string text = to_json(TargetProblem{
      .target = ExpressionTarget{.density = "-a*norm2(x)", .dim = 2, .parameters = {{"a", 0.5}}}});
  const auto read = std::get<TargetProblem>(read_text(text));
  EXPECT_EQ(to_json(read), text);
  EXPECT_EQ(read.target.gradient(Points{{1.0, 2.0}}), (Points{{-1.0, -2.0}}));
  EXPECT_EQ(refusal(R"({"target": {"type": "expression", "density": "-x^2 +"}})"),
            "p.json: target: expression \"-x^2 +\": column 7: expected a number, a name or '(', got the end "
            "of the text");
  EXPECT_EQ(refusal(R"({"target": {"type": "expression", "density": 3}})"),
            "p.json: target.density: expected a text, given 3");
  EXPECT_EQ(refusal(R"({"target": {"type": "expression", "density": "a", "parameters": {"a": "1"}}})"),
            "p.json: target.parameters.a: expected a number, given \"1\"");
}

TEST(TargetProblems, OfSparsePriorsAreWrittenAsTheyAreRead) {
  const SparsePrior image{.weight = 1.5,
                          .analysis = AnalysisOperator::gradient_2d,
                          .shape = {2, 2},
                          .smoothing = Smoothing::huber,
                          .width = 0.25};
  const NonlinearObservation of_texts(
      ExpressionMap{.texts = {"x1*x4", "exp(a*x2)"}, .dim = 4, .parameters = {{"a", 2.0}}},
      Eigen::Vector2d(1.0, 0.5), 0.5);
  const SparsePrior rows{
      .analysis = AnalysisOperator::matrix, .matrix = Points{{1.0, 2.0}}, .smoothing = Smoothing::quadratic};
  const NonlinearObservation direct(ElementwiseMap{.A = Eigen::MatrixXd::Identity(2, 2)},
                                    Eigen::Vector2d(1.0, 0.5),
                                    Eigen::MatrixXd(Points{{1.0, 0.5}, {0.5, 2.0}}));
  for (const Regularised& target : {Regularised{image, of_texts}, Regularised{rows, direct}}) {
    const std::string text = to_json(TargetProblem{.target = target, .sampler = Myula{.theta = 0.5}});
    const auto read = std::get<TargetProblem>(read_text(text));
    EXPECT_EQ(to_json(read), text);
    const Points x = Points::Constant(1, read.target.dim(), 0.5);
    EXPECT_EQ(read.target.log_density(x), Target(target).log_density(x));
    EXPECT_EQ(*std::get<Myula>(std::get<McmcSampler>(read.sampler)).theta, 0.5);
  }
  const auto with = [](const std::string& prior, const std::string& observation) {
    return refusal(R"({"target": {"type": "regularised", "prior": )" + prior + R"(, "observation": )" +
                   observation + "}}");
  };
  const std::string observed =
      R"({"map": {"type": "identity", "A": [[1, 0], [0, 1]]}, "y": [1, 2], "noise_std": 1})";
  EXPECT_EQ(refusal(R"({"target": {"type": "regularised"}})"), "p.json: target: missing key \"observation\"");
  EXPECT_EQ(with(R"({"weight": 0})", observed),
            "p.json: target: regularised: weight must be positive, got 0");
  EXPECT_EQ(with(R"({"operator": "gradients"})", observed),
            "p.json: target.prior.operator: expected \"identity\" or \"gradient\" or \"gradient-2d\" or "
            "\"matrix\", "
            "given \"gradients\"");
  EXPECT_EQ(with("{}", R"({"map": {"type": "expression", "texts": ["x1"]}, "y": [1], "noise_std": 1})"),
            "p.json: target.observation.map: missing key \"dim\"");
}

TEST(TargetProblems, RefuseBadFilesWithTheirPlace) {
  EXPECT_EQ(
      refusal(R"({"target": {"type": "funel"}})"),
      "p.json: target.type: unknown target \"funel\"; did you mean \"funnel\"? (known: sin-gaussian, "
      "banana, funnel, many-well, logistic, expression, regularised, student-t-mixture, seeds, brownian)");
  EXPECT_EQ(refusal(R"({"target": {"type": "funnel", "dim": 1}})"),
            "p.json: target.dim: expected an integer from 2 to 1000000, given 1");
  EXPECT_EQ(refusal(R"({"target": {"type": "banana", "scale": 0}})"),
            "p.json: target: banana: scale must be positive, got 0");
  EXPECT_EQ(refusal(R"({"target": {"type": "banana"}, "prior": {}})"),
            "p.json: \"prior\" and \"target\" exclude each other");
  EXPECT_EQ(refusal(R"({"target": {"type": "banana"}, "sampler": {"type": "ddim"}})"),
            "p.json: sampler: ddim needs a prior; Markov chains and learned samplers sample a target");
  EXPECT_EQ(refusal(R"({"target": {"type": "logistic", "data": [[1, 2]], "labels": [1, 0]}})"),
            "p.json: target: logistic: expected one label for each of the 1 rows of data, got 2");
  EXPECT_EQ(error_of([] { parse_problem(R"({"target": {"type": "banana"}})", "p.json"); }),
            "p.json has a target; expected a prior");
}

}  // namespace
}  // namespace gmdiff
