// gmdiff fokker-planck: the table, the archive, flags and bad input.

#include <cmath>
#include <map>

#include "command.hpp"
#include "io/npz.hpp"

namespace gmdiff::test {
namespace {

class FokkerPlanckVerb : public CommandTest {
 protected:
  FokkerPlanckVerb() {
    write("gaussian.json", R"({
      "prior": {"weights": [1], "means": [[0.5]], "covariance": {"type": "spherical", "values": [1]}},
      "start": {"weights": [1], "means": [[-1]], "covariance": {"type": "spherical", "values": [0.25]}},
      "density": {"times": [0, 1, 3], "cells": [300]}})");
  }
  void expect_refused(const Arguments& arguments, const std::string& message) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
};

TEST_F(FokkerPlanckVerb, FollowsTheOrnsteinUhlenbeckProcess) {
  const Json found = json({"fokker-planck", "gaussian.json"});
  EXPECT_EQ(found["law"], "prior");
  EXPECT_EQ(found["cells"], Json::array({300}));
  EXPECT_NEAR(found["gap"].get<double>(), 0.5, 1e-3);
  for (const Json& row : found["rows"]) {
    const double t = row["time"];
    const double mean = 0.5 - 1.5 * std::exp(-t / 2.0), variance = 1.0 - 0.75 * std::exp(-t);
    const double difference = mean - 0.5;
    EXPECT_NEAR(row["mean"][0].get<double>(), mean, 1e-3);
    EXPECT_NEAR(row["covariance"][0][0].get<double>(), variance, 2e-3);
    EXPECT_NEAR(row["kl"].get<double>(),
                0.5 * (variance + difference * difference - 1.0 - std::log(variance)), 2e-3);
    EXPECT_NEAR(row["mass"].get<double>(), 1.0, 1e-13);
  }
  // Twice the speed is half the time.
  const Json fast = json({"fokker-planck", "gaussian.json", "--speed", "2", "--times", "0.5"});
  EXPECT_NEAR(fast["rows"][0]["kl"].get<double>(), found["rows"][1]["kl"].get<double>(), 1e-12);
}

TEST_F(FokkerPlanckVerb, WritesAllArrays) {
  output({"problem", "course-three", "--out", "three.json"});
  const Json found =
      json({"fokker-planck", "three.json", "--cells", "30,40", "--times", "0,0.5", "--out", "density.npz"});
  EXPECT_EQ(found["file"], "density.npz");
  io::NpzReader reader(folder() / "density.npz");
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const io::NpzEntry& entry : reader.arrays()) shapes[entry.name] = entry.shape;
  EXPECT_EQ(shapes["density"], (std::vector<std::int64_t>{2, 30, 40}));
  EXPECT_EQ(shapes["centres_1"], (std::vector<std::int64_t>{30}));
  EXPECT_EQ(shapes["centres_2"], (std::vector<std::int64_t>{40}));
  EXPECT_EQ(shapes["covariance"], (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(shapes["kl"], (std::vector<std::int64_t>{2}));
}

TEST_F(FokkerPlanckVerb, AbsorbingWallsLetMassLeave) {
  const Json found = json({"fokker-planck", "gaussian.json", "--boundary", "absorbing", "--lower", "-1.5",
                           "--upper", "1.5", "--times", "0,1,2"});
  const auto mass = [&](std::size_t i) { return found["rows"][i]["mass"].get<double>(); };
  EXPECT_LT(mass(2), mass(1));
  EXPECT_LT(mass(1), 0.9);
  EXPECT_TRUE(found["rows"][0]["kl"].is_null());
  // The decay rate of the mass tends to the gap.
  const Json late = json({"fokker-planck", "gaussian.json", "--boundary", "absorbing", "--lower", "-1.5",
                          "--upper", "1.5", "--times", "8,9"});
  EXPECT_NEAR(std::log(late["rows"][0]["mass"].get<double>() / late["rows"][1]["mass"].get<double>()),
              late["gap"].get<double>(), 1e-6);
}

TEST_F(FokkerPlanckVerb, StartsWithAStandardNormalLaw) {
  const Json found = json({"fokker-planck", "prior.json", "--times", "0", "--cells", "80,80"});
  EXPECT_NEAR(found["rows"][0]["mean"][0].get<double>(), 0.0, 1e-12);
  EXPECT_NEAR(found["rows"][0]["covariance"][1][1].get<double>(), 1.0, 0.02);
}

TEST_F(FokkerPlanckVerb, WarnsOfASmallBox) {
  const CommandResult result = run({"fokker-planck", "gaussian.json", "--lower", "-2", "--upper", "2"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("the cells at the walls hold the mass"), std::string::npos) << result.err;
}

TEST_F(FokkerPlanckVerb, RefusesBadInput) {
  write("target.json", R"({"target": {"type": "expression", "density": "-x^2"}, "start":
      {"weights": [1], "means": [[0]], "covariance": {"type": "spherical", "values": [1]}}})");
  expect_refused(
      {"fokker-planck", "target.json"},
      "density: expression has no moments in closed form, from which a box would follow; give lower "
      "and upper");
  expect_refused({"fokker-planck", "target.json", "--lower", "1"},
                 "density: lower and upper belong together");
  expect_refused({"fokker-planck", "gaussian.json", "--lower", "1,2", "--upper", "2,3"},
                 "density: lower, upper and cells need 1 entry, got 2, 2 and 1");
  expect_refused({"fokker-planck", "gaussian.json", "--cells", "2.5"},
                 "--cells: expected integers from 2 to 4194304, got 2.5");
  expect_refused({"fokker-planck", "gaussian.json", "--times", "2,1"},
                 "density: times must ascend and not be negative, got 1 after 2");
  expect_refused({"fokker-planck", "gaussian.json", "--boundary", "open"},
                 "--boundary: unknown boundary \"open\"");
  write("3d.json", R"({"target": {"type": "funnel", "dim": 3}, "start":
      {"weights": [1], "means": [[0, 0, 0]], "covariance": {"type": "spherical", "values": [1]}}})");
  expect_refused({"fokker-planck", "3d.json"}, "density: a grid has dimension 1 or 2, and the law has 3");
  write("start.json", R"({"target": {"type": "banana"}, "start":
      {"weights": [1], "means": [[0]], "covariance": {"type": "spherical", "values": [1]}}})");
  expect_refused({"fokker-planck", "start.json"}, "density: start has dimension 1, the law 2");
  write("cells.json", R"({"target": {"type": "banana"}, "density": {"cells": [1]}})");
  expect_refused({"fokker-planck", "cells.json"},
                 "cells.json: density.cells[0]: expected an integer from 2 to 4194304, given 1");
}

}  // namespace
}  // namespace gmdiff::test
