// sample, forward and draw: shapes, files, JSON, flags.

#include <gmdiff/base/version.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/plan/plan.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

using Shape = std::vector<std::int64_t>;
using RunVerbsTest = CommandTest;

const std::vector<std::string> sidecar_keys{"version",
                                            "verb",
                                            "problem",
                                            "law",
                                            "sampler",
                                            "process",
                                            "grid",
                                            "seed",
                                            "range",
                                            "precision",
                                            "math",
                                            "plan_hash",
                                            "device",
                                            "shape",
                                            "checksums",
                                            "times",
                                            "start",
                                            "particles",
                                            "log_evidence",
                                            "mean_log_evidence",
                                            "log_evidence_sd",
                                            "smallest_ess",
                                            "smallest_ess_step",
                                            "complete",
                                            "particle_steps",
                                            "warnings",
                                            "notes",
                                            "seconds"};

TEST_F(RunVerbsTest, SampleWritesFloat32OfShapeCountByDimAndASidecar) {
  const std::string text =
      output({"sample", "problem.json", "--out", "x.npy", "--count", "20", "--seed", "3"});

  const NpyReader reader(folder() / "x.npy");
  EXPECT_EQ(reader.shape(), (Shape{20, 2}));
  EXPECT_EQ(reader.precision(), Precision::f32);
  const Json sidecar = read_json("x.npy.json");
  EXPECT_EQ(keys(sidecar), sidecar_keys);
  EXPECT_EQ(sidecar["verb"], "sample");
  EXPECT_EQ(sidecar["law"], "posterior");
  EXPECT_EQ(sidecar["problem"], "problem.json");
  EXPECT_EQ(sidecar["seed"], 3);
  EXPECT_EQ(sidecar["range"], Json::array({0, 20}));
  EXPECT_EQ(sidecar["complete"], true);
  EXPECT_EQ(sidecar["particle_steps"], 200.0);
  for (const char* key : {"start", "particles", "log_evidence", "mean_log_evidence", "log_evidence_sd",
                          "smallest_ess", "smallest_ess_step"})
    EXPECT_TRUE(sidecar[key].is_null()) << key;
  EXPECT_NE(text.find("posterior of problem.json"), std::string::npos) << text;
  EXPECT_NE(text.find(sidecar["plan_hash"].get<std::string>()), std::string::npos) << text;
}

TEST_F(RunVerbsTest, SampleWritesWhatTheLibrarySamples) {
  output({"sample", "problem.json", "--out", "x.npy", "--count", "20", "--seed", "3", "--precision", "f64"});

  const Problem problem = read_problem(folder() / "problem.json");
  const ForwardProcess process(problem.process);
  const Samples expected =
      sample(problem.prior, *problem.observation, process, TimeGrid(process, problem.grid),
             std::get<Sampler>(problem.sampler), {.count = 20, .seed = 3, .precision = Precision::f64});
  EXPECT_EQ(read_points(folder() / "x.npy"), expected.to_double());
}

TEST_F(RunVerbsTest, SampleJsonHasFileSpeedAndEveryKeyOfTheSidecar) {
  const Json result = json({"sample", "problem.json", "--out", "x.npy", "--count", "20"});

  std::vector<std::string> expected{"file"};
  expected.insert(expected.end(), sidecar_keys.begin(), sidecar_keys.end());
  expected.emplace_back("particle_steps_per_second");
  EXPECT_EQ(keys(result), expected);
  EXPECT_EQ(result["file"], "x.npy");
  EXPECT_EQ(result["shape"], Json::array({20, 2}));
  EXPECT_EQ(result["plan_hash"].get<std::string>().size(), 16U);
  EXPECT_GT(result["seconds"], 0.0);
  EXPECT_GT(result["particle_steps_per_second"], 0.0);
  for (const auto& key : sidecar_keys) EXPECT_EQ(result[key], read_json("x.npy.json")[key]) << key;
}

TEST_F(RunVerbsTest, ADrawHasNoStepsAndCountsParticles) {
  const Json result = json({"draw", "problem.json", "--out", "x.npy", "--count", "20"});
  const std::string text = output({"draw", "problem.json", "--out", "x.npy", "--count", "20", "--force"});

  EXPECT_DOUBLE_EQ(result["particles_per_second"].get<double>(), 20.0 / result["seconds"].get<double>());
  EXPECT_FALSE(result.contains("particle_steps_per_second"));
  EXPECT_NE(text.find(" particles/s\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("particle-steps/s"), std::string::npos) << text;
}

TEST_F(RunVerbsTest, DefaultsAreReported) {
  write("bare.json", std::string("{\"prior\": ") + small_prior + "}");

  const Json result = json({"sample", "bare.json", "--out", "x.npy"});

  EXPECT_EQ(result["sampler"]["type"], "ddim");
  EXPECT_EQ(result["sampler"]["eta"], 0.0);
  EXPECT_EQ(result["grid"]["type"], "uniform");
  EXPECT_EQ(result["grid"]["steps"], 100);
  EXPECT_EQ(result["process"]["type"], "vp");
  EXPECT_EQ(result["process"]["beta"]["min"], 0.02);
  EXPECT_EQ(result["process"]["beta"]["max"], 7.0);
  EXPECT_EQ(result["shape"], Json::array({1000, 2}));
  EXPECT_EQ(result["seed"], 0);
  EXPECT_EQ(result["precision"], "f32");
  EXPECT_EQ(result["math"], "exact");
  EXPECT_EQ(result["law"], "prior");
}

TEST_F(RunVerbsTest, FastModeIsRecordedAndTheSameOnTheCpu) {
  for (const char* verb : {"sample", "forward", "draw"}) {
    const Json result =
        json({verb, "problem.json", "--out", "x.npy", "--device", "cpu:1", "--math", "fast", "--force"});
    const std::string text =
        output({verb, "problem.json", "--out", "x.npy", "--device", "cpu:1", "--math", "fast", "--force"});
    output({verb, "problem.json", "--out", "y.npy", "--device", "cpu:1", "--force"});

    EXPECT_EQ(result["math"], "fast");
    EXPECT_EQ(read_json("x.npy.json")["math"], "fast");
    EXPECT_EQ(read_json("y.npy.json")["math"], "exact");
    EXPECT_NE(text.find("cpu:1, fast mode\n"), std::string::npos) << text;
    EXPECT_EQ(read("x.npy"), read("y.npy"));
  }
}

TEST_F(RunVerbsTest, FlagsOverrideTheFile) {
  const Json result = json({"sample", "problem.json", "--out", "x.npy", "--sampler", "heun:variable=n",
                            "--steps", "7", "--prior", "--device", "reference"});

  EXPECT_EQ(result["sampler"]["type"], "heun");
  EXPECT_EQ(result["sampler"]["variable"], "n");
  EXPECT_EQ(result["grid"]["steps"], 7);
  EXPECT_EQ(result["law"], "prior");
  EXPECT_EQ(result["device"], "reference");
}

TEST_F(RunVerbsTest, StepsOfAnAdaptedGridSetItsPoints) {
  output({"problem", "mcgdiff", "--dx", "2", "--dy", "1", "--out", "mcgdiff.json"});

  const Json result = json({"sample", "mcgdiff.json", "--out", "x.npy", "--count", "5", "--steps", "12"});

  EXPECT_EQ(result["grid"]["type"], "mcgdiff");
  EXPECT_EQ(result["grid"]["points"], 13);
}

TEST_F(RunVerbsTest, HistoryHasLevelsNoisyToCleanAndTheirTimes) {
  output({"sample", "problem.json", "--out", "x.npy", "--count", "6", "--history", "3"});
  output({"sample", "problem.json", "--out", "last.npy", "--count", "6"});

  EXPECT_EQ(NpyReader(folder() / "x.npy").shape(), (Shape{6, 3, 2}));
  EXPECT_EQ(read_json("x.npy.json")["times"], Json::array({1.0, 0.5, 0.0}));
  const Points levels = read_points(folder() / "x.npy");
  const Points last = read_points(folder() / "last.npy");
  for (Eigen::Index n = 0; n < 6; ++n) EXPECT_EQ(levels.row(3 * n + 2), last.row(n)) << n;
  EXPECT_TRUE(read_json("last.npy.json")["times"].is_null());
}

TEST_F(RunVerbsTest, ForwardGoesFromDrawsToNoiseOverAllLevels) {
  output({"forward", "prior.json", "--out", "paths.npy", "--count", "4", "--seed", "9"});
  output({"draw", "prior.json", "--out", "x0.npy", "--count", "4", "--seed", "9"});

  EXPECT_EQ(NpyReader(folder() / "paths.npy").shape(), (Shape{4, 11, 2}));
  const Points paths = read_points(folder() / "paths.npy");
  const Points x0 = read_points(folder() / "x0.npy");
  for (Eigen::Index n = 0; n < 4; ++n) EXPECT_EQ(paths.row(11 * n), x0.row(n)) << n;
  const Json times = read_json("paths.npy.json")["times"];
  ASSERT_EQ(times.size(), 11U);
  EXPECT_EQ(times.front(), 0.0);
  EXPECT_EQ(times.back(), 1.0);
}

TEST_F(RunVerbsTest, ForwardTakesHistoryAndStart) {
  write_points(folder() / "start.npy", Points{{1.0, 2.0}, {3.0, 4.0}});

  const Json result =
      json({"forward", "prior.json", "--out", "paths.npy", "--history", "2", "--start", "start.npy"});

  EXPECT_EQ(result["shape"], Json::array({2, 2, 2}));
  EXPECT_EQ(result["times"], Json::array({0.0, 1.0}));
  const Points paths = read_points(folder() / "paths.npy");
  EXPECT_EQ(paths.row(0), (Eigen::RowVector2d{1.0, 2.0}));
  EXPECT_EQ(paths.row(2), (Eigen::RowVector2d{3.0, 4.0}));
}

TEST_F(RunVerbsTest, DrawsAreThoseOfTheLibrary) {
  const Json result =
      json({"draw", "problem.json", "--out", "x.npy", "--count", "50", "--seed", "4", "--prior"});

  const Problem problem = read_problem(folder() / "problem.json");
  EXPECT_EQ(read_points(folder() / "x.npy"), draw(problem.prior, {.count = 50, .seed = 4}).to_double());
  EXPECT_EQ(result["law"], "prior");
  EXPECT_EQ(result["verb"], "draw");
  EXPECT_TRUE(result["sampler"].is_null());
}

TEST_F(RunVerbsTest, DrawSpeaksOfThePosteriorWhenThereIsAnObservation) {
  const Json result =
      json({"draw", "problem.json", "--out", "x.npy", "--count", "2000", "--precision", "f64"});

  EXPECT_EQ(result["law"], "posterior");
  EXPECT_NEAR(read_points(folder() / "x.npy").col(0).mean(), 1.48,
              0.05);  // the observation is 1.5 with noise 0.1
}

TEST_F(RunVerbsTest, StartSetsTheCount) {
  write_points(folder() / "start.npy", Points::Zero(7, 2));

  const Json result = json({"sample", "problem.json", "--out", "x.npy", "--start", "start.npy"});
  const CommandResult replaced =
      run({"sample", "problem.json", "--out", "y.npy", "--start", "start.npy", "--count", "5"});

  EXPECT_EQ(result["shape"], Json::array({7, 2}));
  EXPECT_EQ(result["start"]["digest"].get<std::string>().size(), 16U);
  EXPECT_EQ(replaced.exit_code, 0);
  EXPECT_NE(replaced.err.find("note: --start has 7 states, which replaces --count 5"), std::string::npos)
      << replaced.err;
  EXPECT_EQ(read("y.npy"), read("x.npy"));
}

TEST_F(RunVerbsTest, StartWithARangeGivesTheParticlesOfTheRange) {
  write_points(folder() / "start.npy", Points::Ones(4, 2));
  write_points(folder() / "part.npy", Points::Ones(2, 2));
  const Arguments sde{"sample", "problem.json", "--sampler", "ddim:eta=1"};
  const auto with = [&](std::initializer_list<std::string> more) {
    Arguments arguments = sde;
    arguments.insert(arguments.end(), more);
    return arguments;
  };

  output(with({"--out", "x.npy", "--start", "start.npy"}));
  output(with({"--out", "y.npy", "--start", "part.npy", "--range", "2:4"}));

  EXPECT_EQ(read_points(folder() / "y.npy"), read_points(folder() / "x.npy").bottomRows(2));
}

TEST_F(RunVerbsTest, ReadsAProblemFromStandardInput) {
  const Surroundings piped{.input = read("problem.json"), .environment = {}, .terminal = false};

  const Json result = json({"sample", "-", "--out", "x.npy", "--count", "20"}, piped);
  output({"sample", "problem.json", "--out", "y.npy", "--count", "20"});

  EXPECT_EQ(result["problem"], "-");
  EXPECT_EQ(read("x.npy"), read("y.npy"));
}

TEST_F(RunVerbsTest, WarningsAreOnStandardErrorInTheSidecarAndInJson) {
  write("far.json",
        R"({"prior": {"weights": [1], "means": [[100]], "covariance": {"type": "spherical", "values": [1]}},
                        "sampler": {"type": "ddim", "start": "gaussian"}})");

  const CommandResult loud = run({"sample", "far.json", "--out", "x.npy", "--json", "--count", "2"});
  const CommandResult quiet =
      run({"sample", "far.json", "--out", "y.npy", "--json", "--count", "2", "--quiet"});

  const Json result = Json::parse(loud.out);
  ASSERT_EQ(result["warnings"].size(), 1U);
  EXPECT_NE(loud.err.find("gmdiff: warning: " + result["warnings"][0].get<std::string>()), std::string::npos)
      << loud.err;
  EXPECT_EQ(read_json("x.npy.json")["warnings"], result["warnings"]);
  EXPECT_EQ(quiet.err, "");
  EXPECT_EQ(Json::parse(quiet.out)["warnings"], result["warnings"]);
}

TEST_F(RunVerbsTest, ForcedOutputIsOverwritten) {
  output({"draw", "prior.json", "--out", "x.npy", "--count", "2"});

  output({"draw", "prior.json", "--out", "x.npy", "--count", "3", "--force"});

  EXPECT_EQ(NpyReader(folder() / "x.npy").shape(), (Shape{3, 2}));
  EXPECT_EQ(read_json("x.npy.json")["range"], Json::array({0, 3}));
}

TEST_F(RunVerbsTest, LargestSeedAndLastIndexWork) {
  const Json result = json({"sample", "problem.json", "--out", "x.npy", "--seed", "18446744073709551615",
                            "--range", "9223372036854775806:9223372036854775808"});

  EXPECT_EQ(result["seed"].get<std::uint64_t>(), 18446744073709551615U);
  EXPECT_EQ(result["range"][1].get<std::uint64_t>(), std::uint64_t{1} << 63);
  EXPECT_EQ(result["shape"], Json::array({2, 2}));
}

TEST_F(RunVerbsTest, ARangeFarIntoALongRunWorks) {
  const Json result =
      json({"sample", "problem.json", "--out", "x.npy", "--range", "1000000000000:1000000000003"});

  EXPECT_EQ(result["range"], Json::array({1000000000000, 1000000000003}));
}

TEST_F(RunVerbsTest, ARunOfSeveralChunksIsOneRun) {
  // 5000 x 2000 floats are 40 MB, more than a chunk.
  write_points(folder() / "means.npy", Points::Zero(1, 2000));
  write(
      "wide.json",
      R"({"prior": {"weights": [1], "means": "means.npy", "covariance": {"type": "spherical", "values": [1]}}})");

  output({"draw", "wide.json", "--out", "x.npy", "--count", "5000"});
  output({"draw", "wide.json", "--out", "y.npy", "--range", "4990:5000"});

  NpyReader reader(folder() / "x.npy");
  ASSERT_EQ(reader.shape(), (Shape{5000, 2000}));
  Points end(10, 2000);
  reader.read(4990 * 2000, {end.data(), static_cast<std::size_t>(end.size())});
  EXPECT_EQ(end, read_points(folder() / "y.npy"));
  EXPECT_EQ(read_json("x.npy.json")["shape"], Json::array({5000, 2000}));
}

TEST_F(RunVerbsTest, VersionNamesTheVersion) {
  EXPECT_EQ(output({"--version"}), "gmdiff " + std::string(version()) + "\n");
}

TEST_F(RunVerbsTest, AFileNameThatIsNotUtf8IsNoObstacle) {
  std::filesystem::copy_file(folder() / "prior.json", folder() / "\xff.json");

  const Json result = json({"draw", "\xff.json", "--out", "x.npy", "--count", "2"});

  EXPECT_EQ(result["shape"], Json::array({2, 2}));
}

TEST_F(RunVerbsTest, AFloat32RunFarFromTheOriginIsWarnedOf) {
  write(
      "far.json",
      R"({"prior": {"weights": [1], "means": [[2e6, 2e6]], "covariance": {"type": "spherical", "values": [0.25]}}})");

  const CommandResult single =
      run({"sample", "far.json", "--sampler", "exact-transition", "--count", "5", "--out", "x.npy"});
  const CommandResult twice =
      run({"sample", "far.json", "--count", "5", "--precision", "f64", "--out", "y.npy"});

  EXPECT_NE(single.err.find("gmdiff: warning: float32 resolves "), std::string::npos) << single.err;
  EXPECT_EQ(read_json("x.npy.json")["warnings"].size(), 1U);
  EXPECT_EQ(twice.err.find("warning"), std::string::npos) << twice.err;
}

}  // namespace
}  // namespace gmdiff::test
