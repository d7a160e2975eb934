#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/posterior.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

using PosteriorVerbTest = CommandTest;

TEST_F(PosteriorVerbTest, JsonHasEvidenceWeightsMeansAndCovariance) {
  const Json result = json({"posterior", "problem.json"});

  const Problem problem = read_problem(folder() / "problem.json");
  const Posterior exact = posterior(problem.prior, *problem.observation);
  EXPECT_EQ(result["law"], "posterior");
  EXPECT_EQ(result["log_evidence"], exact.log_evidence);
  ASSERT_EQ(result["weights"].size(), 2U);
  EXPECT_EQ(result["weights"][1], exact.mixture.weights()(1));
  EXPECT_EQ(result["log_weights"][1], exact.mixture.log_weights()(1));
  EXPECT_EQ(result["means"][1][0], exact.mixture.means()(1, 0));
  EXPECT_EQ(result["covariance"]["type"], "full");
  EXPECT_EQ(result["covariance"]["values"][1][0][1], exact.mixture.component_covariance(1)(0, 1));
  EXPECT_EQ(keys(result["covariance"]), (std::vector<std::string>{"type", "values"}));
}

TEST_F(PosteriorVerbTest, TheTableShowsEvidenceAndComponents) {
  const std::string text = output({"posterior", "problem.json"});

  EXPECT_NE(text.find("log evidence"), std::string::npos) << text;
  EXPECT_NE(text.find("component  weight"), std::string::npos) << text;
}

TEST_F(PosteriorVerbTest, OutIsAProblemFileWithThatPrior) {
  output({"posterior", "problem.json", "--out", "posterior.json"});

  const Problem original = read_problem(folder() / "problem.json");
  const Problem written = read_problem(folder() / "posterior.json");
  const Mixture exact = posterior(original.prior, *original.observation).mixture;
  EXPECT_FALSE(written.observation);
  EXPECT_TRUE(written.prior.means().isApprox(exact.means(), 1e-15));
  EXPECT_TRUE(written.prior.weights().isApprox(exact.weights(), 1e-14));
  EXPECT_EQ(to_json(written.grid), to_json(original.grid));
  EXPECT_EQ(to_json(written.process), to_json(original.process));
  EXPECT_EQ(to_json(written.sampler), to_json(original.sampler));
  EXPECT_EQ(json({"sample", "posterior.json", "--out", "x.npy", "--count", "3"})["law"], "prior");
}

TEST_F(PosteriorVerbTest, AnAdaptedGridIsWrittenAsItsTimes) {
  output({"problem", "mcgdiff", "--dx", "2", "--dy", "1", "--out", "mcgdiff.json"});

  const CommandResult result = run({"posterior", "mcgdiff.json", "--out", "posterior.json"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("note: the grid adapted to the observation is written as a list of its times"),
            std::string::npos)
      << result.err;
  EXPECT_EQ(read_json("posterior.json")["grid"]["type"], "list");
  EXPECT_EQ(json({"sample", "posterior.json", "--out", "x.npy", "--count", "3"})["shape"],
            Json::array({3, 2}));
}

TEST_F(PosteriorVerbTest, ASamplerThatNeedsTheObservationIsReplaced) {
  Json problem = read_json("problem.json");
  problem["sampler"] = {{"type", "mcgdiff"}};
  write("smc.json", problem.dump());

  const CommandResult result = run({"posterior", "smc.json", "--out", "posterior.json"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("note: the sampler mcgdiff needs the observation; the problem written has ddim"),
            std::string::npos)
      << result.err;
  EXPECT_EQ(read_json("posterior.json")["sampler"]["type"], "ddim");
}

TEST_F(PosteriorVerbTest, ANearlyExactObservationIsWrittenWithoutLoss) {
  for (const char* covariance :
       {R"({"type": "tied", "values": [[1, 0.3], [0.3, 2]]})", R"({"type": "spherical", "values": [1, 2]})",
        R"({"type": "full", "values": [[[1, 0.3], [0.3, 2]], [[2, -0.5], [-0.5, 1]]]})"}) {
    write("exact.json",
          std::string(R"({"prior": {"weights": [0.4, 0.6], "means": [[0, 0], [2, 1]], "covariance": )") +
              covariance + R"(}, "observation": {"A": [[1, 0.5]], "y": [1.5], "noise_std": 1e-9}})");

    output({"posterior", "exact.json", "--out", "posterior.json", "--force"});

    const Problem original = read_problem(folder() / "exact.json");
    const Mixture exact = posterior(original.prior, *original.observation).mixture;
    const Mixture written = read_problem(folder() / "posterior.json").prior;
    const Points x = draw(exact, {.count = 20, .precision = Precision::f64}).to_double();
    const Eigen::VectorXd expected = exact.log_pdf(x);
    EXPECT_TRUE(expected.allFinite());
    // The rounding error of a point, 1e-16, is 1e-7 of the narrow deviation and changes both densities
    // equally.
    EXPECT_LT((written.log_pdf(x) - expected).cwiseAbs().maxCoeff(), 1e-5) << covariance;
    EXPECT_TRUE(read_json("posterior.json")["prior"]["covariance"].contains("eigenvectors")) << covariance;
  }
}

}  // namespace
}  // namespace gmdiff::test
