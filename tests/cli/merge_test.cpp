// Merged ranges of a run equal the whole run, for every sampler and both precisions.

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include <tuple>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class MergeTest : public CommandTest {
 protected:
  /// Runs `arguments` whole and in three ranges, merges these in another order and compares bytes and
  /// sidecars.
  void expect_equal_merged(const Arguments& arguments,
                           const Arguments& ranges = {"0:7", "7:8", "8:30"}) const {
    run_into("whole.npy", arguments, {"--count", "30"});
    for (std::size_t i = 0; i < ranges.size(); ++i) run_into(part(i), arguments, {"--range", ranges[i]});
    output({"merge", part(2), part(0), part(1), "--out", "merged.npy", "--force"});
    EXPECT_EQ(read("merged.npy"), read("whole.npy"));
    Json merged = read_json("merged.npy.json");
    Json whole = read_json("whole.npy.json");
    merged.erase("seconds");
    whole.erase("seconds");
    EXPECT_EQ(merged, whole);
  }

  static std::string part(std::size_t i) { return "part" + std::to_string(i) + ".npy"; }

  void run_into(const std::string& file, Arguments arguments, const Arguments& more) const {
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--out", file, "--force", "--seed", "11"});
    output(arguments);
  }
};

TEST_F(MergeTest, RangesOfEverySamplerInBothPrecisions) {
  std::vector<std::string> samplers = runnable_samplers();
  samplers.insert(samplers.end(),
                  {"ddim:eta=1:churn=5", "heun:variable=n:churn=5", "euler-maruyama:finish=step"});
  for (const std::string& sampler : samplers) {
    for (const char* precision : {"f32", "f64"}) {
      SCOPED_TRACE(sampler + " " + precision);
      expect_equal_merged({"sample", "problem.json", "--sampler", sampler, "--precision", precision});
    }
  }
}

TEST_F(MergeTest, RangesWithHistory) {
  expect_equal_merged({"sample", "problem.json", "--sampler", "euler-maruyama", "--history", "4"});
}

TEST_F(MergeTest, RangesOfForwardPathsAndDraws) {
  expect_equal_merged({"forward", "prior.json"});
  expect_equal_merged({"forward", "prior.json", "--history", "3", "--precision", "f64"});
  expect_equal_merged({"draw", "problem.json"});
  expect_equal_merged({"draw", "problem.json", "--prior", "--precision", "f64"});
}

TEST_F(MergeTest, RangesOfGivenStartStates) {
  Points start(30, 2);
  for (Eigen::Index i = 0; i < start.size(); ++i) start.data()[i] = 0.1 * static_cast<double>(i);
  write_points(folder() / "start.npy", start);
  const std::pair<Eigen::Index, Eigen::Index> ranges[] = {{0, 7}, {7, 8}, {8, 30}};
  output({"sample", "problem.json", "--sampler", "ddim:eta=1", "--start", "start.npy", "--out", "whole.npy"});

  for (const auto& [first, end] : ranges) {
    const std::string name = std::to_string(first);
    write_points(folder() / ("start" + name + ".npy"), start.middleRows(first, end - first));
    output({"sample", "problem.json", "--sampler", "ddim:eta=1", "--start", "start" + name + ".npy",
            "--range", name + ":" + std::to_string(end), "--out", "part" + name + ".npy"});
  }
  output({"merge", "part0.npy", "part8.npy", "part7.npy", "--out", "merged.npy"});

  EXPECT_EQ(read("merged.npy"), read("whole.npy"));
  EXPECT_EQ(read_json("merged.npy.json")["start"], read_json("whole.npy.json")["start"]);
}

TEST_F(MergeTest, JsonIsThatOfSample) {
  run_into("a.npy", {"sample", "problem.json"}, {"--range", "0:5"});
  run_into("b.npy", {"sample", "problem.json"}, {"--range", "5:9"});

  const Json result = json({"merge", "b.npy", "a.npy", "--out", "x.npy"});

  EXPECT_EQ(result["file"], "x.npy");
  EXPECT_EQ(result["verb"], "sample");
  EXPECT_EQ(result["range"], Json::array({0, 9}));
  EXPECT_EQ(result["shape"], Json::array({9, 2}));
}

class MergeRefusalTest : public MergeTest {
 protected:
  MergeRefusalTest() { run_into("a.npy", base, {"--range", "0:5"}); }

  /// Writes b.npy with `arguments` and expects that merging it with a.npy is refused with `message`.
  void expect_refused(const Arguments& arguments, const Arguments& more, const std::string& message) const {
    run_into("b.npy", arguments, more);
    expect_refused(message);
  }

  void expect_refused(const std::string& message) const {
    const CommandResult result = run({"merge", "a.npy", "b.npy", "--out", "x.npy"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_FALSE(exists("x.npy"));
  }

  /// Changes one key of b.npy's sidecar.
  void change_sidecar(const std::string& key, const Json& value) const {
    Json sidecar = read_json("b.npy.json");
    sidecar[key] = value;
    write("b.npy.json", sidecar.dump());
  }

  const Arguments base{"sample", "problem.json"};
  const Arguments next{"--range", "5:9"};
};

TEST_F(MergeRefusalTest, OtherSeed) {
  output({"sample", "problem.json", "--range", "5:9", "--seed", "12", "--out", "b.npy"});
  expect_refused("not parts of one run: the seed is 11 in a.npy and 12 in b.npy");
}

TEST_F(MergeRefusalTest, OtherPlan) {
  expect_refused({"sample", "problem.json", "--steps", "11"}, next,
                 "not parts of one run: the plan hash is ");
}

TEST_F(MergeRefusalTest, OtherPrecision) {
  expect_refused({"sample", "problem.json", "--precision", "f64"}, next,
                 "not parts of one run: the precision is f32 in a.npy and f64 in b.npy");
}

TEST_F(MergeRefusalTest, OtherMathMode) {
  expect_refused({"sample", "problem.json", "--math", "fast"}, next,
                 "not parts of one run: the math mode is exact in a.npy and fast in b.npy");
}

TEST_F(MergeRefusalTest, OtherKindOfDeviceInFastMode) {
  const Arguments fast{"sample", "problem.json", "--device", "cpu:1", "--math", "fast"};
  run_into("a.npy", fast, {"--range", "0:5"});
  run_into("b.npy", fast, next);
  change_sidecar("device", "cuda:1");
  expect_refused(
      "not parts of one run: a.npy comes from the device cpu:1, b.npy from cuda:1, and in fast mode their "
      "bits differ");
  change_sidecar("device", "cpu");
  output({"merge", "a.npy", "b.npy", "--out", "x.npy"});
}

TEST_F(MergeRefusalTest, OtherLaw) {
  expect_refused({"sample", "problem.json", "--prior"}, next,
                 "not parts of one run: the law is posterior in a.npy and prior in b.npy");
}

TEST_F(MergeRefusalTest, OtherVerb) {
  expect_refused({"draw", "problem.json"}, next,
                 "not parts of one run: the verb is sample in a.npy and draw in b.npy");
}

TEST_F(MergeRefusalTest, OtherStart) {
  write_points(folder() / "start.npy", Points::Zero(4, 2));
  expect_refused({"sample", "problem.json", "--start", "start.npy"}, next,
                 "not parts of one run: the start is the process's own in a.npy and given states in b.npy");
}

TEST_F(MergeRefusalTest, OtherHistory) {
  expect_refused({"sample", "problem.json", "--history", "2"}, next,
                 "not parts of one run: the shape of a particle is (2,) in a.npy and (2, 2)");
}

TEST_F(MergeRefusalTest, Gap) {
  expect_refused(base, {"--range", "6:9"}, "particles 5:6 are missing between a.npy and b.npy");
}

TEST_F(MergeRefusalTest, Overlap) {
  expect_refused(base, {"--range", "4:9"}, "the ranges overlap: a.npy holds particles 0:5, b.npy holds 4:9");
}

TEST_F(MergeRefusalTest, MissingSidecar) {
  run_into("b.npy", base, next);
  std::filesystem::remove(folder() / "b.npy.json");
  expect_refused("b.npy.json is missing: only the sidecar tells which run b.npy belongs to");
}

TEST_F(MergeRefusalTest, CorruptSidecars) {
  run_into("b.npy", base, next);
  const std::string good = read("b.npy.json");
  const std::pair<std::string, const char*> bad[] = {
      {"", "b.npy.json: not valid JSON: parse error at line 1, column 1"},
      {"[1]", "b.npy.json is not a JSON object"},
      {"{\"version\": ", "b.npy.json: not valid JSON: parse error at line 1, column 13"},
      {good + "{}", "b.npy.json: not valid JSON: parse error at line"},
      {good + std::string(1, '\0'), "b.npy.json: not valid JSON: a NUL byte at line"},
      {R"({"version": "a", "version": "b"})", "b.npy.json: repeated key \"version\""},
      {"{}", "b.npy.json: the key \"version\" is missing"},
      {"{\"version\": 3}", "b.npy.json: \"version\" has the wrong type"}};
  for (const auto& [text, message] : bad) {
    write("b.npy.json", text);
    expect_refused(message);
  }
  const std::tuple<const char*, Json, const char*> changed[] = {
      {"range", "5:9", "b.npy.json: \"range\" is not of the form [A, B]"},
      {"range", Json::array({9, 5}), "b.npy.json: \"range\" is not a range of particles"},
      {"range", Json::array({-5, 9}), "b.npy.json: \"range\" has the wrong type"},
      {"range", Json::array({5, 8}), "b.npy: it has 4 rows, but its sidecar speaks of particles 5:8"},
      {"seed", -1, "b.npy.json: \"seed\" has the wrong type"},
      {"start", "s.npy", "b.npy.json: \"start\" has no digest"},
      {"start", Json{{"digest", "xyz"}}, "b.npy.json: the digest of \"start\" is not 16 hexadecimal digits"},
      {"shape", Json::array({3, 2}), "b.npy: its shape is (4, 2), its sidecar says (3, 2)"},
      {"precision", "f64", "b.npy: it holds f32 values, its sidecar says f64"},
      {"version", "99.0.0", "not parts of one run: the version is"},
      {"times", Json::array({1.0}), "not parts of one run: the list of times is"},
      {"device", "reference", "the reference device has other bits than the others"}};
  for (const auto& [key, value, message] : changed) {
    write("b.npy.json", good);
    change_sidecar(key, value);
    SCOPED_TRACE(message);
    expect_refused(message);
  }
}

TEST_F(MergeRefusalTest, FilesThatAreNotArrays) {
  write("b.npy", "no array");
  expect_refused("b.npy: ");
}

TEST_F(MergeRefusalTest, ASingleFile) {
  const CommandResult result = run({"merge", "a.npy", "--out", "x.npy"});

  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("merge: expected at least two files"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace gmdiff::test
