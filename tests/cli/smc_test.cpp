// sample with samplers of sequential Monte Carlo, and merge of their ranges.

#include <signal.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <span>
#include <thread>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "command.hpp"
#include "io/npz.hpp"

namespace gmdiff::test {
namespace {

using Shape = std::vector<std::int64_t>;

class SmcTest : public CommandTest {
 protected:
  /// The library's result for the problem of the folder.
  SmcSamples expected(const SmcSampler& sampler, const Options& options) const {
    const Problem problem = read_problem(folder() / "problem.json");
    const ForwardProcess process(problem.process);
    return gmdiff::sample(problem.prior, *problem.observation, process, TimeGrid(process, problem.grid),
                          sampler, options);
  }

  template <class Scalar>
  std::vector<Scalar> values(const std::string& file, std::size_t array) const {
    io::NpzReader reader(folder() / file);
    std::int64_t size = 1;
    for (const std::int64_t entry : reader.arrays().at(array).shape) size *= entry;
    std::vector<Scalar> result(static_cast<std::size_t>(size));
    reader.open(array);
    reader.read_bytes({reinterpret_cast<char*>(result.data()), result.size() * sizeof(Scalar)});
    return result;
  }

  /// Arguments of a run of the small problem.
  static Arguments sample(const std::string& sampler, const std::string& out, const Arguments& more) {
    Arguments arguments{"sample", "problem.json", "--sampler", sampler, "--out", out, "--seed", "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(SmcTest, OneDrawAChainIsAnArrayWithTheEvidenceInTheSidecar) {
  const Json result = json(sample("mcgdiff:particles=16", "x.npy", {"--count", "20", "--precision", "f64"}));

  const SmcSamples samples =
      expected(Mcgdiff{.particles = 16}, {.count = 20, .seed = 3, .precision = Precision::f64});
  EXPECT_EQ(NpyReader(folder() / "x.npy").shape(), (Shape{20, 2}));
  EXPECT_EQ(read_points(folder() / "x.npy"), samples.to_double());
  const Json sidecar = read_json("x.npy.json");
  for (const Json& record : {result, sidecar}) {
    EXPECT_EQ(record["law"], "posterior");
    EXPECT_EQ(record["sampler"]["type"], "mcgdiff");
    EXPECT_EQ(record["sampler"]["particles"], 16);
    EXPECT_EQ(record["particles"], 16);
    EXPECT_EQ(record["log_evidence"].get<std::vector<double>>(), samples.log_evidence());
    EXPECT_EQ(record["mean_log_evidence"], samples.mean_log_evidence());
    EXPECT_EQ(record["log_evidence_sd"], samples.log_evidence_sd());
    EXPECT_EQ(record["smallest_ess"].get<std::vector<double>>(), samples.smallest_ess());
    EXPECT_EQ(record["smallest_ess_step"].get<std::vector<int>>(), samples.chains().smallest_ess_step);
    EXPECT_EQ(record["range"], Json::array({0, 20}));
    EXPECT_EQ(record["particle_steps"], 20.0 * 16.0 * 10.0);
  }
}

TEST_F(SmcTest, AllParticlesAreAnArchiveOfSamplesWeightsAndEvidence) {
  const Json result = json(sample("bootstrap:particles=16:output=particles", "x.npz", {"--count", "5"}));

  const SmcSamples samples =
      expected(Bootstrap{.particles = 16, .output = SmcOutput::particles}, {.count = 5, .seed = 3});
  const std::vector<io::NpzEntry> arrays{{"samples", {5, 16, 2}, Precision::f32},
                                         {"log_weights", {5, 16}, Precision::f64},
                                         {"log_evidence", {5}, Precision::f64}};
  EXPECT_EQ(io::NpzReader(folder() / "x.npz").arrays(), arrays);
  const std::vector<float> x = values<float>("x.npz", 0);
  ASSERT_EQ(std::ssize(x), samples.host<float>().size());
  EXPECT_EQ(std::memcmp(x.data(), samples.host<float>().data(), x.size() * sizeof(float)), 0);
  EXPECT_EQ(values<double>("x.npz", 1), samples.log_weights());
  EXPECT_EQ(values<double>("x.npz", 2), samples.log_evidence());
  EXPECT_EQ(result["shape"], Json::array({5, 16, 2}));
  EXPECT_EQ(result["log_evidence"].get<std::vector<double>>(), samples.log_evidence());
  EXPECT_EQ(files(), (std::vector<std::string>{"prior.json", "problem.json", "x.npz", "x.npz.json"}));
}

TEST_F(SmcTest, LevelsOfAllParticlesAreKeptWithTheirTimes) {
  const std::string sampler = "mcgdiff:particles=16:output=particles";
  output(sample(sampler, "x.npz", {"--count", "5", "--history", "3"}));

  const SmcSamples samples = expected(Mcgdiff{.particles = 16, .output = SmcOutput::particles},
                                      {.count = 5, .seed = 3, .history = 3});
  EXPECT_EQ(io::NpzReader(folder() / "x.npz").arrays().front().shape, (Shape{5, 3, 16, 2}));
  EXPECT_EQ(io::NpzReader(folder() / "x.npz").arrays()[1].shape, (Shape{5, 16}));
  const std::vector<float> x = values<float>("x.npz", 0);
  ASSERT_EQ(std::ssize(x), samples.host<float>().size());
  EXPECT_EQ(std::memcmp(x.data(), samples.host<float>().data(), x.size() * sizeof(float)), 0);
  EXPECT_EQ(read_json("x.npz.json")["times"].get<std::vector<double>>(), samples.times());
  output(sample(sampler, "a.npz", {"--range", "0:2", "--history", "3"}));
  output(sample(sampler, "b.npz", {"--range", "2:5", "--history", "3"}));
  output({"merge", "a.npz", "b.npz", "--out", "merged.npz"});
  EXPECT_EQ(read("merged.npz"), read("x.npz"));
  output(sample(sampler, "c.npz", {"--range", "2:5"}));
  const CommandResult refused = run({"merge", "a.npz", "c.npz", "--out", "y.npz"});
  EXPECT_NE(refused.err.find("not parts of one run: the shape of a particle is "), std::string::npos)
      << refused.err;
}

TEST_F(SmcTest, TheTableForPeopleHasChainsParticlesAndEvidence) {
  const std::string text = output(sample("mcgdiff:particles=16", "x.npy", {"--count", "20"}));

  EXPECT_NE(text.find("chains     0:20, seed 3"), std::string::npos) << text;
  EXPECT_NE(text.find("evidence   log of its mean -"), std::string::npos) << text;
  EXPECT_NE(text.find(", sd over chains 0."), std::string::npos) << text;
  EXPECT_NE(text.find(", 16 particles a chain"), std::string::npos) << text;
  const std::string of_one = output(sample("mcgdiff:particles=16", "y.npy", {"--count", "1"}));
  EXPECT_EQ(of_one.find(", sd over chains"), std::string::npos) << of_one;
  EXPECT_TRUE(read_json("y.npy.json")["log_evidence_sd"].is_null());
}

TEST_F(SmcTest, TheProblemsOwnSamplerRunsAndOneOfTheFlagsReplacesIt) {
  Json problem = read_json("problem.json");
  problem["sampler"] = {{"type", "mcgdiff"}, {"particles", 8}};
  write("smc.json", problem.dump());

  EXPECT_EQ(json({"sample", "smc.json", "--out", "x.npy", "--count", "4"})["particles"], 8);
  EXPECT_TRUE(json({"sample", "smc.json", "--out", "y.npy", "--count", "4", "--sampler", "ddim"})["particles"]
                  .is_null());
}

TEST_F(SmcTest, StepsReplaceThoseOfTheGrid) {
  EXPECT_EQ(json(sample("mcgdiff:particles=4", "x.npy", {"--count", "2", "--steps", "6"}))["particle_steps"],
            2.0 * 4.0 * 6.0);
}

TEST_F(SmcTest, RangesOfAllParticlesMergedAreTheRun) {
  for (const char* precision : {"f32", "f64"}) {
    const auto run_range = [&](const std::string& out, const std::string& range) {
      output(sample("mcgdiff:particles=16:output=particles", out,
                    {"--range", range, "--precision", precision, "--force"}));
    };
    run_range("whole.npz", "0:30");
    run_range("a.npz", "0:7");
    run_range("b.npz", "7:8");
    run_range("c.npz", "8:30");

    const Json merged = json({"merge", "c.npz", "a.npz", "b.npz", "--out", "merged.npz", "--force"});

    EXPECT_EQ(read("merged.npz"), read("whole.npz"));
    Json sidecar = read_json("merged.npz.json");
    Json whole = read_json("whole.npz.json");
    sidecar.erase("seconds");
    whole.erase("seconds");
    EXPECT_EQ(sidecar, whole);
    EXPECT_EQ(merged["log_evidence"].size(), 30U);
  }
}

/// First particles of `chains` chains of the folder's problem.
Points start_of(std::int64_t chains, std::int64_t particles) {
  Points start(chains * particles, 2);
  for (Eigen::Index i = 0; i < start.size(); ++i) start.data()[i] = std::sin(0.7 * static_cast<double>(i));
  return start;
}
void write_start(const std::filesystem::path& file, const Points& start, std::int64_t particles) {
  NpyWriter writer(file, {start.rows() / particles, particles, start.cols()}, Precision::f64, true);
  writer.append(std::span(start.data(), static_cast<std::size_t>(start.size())));
  writer.commit();
}

TEST_F(SmcTest, GivenStartsAreTheFirstParticlesAndSetTheCount) {
  const Points start = start_of(6, 16);
  write_start(folder() / "start.npy", start, 16);

  const Json result = json(sample("mcgdiff:particles=16", "x.npy", {"--start", "start.npy"}));

  const SmcSamples samples = expected(Mcgdiff{.particles = 16}, {.count = 6, .seed = 3, .start = start});
  EXPECT_EQ(read_points(folder() / "x.npy"), samples.to_double());
  EXPECT_EQ(result["log_evidence"].get<std::vector<double>>(), samples.log_evidence());
  EXPECT_EQ(result["start"]["digest"].get<std::string>().size(), 16U);
  const CommandResult replaced =
      run(sample("mcgdiff:particles=16", "y.npy", {"--start", "start.npy", "--count", "5"}));
  EXPECT_NE(replaced.err.find("note: --start has 6 chains of states, which replaces --count 5"),
            std::string::npos)
      << replaced.err;
}

TEST_F(SmcTest, RangesOfGivenStartsMergedAreTheRun) {
  const Points start = start_of(9, 4);
  const auto run_range = [&](const std::string& name, Eigen::Index first, Eigen::Index end) {
    write_start(folder() / (name + ".start.npy"), start.middleRows(4 * first, 4 * (end - first)), 4);
    output(sample(
        "mcgdiff:particles=4", name + ".npy",
        {"--start", name + ".start.npy", "--range", std::to_string(first) + ":" + std::to_string(end)}));
  };
  run_range("whole", 0, 9);
  run_range("a", 0, 2);
  run_range("b", 2, 9);

  output({"merge", "b.npy", "a.npy", "--out", "merged.npy"});

  EXPECT_EQ(read("merged.npy"), read("whole.npy"));
  EXPECT_EQ(read_json("merged.npy.json")["start"], read_json("whole.npy.json")["start"]);
  output(sample("mcgdiff:particles=4", "drawn.npy", {"--range", "2:9"}));
  const CommandResult refused = run({"merge", "a.npy", "drawn.npy", "--out", "x.npy"});
  EXPECT_NE(refused.err.find("the start is given states in a.npy and the process's own in drawn.npy"),
            std::string::npos)
      << refused.err;
}

/// Chains that collapse: the bootstrap filter with an observation of very little noise.
class SmcCollapseTest : public SmcTest {
 protected:
  SmcCollapseTest() {
    Json problem = read_json("problem.json");
    problem["observation"]["noise_std"] = 1e-3;
    write("narrow.json", problem.dump());
  }
  Json run_range(const std::string& out, const std::string& range) const {
    return json({"sample", "narrow.json", "--sampler", "bootstrap:particles=64:kernel=exact", "--seed", "3",
                 "--quiet", "--out", out, "--range", range});
  }
};

TEST_F(SmcCollapseTest, IsWarnedOfInResultSidecarAndOnStandardError) {
  const CommandResult result =
      run({"sample", "narrow.json", "--sampler", "bootstrap:particles=64:kernel=exact", "--seed", "3",
           "--out", "x.npy", "--count", "40"});

  EXPECT_EQ(result.exit_code, 0);
  const Json warnings = read_json("x.npy.json")["warnings"];
  ASSERT_EQ(warnings.size(), 2U) << warnings;
  EXPECT_TRUE(warnings[0].get<std::string>().starts_with("the weights collapse: in ")) << warnings;
  EXPECT_TRUE(warnings[1].get<std::string>().starts_with("the chains disagree on the evidence: "))
      << warnings;
  for (const Json& warning : warnings)
    EXPECT_NE(result.err.find("warning: " + warning.get<std::string>()), std::string::npos) << result.err;
}

TEST_F(SmcCollapseTest, IsDecidedAnewByTheChainsOfAMergedRun) {
  const Json whole = run_range("whole.npy", "0:40");
  const Json a = run_range("a.npy", "0:15");
  run_range("b.npy", "15:40");
  ASSERT_EQ(whole["warnings"].size(), 2U);
  EXPECT_NE(a["warnings"], whole["warnings"]) << "the numbers are those of the part";

  const Json merged = json({"merge", "a.npy", "b.npy", "--quiet", "--out", "merged.npy"});

  EXPECT_EQ(merged["warnings"], whole["warnings"]);
  EXPECT_EQ(merged["log_evidence_sd"], whole["log_evidence_sd"]);
  EXPECT_EQ(merged["smallest_ess"], whole["smallest_ess"]);
  EXPECT_EQ(merged["smallest_ess_step"], whole["smallest_ess_step"]);
}

TEST_F(SmcTest, ANearlyExactObservationIsNotedAndIsAsGoodAsAnExactOne) {
  Json problem = read_json("problem.json");
  double exact = 0.0;
  for (const double noise : {0.0, 1e-12}) {
    problem["observation"]["noise_std"] = noise;
    write("exact.json", problem.dump());
    const Json result = json({"sample", "exact.json", "--sampler", "mcgdiff:particles=64", "--count", "50",
                              "--out", "x.npy", "--force"});
    const std::string name = noise == 0.0 ? "an exact" : "a nearly exact";
    EXPECT_EQ(result["notes"],
              Json::array({"mcgdiff: the last step, to " + name + " observation, is the exact transition"}));
    if (noise == 0.0) exact = result["mean_log_evidence"];
    EXPECT_NEAR(result["mean_log_evidence"], exact, 1e-3) << noise;
  }
}

TEST_F(SmcTest, ARunOfSeveralChunksIsOneRun) {
  // A chain has 100000 (8 + 8) bytes; 30 chains are more than a chunk.
  const Arguments more{"--steps", "1", "--count", "30"};
  output(sample("mcgdiff:particles=100000:output=particles", "x.npz", more));
  output(sample("mcgdiff:particles=100000:output=particles", "y.npz", {"--steps", "1", "--range", "29:30"}));

  const std::vector<double> all = values<double>("x.npz", 1);
  EXPECT_EQ(std::vector<double>(all.end() - 100000, all.end()), values<double>("y.npz", 1));
  EXPECT_EQ(read_json("x.npz.json")["log_evidence"][29], read_json("y.npz.json")["log_evidence"][0]);
}

TEST_F(SmcTest, FinishedChainsOfAnInterruptedRunStandAndTheNamedRangeCompletesThem) {
  // Uses the device with the smallest batches, so that even a slow build finishes some.
  std::int64_t count = 100;
  const auto arguments = [&](const std::string& out, const std::string& range) {
    return sample("mcgdiff:particles=16:output=particles", out,
                  {"--steps", "100", "--range", range, "--device", "reference"});
  };
  std::chrono::milliseconds pause(400);
  CommandResult result{};
  while (!exists("x.npz.partial")) {
    RunningCommand command(folder(), arguments("x.npz", "0:" + std::to_string(count)));
    std::this_thread::sleep_for(pause);
    command.signal(SIGINT);
    result = command.wait();
    if (result.exit_code == 0) {
      count *= 2;  // the run had already ended
      std::filesystem::remove(folder() / "x.npz");
      std::filesystem::remove(folder() / "x.npz.json");
    } else if (!exists("x.npz.partial")) {
      ASSERT_GE(result.exit_code, 128) << result.err;
      pause *= 2;  // no batch was finished yet
    }
  }

  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(files(),
            (std::vector<std::string>{"prior.json", "problem.json", "x.npz.partial", "x.npz.partial.json"}));
  const std::int64_t done = io::NpzReader(folder() / "x.npz.partial").arrays()[0].shape[0];
  const Json sidecar = read_json("x.npz.partial.json");
  EXPECT_EQ(sidecar["complete"], false);
  EXPECT_EQ(std::ssize(sidecar["log_evidence"]), done);
  const std::string range = std::to_string(done) + ":" + std::to_string(count);
  EXPECT_NE(result.err.find(std::to_string(done) + " of " + std::to_string(count) +
                            " chains are in x.npz.partial; --range " + range),
            std::string::npos)
      << result.err;
  output(arguments("rest.npz", range));
  output({"merge", "x.npz.partial", "rest.npz", "--out", "merged.npz"});
  Arguments whole = arguments("x.npz", "0:" + std::to_string(count));
  whole.emplace_back("--force");
  output(whole);
  EXPECT_EQ(read("merged.npz"), read("x.npz"));
}

class SmcMergeRefusalTest : public SmcTest {
 protected:
  SmcMergeRefusalTest() {
    run_into("a", "0:3");
    run_into("b", "3:5");
  }

  void run_into(const std::string& name, const std::string& range) const {
    output(sample("mcgdiff:particles=8:output=particles", name + ".npz", {"--range", range}));
    output(sample("mcgdiff:particles=8", name + ".npy", {"--range", range}));
  }

  void expect_refused(const Arguments& arguments, const std::string& message) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_FALSE(exists("x.npz"));
  }

  void change_sidecar(const std::string& file, const std::string& key, const Json& value) const {
    Json sidecar = read_json(file);
    sidecar[key] = value;
    write(file, sidecar.dump());
  }
};

TEST_F(SmcMergeRefusalTest, DrawsAndAllParticles) {
  expect_refused({"merge", "a.npz", "b.npy", "--out", "x.npz"}, "not parts of one run: the plan hash is ");
}

TEST_F(SmcMergeRefusalTest, AnotherNumberOfParticles) {
  output(sample("mcgdiff:particles=9:output=particles", "c.npz", {"--range", "3:5"}));
  expect_refused({"merge", "a.npz", "c.npz", "--out", "x.npz"}, "not parts of one run: the plan hash is ");
}

TEST_F(SmcMergeRefusalTest, ArchivesIntoAnArray) {
  expect_refused({"merge", "a.npz", "b.npz", "--out", "y.npy"},
                 "--out y.npy: the parts are archives; give a name that ends in .npz");
}

TEST_F(SmcMergeRefusalTest, GapsAndOverlapsAreThoseOfChains) {
  output(sample("mcgdiff:particles=8", "c.npy", {"--range", "4:6"}));
  output(sample("mcgdiff:particles=8", "d.npy", {"--range", "2:6"}));
  expect_refused({"merge", "a.npy", "c.npy", "--out", "x.npz"},
                 "chains 3:4 are missing between a.npy and c.npy");
  expect_refused({"merge", "a.npy", "d.npy", "--out", "x.npz"},
                 "the ranges overlap: a.npy holds chains 0:3, d.npy holds 2:6");
}

TEST_F(SmcMergeRefusalTest, SidecarsWithoutAllOfTheEvidence) {
  change_sidecar("b.npy.json", "log_evidence", Json::array({1.0}));
  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npz"},
                 "b.npy.json: \"log_evidence\", \"smallest_ess\" and \"smallest_ess_step\" differ in length");
  change_sidecar("b.npy.json", "smallest_ess", Json::array({1.0}));
  change_sidecar("b.npy.json", "smallest_ess_step", Json::array({0}));
  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npz"},
                 "b.npy: it has 2 chains, but its sidecar the log-evidence of 1");
  change_sidecar("b.npy.json", "log_evidence", Json::array({1.0, "high"}));
  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npz"},
                 "b.npy.json: \"log_evidence\" is not an array of numbers");
  change_sidecar("b.npy.json", "particles", "many");
  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npz"},
                 "b.npy.json: \"particles\" has the wrong type");
  change_sidecar("b.npy.json", "particles", nullptr);
  expect_refused({"merge", "a.npy", "b.npy", "--out", "x.npz"},
                 "not parts of one run: the sampler's kind is SMC in a.npy and without weights in b.npy");
}

TEST_F(SmcMergeRefusalTest, ArchivesOfOtherArrays) {
  const std::vector<double> zeros(32, 0.0);
  change_sidecar("b.npz.json", "precision", "f64");
  const std::string sidecar = read("b.npz.json");
  io::write_npz(folder() / "b.npz", {{"samples", {2, 8, 2}, zeros}}, true);
  EXPECT_FALSE(exists("b.npz.json"));
  write("b.npz.json", sidecar);
  expect_refused({"merge", "a.npz", "b.npz", "--out", "x.npz"},
                 "b.npz: it does not hold the arrays samples, log_weights and log_evidence of its sidecar");
  write("b.npz", "PK");
  expect_refused({"merge", "a.npz", "b.npz", "--out", "x.npz"},
                 "b.npz: is not a zip archive that can be read");
}

}  // namespace
}  // namespace gmdiff::test
