// Problem files with dynamics: forward, and the verbs that do not take them.

#include <cmath>
#include <vector>

#include <gmdiff/device/path_moments.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>

#include "command.hpp"
#include "io/npz.hpp"

namespace gmdiff::test {
namespace {

class DynamicsFiles : public CommandTest {
 protected:
  DynamicsFiles() {
    write("sine.json", R"json({"dynamics": {"drift": ["-5*(x - sin(5*t))"], "noise": 1, "t_end": 5,
                                            "steps": 50, "start": {"point": [0]}}})json");
    write("log.json", R"json({"dynamics": {"drift": ["log(x)"], "t_end": 10, "steps": 10,
                                           "start": {"point": [0.5]}}})json");
  }
};

TEST_F(DynamicsFiles, GivePathsWithTheirTimes) {
  const Json found = json({"forward", "sine.json", "--count", "7", "--seed", "3", "--out", "x.npy"});
  EXPECT_EQ(found["law"], "dynamics");
  EXPECT_EQ(found["shape"], Json::array({7, 51, 1}));
  EXPECT_EQ(found["times"][50], 5.0);
  output({"forward", "sine.json", "--count", "7", "--seed", "3", "--history", "6", "--out", "h.npy"});
  Dynamics dynamics = sine_dynamics();
  dynamics.steps = 50;
  const Points expected = simulate(dynamics, {.count = 7, .seed = 3, .history = 6}).to_double();
  NpyReader reader(folder() / "h.npy");
  EXPECT_EQ(reader.shape(), (std::vector<std::int64_t>{7, 6, 1}));
  Points levels(42, 1);
  reader.read(0, {levels.data(), 42});
  EXPECT_EQ(levels, expected);
}

TEST_F(DynamicsFiles, GiveMomentsOfTheirPaths) {
  const Json found =
      json({"forward", "sine.json", "--count", "70", "--history", "6", "--moments", "--out", "m.npz"});
  Dynamics dynamics = sine_dynamics();
  dynamics.steps = 50;
  const PathMoments expected = path_moments(dynamics_plan(dynamics), {.count = 70, .history = 6});
  EXPECT_EQ(found["count"], 70);
  EXPECT_EQ(found["times"].get<std::vector<double>>(), expected.times);
  EXPECT_EQ(found["mean"][5][0], expected.mean(5, 0));
  EXPECT_EQ(found["variance"][5][0], expected.variance(5, 0));
  io::NpzReader archive(folder() / "m.npz");
  const std::vector<io::NpzEntry> arrays{
      {"times", {6}}, {"mean", {6, 1}}, {"variance", {6, 1}}, {"covariance", {6, 1, 1}}};
  EXPECT_EQ(archive.arrays(), arrays);
  std::vector<double> mean(6);
  archive.open(1);
  archive.read_bytes({reinterpret_cast<char*>(mean.data()), 6 * sizeof(double)});
  EXPECT_EQ(mean, std::vector<double>(expected.mean.data(), expected.mean.data() + 6));
  // Given first states set the count, and the whole path has 51 times, of which the table has 11.
  write_points(folder() / "s.npy", Points{{0.5}, {-1.0}, {0.25}});
  const std::string text =
      output({"forward", "sine.json", "--start", "s.npy", "--moments", "--out", "s.npz"});
  EXPECT_NE(text.find("paths  3, seed 0"), std::string::npos) << text;
  EXPECT_NE(text.find("the moments at 51 times are in s.npz"), std::string::npos) << text;
}

TEST_F(DynamicsFiles, GiveRangesThatMerge) {
  output({"forward", "sine.json", "--count", "9", "--out", "x.npy"});
  output({"forward", "sine.json", "--range", "0:4", "--out", "a.npy"});
  output({"forward", "sine.json", "--range", "4:9", "--out", "b.npy"});
  output({"merge", "a.npy", "b.npy", "--out", "ab.npy"});
  EXPECT_EQ(read("ab.npy"), read("x.npy"));
}

TEST_F(DynamicsFiles, ShareTheirPathsAtSeveralStepSizes) {
  const auto ends = [&](const std::string& steps) {
    const std::string out = "steps" + steps + ".npy";
    output({"forward", "sine.json", "--count", "40", "--steps", steps, "--path-steps", "400", "--history",
            "2", "--out", out});
    NpyReader reader(folder() / out);
    Points levels(80, 1);
    reader.read(0, {levels.data(), 80});
    return levels;
  };
  const Points fine = ends("400");
  // The deviation of an end point is 0.32, and that of a difference between two runs of their own 0.45.
  EXPECT_LT((ends("200") - fine).cwiseAbs().maxCoeff(), 0.2);
}

TEST_F(DynamicsFiles, HaveAGenerator) {
  write_points(folder() / "p.npy", Points{{0.5}, {-1.0}});
  const Json found =
      json({"eval", "sine.json", "--points", "p.npy", "--t", "0.25", "--generator", "x^2", "--out", "g.npz"});
  EXPECT_EQ(found["law"], "dynamics");
  EXPECT_EQ(found["function"], "x^2");
  EXPECT_FALSE(found.contains("alpha"));
  // 2 x mu + 1
  EXPECT_NEAR(found["generator"][0].get<double>(), -5.0 * (0.5 - std::sin(1.25)) + 1.0, 1e-12);
  EXPECT_NEAR(found["generator"][1].get<double>(), 10.0 * (-1.0 - std::sin(1.25)) + 1.0, 1e-12);
  const std::string text = output({"eval", "sine.json", "--points", "p.npy", "--generator", "x^2"});
  EXPECT_NE(text.find("LF"), std::string::npos) << text;
}

TEST_F(DynamicsFiles, AreRefusedByOtherVerbs) {
  write_points(folder() / "p.npy", Points{{0.5}});
  write_points(folder() / "p2.npy", Points{{0.5, 1.0}});
  const std::string reason = " sine.json has dynamics; expected a prior or a target";
  const std::pair<Arguments, std::string> wrong[] = {
      {{"sample", "sine.json", "--out", "x.npy"}, "sample:" + reason},
      {{"draw", "sine.json", "--out", "x.npy"}, "draw:" + reason},
      {{"eval", "sine.json", "--points", "p.npy"},
       "sine.json has dynamics, of which eval computes the generator; give --generator TEXT"},
      {{"eval", "sine.json", "--points", "p.npy", "--generator", "x +"}, "column 4"},
      {{"eval", "sine.json", "--points", "p.npy", "--generator", "x", "--velocity"},
       "--velocity belongs to a problem with a prior, and sine.json has dynamics"},
      {{"eval", "sine.json", "--points", "p.npy", "--generator", "x", "--alpha", "1"},
       "--alpha belongs to a problem with a prior, and sine.json has dynamics"},
      {{"eval", "sine.json", "--points", "p2.npy", "--generator", "x"},
       "--points p2.npy: its points have dimension 2, those of the dynamics 1"},
      {{"forward", "sine.json", "--path-steps", "51", "--out", "x.npy"},
       "dynamics: path_steps must be a multiple of steps = 50, at most 4096 times as much, got 51"},
      {{"forward", "sine.json", "--moments", "--out", "x.npy"},
       "--out x.npy: --moments writes an archive; give a name that ends in .npz"},
      {{"forward", "sine.json", "--out", "x.npz"},
       "--out x.npz: paths are one array; give a name that ends in .npy, or --moments"},
      {{"forward", "sine.json", "--moments", "--count", "1", "--out", "x.npz"},
       "path_moments: expected at least 2 paths, got 1"},
      {{"posterior", "sine.json"}, "posterior:" + reason},
      {{"fokker-planck", "sine.json"}, "fokker-planck:" + reason},
      {{"compare", "sine.json"}, "sine.json has dynamics; expected a prior"},
      {{"forward", "sine.json", "--prior", "--out", "x.npy"}, "--prior: sine.json has dynamics and no prior"},
  };
  for (const auto& [arguments, message] : wrong) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
}

TEST_F(DynamicsFiles, ReportPathsThatAreNotFinite) {
  const CommandResult lost = run({"forward", "log.json", "--count", "3", "--out", "x.npy"});
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_NE(lost.err.find("3 of 3 particles are not finite"), std::string::npos) << lost.err;
}

}  // namespace
}  // namespace gmdiff::test
