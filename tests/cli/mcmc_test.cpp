// gmdiff sample with Markov chains: traces, acceptance, the pilot's step, ranges, warnings and bad input.

#include <algorithm>
#include <regex>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/posterior.hpp>

#include "command.hpp"
#include "io/npz.hpp"
#include "study/array_reader.hpp"

namespace gmdiff::test {
namespace {

class McmcTest : public CommandTest {
 protected:
  Json sample(const std::string& sampler, const Arguments& more = {}, const char* out = "x.npy") const {
    Arguments arguments{"sample", "problem.json", "--sampler", sampler, "--out", out, "--force"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json(arguments);
  }
};

TEST_F(McmcTest, TraceHasTheStatesAfterTheWarmUp) {
  const Json found = sample("mala:step=0.1:warmup=20:steps=30:thin=4:output=trace", {"--count", "5"});
  EXPECT_EQ(found["shape"], Json::array({5, 7, 2}));
  EXPECT_DOUBLE_EQ(found["times"][0].get<double>(), 2.4);
  EXPECT_EQ(found["acceptance"].size(), 5U);
  EXPECT_EQ(found["non_finite"], Json::array({0, 0, 0, 0, 0}));
  EXPECT_TRUE(found["grid"].is_null());
  EXPECT_EQ(found["sampler"]["warmup"], 20);
  EXPECT_EQ(json({"diagnose", "x.npy", "problem.json"})["draws"], 7);
  const std::string text = output({"sample", "problem.json", "--sampler", "mala:step=0.1:steps=30", "--out",
                                   "x.npy", "--force", "--count", "5"});
  EXPECT_NE(text.find("chains      0:5, seed 0"), std::string::npos) << text;
  EXPECT_NE(text.find("acceptance  mean "), std::string::npos) << text;
}

TEST_F(McmcTest, TheStepOfThePilotRepeatsTheRun) {
  const Json found = sample("mala:warmup=20:steps=50", {"--seed", "4"});
  const std::string bytes = read("x.npy");
  Json problem = Json::parse(read("problem.json"));
  problem["sampler"] = found["sampler"];
  EXPECT_TRUE(found["sampler"].contains("step"));
  EXPECT_TRUE(found["sampler"].contains("preconditioner"));
  write("given.json", problem.dump());
  const Json again = json({"sample", "given.json", "--seed", "4", "--out", "y.npy"});
  EXPECT_EQ(again["plan_hash"], found["plan_hash"]);
  EXPECT_EQ(read("y.npy"), bytes);
}

TEST_F(McmcTest, TwoHalvesHaveTheBitsOfOneRun) {
  for (const std::string sampler : {"ula:step=0.05", "mala:step=0.1", "hmc:step=0.1:leapfrogs=3"}) {
    sample(sampler, {"--steps", "20", "--count", "7"}, "whole.npy");
    sample(sampler, {"--steps", "10", "--count", "7"}, "half.npy");
    const Json found = sample(sampler, {"--steps", "10", "--start", "half.npy", "--first-step", "10"});
    EXPECT_EQ(read("x.npy"), read("whole.npy")) << sampler;
    EXPECT_EQ(found["sampler"]["first_step"], 10);
  }
}

TEST_F(McmcTest, TwoHalvesOfKineticChainsHaveTheBitsOfOneRun) {
  const auto with = [](Arguments arguments, const Arguments& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  for (const std::string sampler : {"baoab:step=0.2", "obabo:step=0.2", "obabo:step=0.2:metropolis=true"}) {
    for (const char* precision : {"f32", "f64"}) {
      const Arguments common{"--count", "7", "--precision", precision, "--velocities"};
      sample(sampler, with(common, {"--steps", "20"}), "whole.npz");
      sample(sampler, with(common, {"--steps", "10"}), "half.npz");
      const Json found = sample(
          sampler, with(common, {"--steps", "10", "--start", "half.npz", "--first-step", "10"}), "rest.npz");
      EXPECT_EQ(read("rest.npz"), read("whole.npz")) << sampler;
      EXPECT_EQ(found["sampler"]["first_step"], 10);
    }
  }
  const std::vector<io::NpzEntry> arrays = io::NpzReader(folder() / "half.npz").arrays();
  EXPECT_EQ(arrays.back(), (io::NpzEntry{"velocities", {7, 2}, Precision::f64}));
  // Chains with moments go on from their last states, and parts of a run are merged.
  const std::string chains = "obabo:step=0.2:steps=16:output=moments";
  sample(chains, {"--count", "6", "--velocities"}, "m.npz");
  sample("obabo:step=0.2:steps=4", {"--start", "m.npz", "--first-step", "16", "--velocities"}, "rest.npz");
  sample("obabo:step=0.2:steps=20", {"--count", "6", "--velocities"}, "whole.npz");
  EXPECT_EQ(read("rest.npz"), read("whole.npz"));
  sample(chains, {"--range", "0:2", "--velocities"}, "a.npz");
  sample(chains, {"--range", "2:6", "--velocities"}, "b.npz");
  json({"merge", "a.npz", "b.npz", "--out", "ab.npz"});
  EXPECT_EQ(read("ab.npz"), read("m.npz"));
  // The digest of the start covers the velocities.
  const Json start = read_json("rest.npz.json")["start"];
  sample("obabo:step=0.2:steps=4", {"--start", "whole.npz", "--first-step", "16", "--velocities"},
         "other.npz");
  EXPECT_NE(read_json("other.npz.json")["start"], start);
}

TEST_F(McmcTest, NamesVelocitiesOutOfPlace) {
  const std::string baoab = "baoab:step=0.2:steps=5";
  sample(baoab, {"--count", "3", "--velocities"}, "half.npz");
  sample(baoab, {"--count", "3"}, "half.npy");
  const auto refused = [this](const std::string& sampler, const Arguments& more, const std::string& message,
                              const char* out = "bad.npz") {
    Arguments arguments{"sample", "problem.json", "--sampler", sampler, "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find("gmdiff: " + message), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder() / out));
  };
  refused(
      baoab, {"--start", "half.npy", "--first-step", "5", "--velocities"},
      "--start half.npy: chains of baoab go on from their velocities as well; give the .npz file of a run "
      "with --velocities");
  refused(baoab, {"--start", "half.npz", "--velocities"},
          "run: start_velocities continue chains, and first_step is 0");
  refused("mala:step=0.1", {"--start", "half.npz", "--first-step", "5"},
          "run: start_velocities are given, but only chains of baoab and obabo have velocities", "bad.npy");
  refused("mala:step=0.1", {"--velocities"},
          "--velocities: only chains of baoab and obabo have any, and mala is given");
  refused("ddim", {"--velocities"}, "--velocities belongs to Markov chains, and ddim is none");
  refused(baoab, {"--velocities"},
          "--out bad.npy: --velocities writes an array beside the samples into an archive; give a name that "
          "ends in .npz",
          "bad.npy");
  const std::vector<double> numbers(8, 0.5);
  io::write_npz(folder() / "short.npz",
                {{"samples", {3, 2}, {numbers.data(), 6}}, {"velocities", {4, 2}, numbers}}, true);
  refused(baoab, {"--start", "short.npz", "--first-step", "5", "--velocities"},
          "--start short.npz: expected velocities of shape (3, 2), got (4, 2)");
  io::write_npz(folder() / "none.npz", {{"velocities", {4, 2}, numbers}}, true);
  refused(baoab, {"--start", "none.npz", "--velocities"}, "none.npz: an archive without the array samples");
  sample("mcgdiff:particles=4:output=particles", {"--count", "3"}, "weighted.npz");
  refused("mcgdiff:particles=4", {"--start", "weighted.npz"},
          "--start weighted.npz: its states have weights, which a start has not", "bad.npy");
}

TEST_F(McmcTest, WritesTheLogDensityBesideATrace) {
  const std::string chains = "mala:step=0.02:warmup=20:steps=8:thin=2:output=trace";
  sample(chains, {"--count", "5", "--log-density"}, "x.npz");
  sample(chains, {"--count", "5"}, "x.npy");
  const std::vector<io::NpzEntry> arrays = io::NpzReader(folder() / "x.npz").arrays();
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[1], (io::NpzEntry{"log_density", {5, 4}, Precision::f64}));
  study::ArrayReader states(folder() / "x.npz", "samples"), values(folder() / "x.npz", "log_density");
  Points x(20, 2);
  states.read({x.data(), 40});
  EXPECT_EQ(x, read_points(folder() / "x.npy"));
  EXPECT_NE(x.row(0), x.row(3)) << "the chain moves";
  Eigen::VectorXd found(20);
  values.read({found.data(), 20});
  const Problem problem = read_problem(folder() / "problem.json");
  const Mixture law = posterior(problem.prior, *problem.observation).mixture;
  EXPECT_LT((found - law.log_pdf(x)).cwiseAbs().maxCoeff(), 1e-12 * found.cwiseAbs().maxCoeff());
  // The archive is diagnosed and merged as a trace.
  Json of_archive = json({"diagnose", "x.npz"}), of_array = json({"diagnose", "x.npy"});
  EXPECT_EQ(of_archive["coordinates"][0]["rhat"], of_array["coordinates"][0]["rhat"]);
  output({"plot", "trace", "x.npz", "--coordinates", "1", "--out", "archive.svg"});
  output({"plot", "trace", "x.npy", "--coordinates", "1", "--out", "array.svg"});
  const std::string picture = read("array.svg");
  EXPECT_EQ(std::regex_replace(read("archive.svg"), std::regex("x[.]npz"), "x.npy"), picture);
  sample(chains, {"--range", "0:2", "--log-density"}, "a.npz");
  sample(chains, {"--range", "2:5", "--log-density"}, "b.npz");
  json({"merge", "a.npz", "b.npz", "--out", "ab.npz"});
  EXPECT_EQ(read("ab.npz"), read("x.npz"));
  EXPECT_NE(run({"sample", "problem.json", "--sampler", "mala:step=0.3", "--log-density", "--out", "y.npz"})
                .err.find("--log-density: the log-density is written beside a trace; give the sampler "
                          "output=trace"),
            std::string::npos);
  EXPECT_NE(run({"sample", "problem.json", "--sampler", "ddim", "--log-density", "--out", "y.npz"})
                .err.find("--log-density belongs to Markov chains, and ddim is none"),
            std::string::npos);
  EXPECT_NE(run({"sample", "problem.json", "--sampler", chains, "--log-density", "--out", "y.npy"})
                .err.find("--out y.npy: --log-density writes an array beside the samples into an archive"),
            std::string::npos);
  sample(chains, {"--range", "2:5"}, "b.npy");
  EXPECT_NE(run({"merge", "a.npz", "b.npy", "--out", "other.npz"})
                .err.find("the list of arrays is samples, log_density in a.npz and one array in b.npy"),
            std::string::npos);
}

TEST_F(McmcTest, MomentsAreAnArchiveAndMerged) {
  const std::string chains = "mala:step=0.1:warmup=20:steps=64:output=moments";
  const Json found = sample(chains, {"--count", "20"}, "x.npz");
  const std::vector<io::NpzEntry> arrays = io::NpzReader(folder() / "x.npz").arrays();
  std::vector<std::string> names(arrays.size());
  std::ranges::transform(arrays, names.begin(), &io::NpzEntry::name);
  EXPECT_EQ(names, (std::vector<std::string>{"samples", "mean", "variance", "batch_means", "covariance",
                                             "acceptance", "non_finite"}));
  EXPECT_EQ(found["shape"], Json::array({20, 2}));
  EXPECT_EQ(keys(found["moments"]),
            (std::vector<std::string>{"mean", "variance", "standard_error", "rhat_split"}));
  // The trace of the same chains.
  sample("mala:step=0.1:warmup=20:steps=64:output=trace", {"--count", "20"});
  const Json trace = json({"diagnose", "x.npy"});
  for (std::size_t i = 0; i < 2; ++i) {
    const double sd = trace["coordinates"][i]["sd"];
    EXPECT_NEAR(found["moments"]["mean"][i].get<double>(), trace["coordinates"][i]["mean"].get<double>(),
                1e-6);
    EXPECT_NEAR(found["moments"]["variance"][i].get<double>(), sd * sd, 1e-5);
  }
  const std::string bytes = read("x.npz");
  sample(chains, {"--range", "0:7"}, "a.npz");
  sample(chains, {"--range", "7:20"}, "b.npz");
  const Json merged = json({"merge", "a.npz", "b.npz", "--out", "ab.npz", "--force"});
  EXPECT_EQ(read("ab.npz"), bytes);
  EXPECT_EQ(merged["moments"], found["moments"]);
  const std::string text = output({"sample", "problem.json", "--sampler", "baoab:step=0.1:output=moments",
                                   "--out", "y.npz", "--count", "3"});
  EXPECT_NE(text.find("its error"), std::string::npos) << text;
  EXPECT_EQ(io::NpzReader(folder() / "y.npz").arrays().size(), 5U);  // no acceptance
}

TEST_F(McmcTest, ChainsShowTheStepsThatTheyHaveAdapted) {
  const std::string chains = "mala:adapt=chain:warmup=40:steps=32:output=moments";
  const Json found = sample(chains, {"--count", "9"}, "x.npz");
  EXPECT_EQ(found["sampler"]["adapt"], "chain");
  EXPECT_FALSE(found["sampler"].contains("step"));
  EXPECT_EQ(found["step"].size(), 9U);
  EXPECT_EQ(io::NpzReader(folder() / "x.npz").arrays().back().name, "step");
  const std::string bytes = read("x.npz");
  sample(chains, {"--range", "0:4"}, "a.npz");
  sample(chains, {"--range", "4:9"}, "b.npz");
  const Json merged = json({"merge", "a.npz", "b.npz", "--out", "ab.npz", "--force"});
  EXPECT_EQ(read("ab.npz"), bytes);
  EXPECT_EQ(merged["step"], found["step"]);
  Json sidecar = read_json("b.npz.json");
  sidecar["step"].erase(0);
  write("b.npz.json", sidecar.dump());
  EXPECT_NE(run({"merge", "a.npz", "b.npz", "--out", "ab.npz", "--force"})
                .err.find("b.npz: it has 5 chains, but its sidecar the steps of 4"),
            std::string::npos);
  const std::string text =
      output({"sample", "problem.json", "--sampler", "hmc:adapt=chain:warmup=20:steps=5:leapfrogs=3", "--out",
              "y.npy", "--count", "3"});
  EXPECT_NE(text.find("\nsteps       smallest "), std::string::npos) << text;
  const CommandResult continued = run({"sample", "problem.json", "--sampler", chains, "--start", "y.npy",
                                       "--first-step", "10", "--out", "z.npz"});
  EXPECT_NE(continued.err.find("mala: first_step continues chains of a given step, and with adapt=chain each "
                               "chain has its own"),
            std::string::npos)
      << continued.err;
}

TEST_F(McmcTest, StartsAroundAMean) {
  Json problem = Json::parse(read("problem.json"));
  problem["sampler"] = {
      {"type", "ula"}, {"step", 1e-8}, {"steps", 1}, {"start_std", 1e-3}, {"start_mean", {3.0, -7.0}}};
  write("mean.json", problem.dump());
  json({"sample", "mean.json", "--out", "x.npy", "--force", "--precision", "f64", "--count", "5"});
  const Points x = read_points(folder() / "x.npy");
  EXPECT_LT((x.rowwise() - Eigen::RowVector2d(3.0, -7.0)).cwiseAbs().maxCoeff(), 0.01);
}

TEST_F(McmcTest, RangesAreMergedWithTheirAcceptance) {
  for (const char* sampler : {"hmc:step=0.1:steps=20:leapfrogs=3", "obabo:step=0.1:steps=20",
                              "mala:steps=20:output=trace:thin=5"}) {
    const Json whole = sample(sampler, {"--count", "30"});
    const std::string bytes = read("x.npy");
    sample(sampler, {"--range", "0:11"}, "a.npy");
    sample(sampler, {"--range", "11:30"}, "b.npy");
    const Json merged = json({"merge", "a.npy", "b.npy", "--out", "ab.npy", "--force"});
    EXPECT_EQ(read("ab.npy"), bytes) << sampler;
    EXPECT_EQ(merged.contains("acceptance"), whole.contains("acceptance"));
    if (whole.contains("acceptance")) {
      EXPECT_EQ(merged["acceptance"], whole["acceptance"]);
    }
  }
}

TEST_F(McmcTest, RunsOnThePriorAndWithOtherNumbersOfSteps) {
  const Json found = sample("mala:step=0.1:steps=20", {"--prior", "--steps", "7", "--count", "3"});
  EXPECT_EQ(found["law"], "prior");
  EXPECT_EQ(found["sampler"]["steps"], 7);
  EXPECT_EQ(found["particle_steps"], 21.0);
}

TEST_F(McmcTest, NeedsNoObservation) {
  Json problem = Json::parse(read("prior.json"));
  problem["sampler"] = {{"type", "mala"}, {"step", 0.1}, {"steps", 5}};
  write("own.json", problem.dump());
  EXPECT_EQ(json({"sample", "own.json", "--out", "x.npy"})["law"], "prior");
}

TEST_F(McmcTest, AcceptsAPreconditionerOfAFile) {
  for (const char* preconditioner : {"[0.5, 2]", "[[0.5, 0], [0.1, 2]]"}) {
    Json problem = Json::parse(read("problem.json"));
    problem["sampler"] = {
        {"type", "ula"}, {"step", 0.01}, {"steps", 5}, {"preconditioner", Json::parse(preconditioner)}};
    write("own.json", problem.dump());
    const Json found = json({"sample", "own.json", "--out", "x.npy", "--force"});
    EXPECT_EQ(found["sampler"]["preconditioner"], Json::parse(preconditioner));
  }
}

TEST_F(McmcTest, WarnsOfChainsThatNeverMove) {
  const CommandResult result = run(
      {"sample", "problem.json", "--sampler", "mala:step=1e6:steps=20", "--count", "3", "--out", "x.npy"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err,
            "gmdiff: warning: 3 of 3 chains accepted no proposal after their warm-up, first chain 0: the "
            "step is too "
            "large where they are\n");
}

TEST_F(McmcTest, AreComparedWithTheLaw) {
  const Json found =
      json({"compare", "problem.json", "--samplers", "mala,ula:step=0.01:steps=400", "--count", "300"});
  ASSERT_EQ(found["rows"].size(), 2U);
  for (const Json& row : found["rows"]) EXPECT_TRUE(row["error"].is_null()) << row;
}

TEST_F(McmcTest, NamesBadInput) {
  const auto refused = [this](const Arguments& more, const std::string& message) {
    Arguments arguments{"sample", "problem.json", "--out", "bad.npy"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "gmdiff: " + message + "\n");
    EXPECT_FALSE(std::filesystem::exists(folder() / "bad.npy"));
  };
  refused({"--sampler", "ula"}, "ula: step is missing; only methods that accept and reject find one");
  refused({"--sampler", "mala:step=-1"}, "mala: step must be positive, got -1");
  refused({"--sampler", "mala:warmup=-1"},
          R"(sampler "mala:warmup=-1": warmup: expected an integer from 0 to 10000000, given -1.0)");
  refused({"--sampler", "hmc:step=1:leapfrogs=0"},
          R"(sampler "hmc:step=1:leapfrogs=0": leapfrogs: expected an integer from 1 to 1000, given 0.0)");
  refused({"--sampler", "mala:step=1:steps=10:thin=11"}, "mala: thin must be in [1, 10], got 11");
  refused({"--sampler", "mala:step=1:output=trace", "--history", "3"},
          "--history: the sampler's output=trace already keeps the states after its warm-up");
  refused({"--sampler", "mala:step=0.1", "--first-step", "10"},
          "run: first_step = 10 continues chains, and their last states are not given (Options::start)");
  refused(
      {"--sampler", "mala:step=0.1:output=moments"},
      "--out bad.npy: output=moments writes the moments of each chain into an archive; give a name that ends "
      "in .npz");
  refused({"--sampler", "mala:step=0.1:steps=5:output=moments"},
          "mala: output=moments needs 16 steps or more, one for each batch, got 5");
  const CommandResult array =
      run({"sample", "problem.json", "--out", "bad.npz", "--sampler", "mala:step=0.1"});
  EXPECT_EQ(
      array.err,
      "gmdiff: --out bad.npz: the states of chains are an array, not an archive; give a name that ends in "
      ".npy, or the sampler output=moments\n");
  refused({"--sampler", "ddim", "--first-step", "10"},
          "--first-step continues Markov chains, and ddim is none");
  const CommandResult wild =
      run({"sample", "problem.json", "--out", "bad.npy", "--sampler", "ula:step=1e9:steps=50"});
  EXPECT_EQ(wild.exit_code, 1);
  EXPECT_NE(wild.err.find("(in float32); the step may be too large for the target"), std::string::npos)
      << wild.err;
  const CommandResult traces =
      run({"compare", "problem.json", "--samplers", "mala:step=1:output=trace,draw", "--count", "10"});
  EXPECT_NE(
      (traces.out + traces.err)
          .find(
              "mala: a comparison needs one independent sample of each chain; give the sampler output=draw"),
      std::string::npos)
      << traces.out << traces.err;
}

}  // namespace
}  // namespace gmdiff::test
