// Problem files with dynamics: forward, and the verbs that do not take them.

#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/npy.hpp>

#include "command.hpp"

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

TEST_F(DynamicsFiles, GiveRangesThatMerge) {
  output({"forward", "sine.json", "--count", "9", "--out", "x.npy"});
  output({"forward", "sine.json", "--range", "0:4", "--out", "a.npy"});
  output({"forward", "sine.json", "--range", "4:9", "--out", "b.npy"});
  output({"merge", "a.npy", "b.npy", "--out", "ab.npy"});
  EXPECT_EQ(read("ab.npy"), read("x.npy"));
}

TEST_F(DynamicsFiles, AreRefusedByOtherVerbs) {
  write_points(folder() / "p.npy", Points{{0.5}});
  const std::string reason = " sine.json has dynamics; expected a prior or a target";
  const std::pair<Arguments, std::string> wrong[] = {
      {{"sample", "sine.json", "--out", "x.npy"}, "sample:" + reason},
      {{"draw", "sine.json", "--out", "x.npy"}, "draw:" + reason},
      {{"eval", "sine.json", "--points", "p.npy"}, "eval:" + reason},
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
