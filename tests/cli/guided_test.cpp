// sample, compare and eval with guided samplers.

#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class GuidedTest : public CommandTest {
 protected:
  GuidedTest() {
    write_points(folder() / "x.npy", Points{{0.0, 0.5}, {1.0, -1.0}});
    // With one component TMP is exact.
    write(
        "single.json",
        R"({"prior": {"weights": [1], "means": [[1, 2]], "covariance": {"type": "tied", "values": [[1, 0.3], [0.3, 2]]}},
              "observation": {"A": [[1, 0.5]], "y": [0.3], "noise_std": 0.5}})");
  }

  Samples expected(const GuidedSampler& sampler, const Options& options) const {
    const Problem problem = read_problem(folder() / "problem.json");
    const ForwardProcess process(problem.process);
    return gmdiff::sample(problem.prior, *problem.observation, process, TimeGrid(process, problem.grid),
                          sampler, options);
  }

  /// A run of the small problem.
  Json sample(const std::string& sampler, const Arguments& more) const {
    Arguments arguments{"sample", "problem.json", "--sampler", sampler, "--out", "o.npy", "--force"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json(arguments);
  }

  static void expect_near(const Json& actual, const Json& expected, double tolerance) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      for (std::size_t j = 0; j < 2; ++j)
        EXPECT_NEAR(actual[i][j].get<double>(), expected[i][j].get<double>(), tolerance);
    }
  }
};

TEST_F(GuidedTest, SampleWritesWhatTheLibrarySamples) {
  const Json result =
      sample("dps:zeta=0.3:integrator=ddim:eta=1", {"--count", "20", "--seed", "3", "--precision", "f64"});

  const Samples samples = expected(Dps{.zeta = 0.3, .integrator = Ddim{.eta = 1.0}},
                                   {.count = 20, .seed = 3, .precision = Precision::f64});
  EXPECT_EQ(read_points(folder() / "o.npy"), samples.to_double());
  for (const Json& record : {result, read_json("o.npy.json")}) {
    EXPECT_EQ(record["law"], "posterior");
    EXPECT_EQ(record["sampler"]["type"], "dps");
    EXPECT_EQ(record["sampler"]["zeta"], 0.3);
    EXPECT_EQ(record["sampler"]["integrator"], "ddim");
    EXPECT_EQ(record["sampler"]["eta"], 1.0);
    EXPECT_TRUE(record["particles"].is_null());
    EXPECT_EQ(record["particle_steps"], 200.0);
  }
}

TEST_F(GuidedTest, TheProblemsOwnSamplerRuns) {
  Json problem = read_json("problem.json");
  problem["sampler"] = {{"type", "tmp"}, {"integrator", "dpmpp-2m"}};
  write("tmp.json", problem.dump());

  EXPECT_EQ(json({"sample", "tmp.json", "--out", "own.npy", "--count", "5"})["plan_hash"],
            sample("tmp:integrator=dpmpp-2m", {"--count", "5"})["plan_hash"]);
}

TEST_F(GuidedTest, StartStatesAndHistoryAreThoseOfOtherSamplers) {
  const Json result = sample("pigdm", {"--start", "x.npy", "--history", "3"});

  EXPECT_EQ(result["shape"], Json::array({2, 3, 2}));
  EXPECT_EQ(result["times"].size(), 3U);
  EXPECT_TRUE(result["start"].is_object());
}

TEST_F(GuidedTest, ManyObservationsAreOneCall) {
  const Problem problem = read_problem(folder() / "problem.json");
  const std::vector<LinearObservation> observations(2, *problem.observation);
  const ForwardProcess process(problem.process);

  const Samples both = gmdiff::sample(problem.prior, observations, process, TimeGrid(process, problem.grid),
                                      Tmp{}, {.count = 3, .seed = 5});

  EXPECT_EQ(both.shape(), (std::vector<std::int64_t>{2, 3, 2}));
  EXPECT_EQ(both.to_double().topRows(3), expected(Tmp{}, {.count = 3, .seed = 5}).to_double());
}

TEST_F(GuidedTest, CompareJudgesItAgainstTheExactPosterior) {
  const Json rows = json({"compare", "problem.json", "--samplers", "tmp,dps:zeta=0.3,draw", "--count", "40",
                          "--seed", "5", "--slices", "20", "--repeats", "2"})["rows"];
  sample("tmp", {"--count", "40", "--seed", "5"});
  const Json distance = json(
      {"distance", "o.npy", "problem.json", "--slices", "20", "--repeats", "2", "--seed", "5"})["rows"][0];

  EXPECT_EQ(rows[0]["sampler"], "tmp");
  EXPECT_EQ(rows[0]["value"], distance["value"]);
  EXPECT_EQ(rows[1]["sampler"], "dps:zeta=0.3");
  EXPECT_GT(rows[1]["value"], 0.0);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(rows[i]["log_evidence_error"].is_null());
    EXPECT_TRUE(rows[i]["ess"].is_null());
  }
}

TEST_F(GuidedTest, EvalHasTheGuidedDenoiser) {
  const Json exact = json({"eval", "single.json", "--points", "x.npy", "--t", "0.5"});

  for (const char* sampler : {"tmp", "exact"}) {
    const Json result =
        json({"eval", "single.json", "--points", "x.npy", "--t", "0.5", "--sampler", sampler});
    EXPECT_EQ(keys(result), (std::vector<std::string>{"law", "sampler", "alpha", "sigma", "device",
                                                      "precision", "denoiser", "warnings"}));
    EXPECT_EQ(result["law"], "posterior");
    EXPECT_EQ(result["sampler"]["type"], sampler);
    EXPECT_EQ(result["alpha"], exact["alpha"]);
    EXPECT_EQ(result["precision"], "f64");
    EXPECT_EQ(result["warnings"], Json::array());
    expect_near(result["denoiser"], exact["denoiser"], 1e-12);
  }
  const Json single = json(
      {"eval", "single.json", "--points", "x.npy", "--t", "0.5", "--sampler", "tmp", "--precision", "f32"});
  EXPECT_EQ(single["precision"], "f32");
  expect_near(single["denoiser"], exact["denoiser"], 1e-5);
}

TEST_F(GuidedTest, EvalOfEachMethodWithADenoiser) {
  for (const char* sampler : {"tmp:scale=row-sum", "tmp:scale=diffuse", "pigdm:tau2=2", "dps-likelihood"}) {
    const Json result =
        json({"eval", "problem.json", "--points", "x.npy", "--t", "0.5", "--sampler", sampler});
    EXPECT_TRUE(result["denoiser"][1][1].is_number()) << sampler;
  }
}

TEST_F(GuidedTest, EvalWritesTheDenoiserAlone) {
  const std::string text = output({"eval", "problem.json", "--points", "x.npy", "--t", "0.5", "--sampler",
                                   "pigdm:tau2=2", "--out", "r.npz"});

  const std::string bytes = read("r.npz");
  EXPECT_NE(bytes.find("denoiser.npy"), std::string::npos);
  for (const char* name : {"log_density.npy", "responsibilities.npy", "score.npy"})
    EXPECT_EQ(bytes.find(name), std::string::npos) << name;
  EXPECT_NE(text.find("law    posterior of problem.json\nmethod pigdm:tau2=2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("point  |denoiser|\n"), std::string::npos) << text;
  EXPECT_NE(text.find("all arrays are in r.npz"), std::string::npos) << text;
}

TEST_F(GuidedTest, APosteriorFileHasAnotherSampler) {
  Json problem = read_json("problem.json");
  problem["sampler"] = {{"type", "tmp"}};
  write("tmp.json", problem.dump());

  const CommandResult result = run({"posterior", "tmp.json", "--out", "posterior.json"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("note: the sampler tmp needs the observation; the problem written has ddim"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace gmdiff::test
