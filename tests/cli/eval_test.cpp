#include <algorithm>
#include <cmath>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/probability_flow.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class EvalTest : public CommandTest {
 protected:
  EvalTest() { write_points(folder() / "x.npy", points); }

  /// Compares the four arrays with the functions of Mixture, from which a device's results differ by
  /// roundings.
  void expect_arrays(const Json& result, const Mixture& law, Level level) const {
    const Eigen::VectorXd log_density = law.log_pdf(points, level);
    const Points responsibilities = law.responsibilities(points, level);
    const Points score = law.score(points, level);
    const Points denoiser = law.denoiser(points, level);
    ASSERT_EQ(result["log_density"].size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      expect_near(result["log_density"][i], log_density(row));
      for (std::size_t j = 0; j < 2; ++j) {
        const auto column = static_cast<Eigen::Index>(j);
        expect_near(result["responsibilities"][i][j], responsibilities(row, column));
        expect_near(result["score"][i][j], score(row, column));
        expect_near(result["denoiser"][i][j], denoiser(row, column));
      }
    }
  }

  static void expect_near(const Json& actual, double expected) {
    EXPECT_NEAR(actual.get<double>(), expected, 1e-13 * std::max(1.0, std::abs(expected)));
  }

  const Points points{{0.0, 0.5}, {1.0, -1.0}, {30.0, 2.0}};
};

TEST_F(EvalTest, WithoutALevelItIsTheDataThemselves) {
  const Json result = json({"eval", "prior.json", "--points", "x.npy"});

  EXPECT_EQ(result["law"], "prior");
  EXPECT_EQ(result["alpha"], 1.0);
  EXPECT_EQ(result["sigma"], 0.0);
  expect_arrays(result, read_problem(folder() / "prior.json").prior, {});
}

TEST_F(EvalTest, VelocityAndDivergenceOfTheProbabilityFlow) {
  const Problem problem = read_problem(folder() / "prior.json");
  const Json found =
      json({"eval", "prior.json", "--points", "x.npy", "--t", "0.25", "--velocity", "--out", "flow.npz"});
  const ProbabilityFlow flow = probability_flow(problem.prior, ForwardProcess(problem.process), points, 0.25);
  for (Eigen::Index n = 0; n < 3; ++n) {
    const auto i = static_cast<std::size_t>(n);
    EXPECT_EQ(found["divergence"][i].get<double>(), flow.divergence(n));
    EXPECT_EQ(found["velocity"][i][1].get<double>(), flow.velocity(n, 1));
  }
  const Json at_data = json({"eval", "prior.json", "--points", "x.npy", "--velocity"});
  EXPECT_EQ(at_data["velocity"].size(), 3U);
  const std::string text = output({"eval", "prior.json", "--points", "x.npy", "--velocity"});
  EXPECT_NE(text.find("|velocity|"), std::string::npos) << text;
  EXPECT_FALSE(json({"eval", "prior.json", "--points", "x.npy"}).contains("velocity"));
  const std::pair<Arguments, const char*> wrong[] = {
      {{"--alpha", "1", "--sigma", "1"},
       "--velocity needs a time of the process; give --t instead of --alpha and --sigma"},
      {{"--sampler", "tmp"}, "--velocity and --sampler exclude each other"},
  };
  for (const auto& [flags, message] : wrong) {
    Arguments arguments{"eval", "prior.json", "--points", "x.npy", "--velocity"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
  const CommandResult other = run({"eval", "prior.json", "--points", "x.npy", "--generator", "x1"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("--generator belongs to dynamics, and prior.json has a prior"), std::string::npos)
      << other.err;
}

TEST_F(EvalTest, VelocityOfALawWithoutADensityIsNotDefinedAtTheData) {
  write("point.json",
        to_json(Problem{.prior = Mixture({1.0}, Points{{1.0, 2.0}}, Covariance::spherical({0.0}))}));
  const CommandResult result = run({"eval", "point.json", "--points", "x.npy", "--velocity"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("velocity and divergence are not defined here"), std::string::npos) << result.err;
}

TEST_F(EvalTest, TimeAndLevelOfThePosterior) {
  const Problem problem = read_problem(folder() / "problem.json");
  const Mixture law = posterior(problem.prior, *problem.observation).mixture;

  const Json at_time = json({"eval", "problem.json", "--points", "x.npy", "--t", "0.5"});
  const Json at_level = json({"eval", "problem.json", "--points", "x.npy", "--alpha", "0", "--sigma", "2.5"});

  EXPECT_EQ(at_time["law"], "posterior");
  expect_arrays(at_time, law, ForwardProcess(problem.process).level(0.5));
  expect_arrays(at_level, law, {0.0, 2.5});
}

TEST_F(EvalTest, DeviceAndPrecisionAreToldAndDoubleUnlessNamed) {
  const Json usual = json({"eval", "prior.json", "--points", "x.npy"});
  const Json told =
      json({"eval", "prior.json", "--points", "x.npy", "--device", "cpu:2", "--precision", "f64"});
  const Json single =
      json({"eval", "prior.json", "--points", "x.npy", "--device", "cpu:1", "--precision", "f32"});
  const std::string text = output({"eval", "prior.json", "--points", "x.npy", "--device", "reference"});

  EXPECT_EQ(usual["device"], Device::best().name());
  EXPECT_EQ(usual["precision"], "f64");
  EXPECT_EQ(told["device"], "cpu:2");
  EXPECT_EQ(told["score"], json({"eval", "prior.json", "--points", "x.npy", "--device", "cpu:1"})["score"]);
  EXPECT_EQ(single["precision"], "f32");
  EXPECT_NE(single["score"], told["score"]);
  EXPECT_NEAR(single["score"][0][0].get<double>(), told["score"][0][0].get<double>(), 1e-5);
  EXPECT_NE(text.find("device reference, f64\n"), std::string::npos) << text;
}

TEST_F(EvalTest, PriorOnRequest) {
  const Json result = json({"eval", "problem.json", "--points", "x.npy", "--prior"});

  EXPECT_EQ(result["law"], "prior");
  expect_arrays(result, read_problem(folder() / "problem.json").prior, {});
}

TEST_F(EvalTest, OutIsAnArchiveOfTheFourArrays) {
  const std::string text =
      output({"eval", "prior.json", "--points", "x.npy", "--t", "0.5", "--out", "r.npz"});

  const std::string bytes = read("r.npz");
  EXPECT_TRUE(bytes.starts_with("PK"));
  for (const char* name : {"log_density.npy", "responsibilities.npy", "score.npy", "denoiser.npy"}) {
    EXPECT_NE(bytes.find(name), std::string::npos) << name;
  }
  EXPECT_NE(bytes.find("'shape': (3,)"), std::string::npos) << "log_density has shape (n)";
  EXPECT_NE(text.find("all arrays are in r.npz"), std::string::npos) << text;
}

TEST_F(EvalTest, WhereTheLawHasNoDensityTheDenoiserStillIsDefined) {
  write(
      "singular.json",
      R"({"prior": {"weights": [1], "means": [[0, 0]], "covariance": {"type": "tied", "values": [[1, 0], [0, 0]]}}})");

  const CommandResult result = run({"eval", "singular.json", "--points", "x.npy", "--json"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json arrays = Json::parse(result.out);
  EXPECT_EQ(arrays["log_density"], Json::array({"nan", "nan", "nan"}));
  EXPECT_EQ(arrays["score"][2], Json::array({"nan", "nan"}));
  EXPECT_TRUE(arrays["denoiser"][0][0].is_number());
  EXPECT_FALSE(arrays["warnings"].empty());
  EXPECT_NE(result.err.find("gmdiff: warning: log_density is not defined here: "), std::string::npos)
      << result.err;
}

TEST_F(EvalTest, ManyPointsAreShownInPart) {
  output({"draw", "prior.json", "--out", "many.npy", "--count", "25"});

  const std::string text = output({"eval", "prior.json", "--points", "many.npy"});

  EXPECT_NE(text.find("... 5 more points"), std::string::npos) << text;
}

TEST_F(EvalTest, OneDimensionalPointsMayBeAColumnOrAVector) {
  write("line.json",
        R"({"prior": {"weights": [1], "means": [[0]], "covariance": {"type": "spherical", "values": [1]}}})");
  {
    NpyWriter writer(folder() / "vector.npy", {2}, Precision::f64, false);
    writer.append(std::span<const double>(std::vector<double>{0.0, 1.0}));
    writer.commit();
  }

  const Json result = json({"eval", "line.json", "--points", "vector.npy"});

  EXPECT_EQ(result["score"], Json::array({Json::array({0.0}), Json::array({-1.0})}));
}

TEST_F(EvalTest, APointFarFromTheLawKeepsItsResponsibilitiesAndIsWarnedOf) {
  write_points(folder() / "far.npy", Points{{1e155, 1e155}});

  const Json result = json({"eval", "prior.json", "--points", "far.npy"});

  const Points r = read_problem(folder() / "prior.json").prior.responsibilities(Points{{1e150, 1e150}});
  EXPECT_EQ(r.maxCoeff(), 1.0);
  EXPECT_EQ(result["responsibilities"][0], Json::array({r(0, 0), r(0, 1)}));
  EXPECT_EQ(result["log_density"][0], "-inf");
  EXPECT_EQ(result["warnings"], Json::array({"log_density of 1 point is below the smallest double: -inf"}));
  EXPECT_TRUE(result["score"][0][0].is_number());
}

}  // namespace
}  // namespace gmdiff::test
