#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/benchmark_mixtures.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

using ProblemVerbTest = CommandTest;

TEST_F(ProblemVerbTest, PrintsTheFixedProblemsAsTheyAre) {
  EXPECT_EQ(output({"problem", "tutorial-1d"}), to_json(tutorial_1d()));
  EXPECT_EQ(output({"problem", "tutorial-2d"}), to_json(tutorial_2d()));
  EXPECT_EQ(output({"problem", "bench-2d", "--json"}), to_json(bench_2d()));
}

TEST_F(ProblemVerbTest, McgdiffTakesDimensionsAndSeed) {
  EXPECT_EQ(output({"problem", "mcgdiff", "--dx", "6", "--dy", "3", "--seed", "5"}),
            to_json(mcgdiff_problem({.dx = 6, .dy = 3, .seed = 5})));
  EXPECT_EQ(output({"problem", "mcgdiff"}), to_json(mcgdiff_problem({})));
}

TEST_F(ProblemVerbTest, Gmm40TakesItsDimension) {
  const Mixture prior = parse_problem(output({"problem", "gmm40", "--dx", "5"})).prior;
  EXPECT_EQ(prior.means(), gmm40(5).means());
  EXPECT_EQ(parse_problem(output({"problem", "gmm40"})).prior.dim(), 2);
}

TEST_F(ProblemVerbTest, OutWritesTheFileAndJsonPrintsItToo) {
  const std::string text = output({"problem", "bench-2d", "--out", "p.json"});
  const std::string printed = output({"problem", "bench-2d", "--out", "q.json", "--json"});

  EXPECT_EQ(read("p.json"), to_json(bench_2d()));
  EXPECT_EQ(text, "bench-2d written to p.json\n");
  EXPECT_EQ(printed, read("q.json"));
}

TEST_F(ProblemVerbTest, EveryProblemCanBeSampledAsItIs) {
  std::vector<std::string> names = problem_names();
  names.emplace_back("mcgdiff");
  for (const std::string& name : names) {
    const std::string file = name + ".json";
    output({"problem", name, "--out", file});
    EXPECT_EQ(json({"sample", file, "--out", name + ".npy", "--count", "3"})["shape"][0], 3) << name;
  }
}

}  // namespace
}  // namespace gmdiff::test
