// Problem files with a target: sample, draw, eval, and the verbs that need a prior.

#include <gmdiff/io/npy.hpp>
#include <gmdiff/model/target.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class TargetFiles : public CommandTest {
 protected:
  TargetFiles() {
    write("target.json",
          R"({"target": {"type": "banana"}, "sampler": {"type": "hmc", "step": 0.1, "steps": 20}})");
    write_points(folder() / "p.npy", Points{{0.0, 0.5}, {1.0, -1.0}});
  }
};

TEST_F(TargetFiles, AreSampledByMarkovChains) {
  const Json found = json({"sample", "target.json", "--count", "7", "--out", "x.npy"});
  EXPECT_EQ(found["law"], "target");
  EXPECT_EQ(found["shape"], Json::array({7, 2}));
  EXPECT_EQ(found["acceptance"].size(), 7U);
  const Json other = json({"sample", "target.json", "--sampler", "mala:output=trace", "--steps", "9",
                           "--count", "3", "--out", "t.npy"});
  EXPECT_EQ(other["shape"], Json::array({3, 9, 2}));
}

TEST_F(TargetFiles, HaveExactDrawsThatRangesShare) {
  const std::string text = output({"draw", "target.json", "--count", "30", "--out", "x.npy"});
  EXPECT_NE(text.find("target of target.json"), std::string::npos) << text;
  output({"draw", "target.json", "--range", "0:11", "--out", "a.npy"});
  output({"draw", "target.json", "--range", "11:30", "--out", "b.npy"});
  output({"merge", "a.npy", "b.npy", "--out", "ab.npy"});
  EXPECT_EQ(read("ab.npy"), read("x.npy"));
  EXPECT_EQ(read_points(folder() / "x.npy"), Target(Banana{}).draws(30, 0).cast<float>().cast<double>());
}

TEST_F(TargetFiles, AreEvaluatedWithTheirGradient) {
  const Json found = json({"eval", "target.json", "--points", "p.npy", "--out", "e.npz"});
  const Target target = Banana{};
  const Points p{{0.0, 0.5}, {1.0, -1.0}};
  EXPECT_EQ(found["law"], "target");
  EXPECT_EQ(found["log_density"][1].get<double>(), target.log_density(p)(1));
  EXPECT_EQ(found["gradient"][1][0].get<double>(), target.gradient(p)(1, 0));
  EXPECT_FALSE(found.contains("alpha"));
  const std::string text = output({"eval", "target.json", "--points", "p.npy"});
  EXPECT_NE(text.find("|gradient|"), std::string::npos) << text;
}

TEST_F(TargetFiles, WithASparsePriorAreSampledByProximalChains) {
  write("jump.json", R"({"target": {"type": "regularised", "prior": {"weight": 4, "operator": "gradient"},
    "observation": {"map": {"type": "identity", "A": [[1, 0], [0, 1]]}, "y": [0.25, 2], "noise_std": 0.5}}})");
  const Arguments sample{"sample", "jump.json", "--sampler", "myula:metropolis=true:steps=40", "--out"};
  const auto with = [&sample](std::initializer_list<const char*> more) {
    Arguments arguments = sample;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const Json found = json(with({"x.npy", "--count", "20"}));
  EXPECT_EQ(found["law"], "target");
  EXPECT_EQ(found["shape"], Json::array({20, 2}));
  EXPECT_EQ(found["sampler"]["theta"], 0.25);  // 1 / Lip = noise_std^2
  EXPECT_EQ(found["sampler"]["step"], 0.125);
  output(with({"a.npy", "--range", "0:7"}));
  output(with({"b.npy", "--range", "7:20"}));
  output({"merge", "a.npy", "b.npy", "--out", "ab.npy"});
  EXPECT_EQ(read("ab.npy"), read("x.npy"));
  const Regularised target{
      .prior = {.weight = 4.0, .analysis = AnalysisOperator::gradient},
      .observation = {ElementwiseMap{.A = Eigen::Matrix2d::Identity()}, Eigen::Vector2d(0.25, 2.0), 0.5}};
  const Json values = json({"eval", "jump.json", "--points", "p.npy"});
  EXPECT_EQ(values["log_density"][0], Target(target).log_density(Points{{0.0, 0.5}})(0));
  EXPECT_NE(run({"sample", "target.json", "--sampler", "myula", "--out", "y.npy"})
                .err.find("myula: expected a target of type regularised; given banana"),
            std::string::npos);
  EXPECT_NE(run({"sample", "prior.json", "--sampler", "myula", "--out", "y.npy"})
                .err.find("myula: expected a target of type regularised; given a mixture"),
            std::string::npos);
}

TEST_F(TargetFiles, RefuseWhatBelongsToAPrior) {
  const std::pair<Arguments, const char*> wrong[] = {
      {{"sample", "target.json", "--sampler", "ddim", "--out", "x.npy"},
       "--sampler ddim: ddim needs a prior; Markov chains and learned samplers sample a target"},
      {{"sample", "target.json", "--prior", "--out", "x.npy"},
       "--prior: target.json has a target and no prior"},
      {{"draw", "target.json", "--prior", "--out", "x.npy"},
       "--prior: target.json has a target and no prior"},
      {{"forward", "target.json", "--out", "x.npy"}, "target.json has a target; expected a prior"},
      {{"eval", "target.json", "--points", "p.npy", "--t", "0.5"},
       "--t belongs to a problem with a prior, and target.json has a target"},
      {{"eval", "target.json", "--points", "p.npy", "--velocity"},
       "--velocity belongs to a problem with a prior, and target.json has a target"},
      {{"eval", "target.json", "--points", "p.npy", "--generator", "x1"},
       "--generator belongs to dynamics, and target.json has a target"},
      {{"forward", "target.json", "--steps", "5", "--out", "x.npy"},
       "target.json has a target; expected a prior or dynamics"},
      {{"sample", "target.json", "--sampler", "ou:step=1", "--out", "x.npy"},
       "ou: expected a normal law, a mixture of one component, as the target; given banana"},
  };
  for (const auto& [arguments, message] : wrong) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
}

}  // namespace
}  // namespace gmdiff::test
