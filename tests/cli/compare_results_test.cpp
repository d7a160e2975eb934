// compare --results: recorded runs are not repeated, whatever ended the call that recorded them.

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class CompareResultsTest : public CommandTest {
 protected:
  CompareResultsTest() {
    Json problem = read_json("problem.json");
    problem["observation"]["y"] = {0.3};
    write("other.json", problem.dump());
  }

  /// Small comparisons of two problems.
  static Arguments study(const Arguments& more) {
    Arguments arguments{"compare", "problem.json", "other.json", "--count", "10", "--slices",
                        "5",       "--repeats",    "2",          "--steps", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  /// The study whose calls are interrupted and resumed: 18 runs.
  static Arguments whole(const std::string& results = "") {
    Arguments arguments =
        study({"--samplers", "mcgdiff:particles=8,ddim,draw", "--runs", "3", "--seed", "4"});
    if (!results.empty()) arguments.insert(arguments.end(), {"--results", results});
    return arguments;
  }

  /// Rows without their times.
  Json table(const Arguments& arguments) const {
    Json rows = json(arguments)["rows"];
    for (Json& row : rows) {
      for (const char* of_time : {"ess_per_second", "seconds"}) row.erase(of_time);
    }
    return rows;
  }

  /// Waits until a file has its first bytes, at most ten seconds.
  void wait_for_record(const std::string& file) const {
    for (int i = 0; i < 10000; ++i) {
      std::error_code none;
      const std::uintmax_t size = std::filesystem::file_size(folder() / file, none);
      if (!none && size > 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::ptrdiff_t num_lines(const std::string& file) const {
    const std::string text = read(file);
    return std::ranges::count(text, '\n');
  }
};

TEST_F(CompareResultsTest, ASecondCallRunsOnlyWhatIsMissing) {
  output(study({"--samplers", "draw", "--seed", "4", "--results", "r.jsonl"}));
  const std::string first = read("r.jsonl");
  const CommandResult second = run(whole("r.jsonl"));
  const std::string all = read("r.jsonl");
  const CommandResult third = run(whole("r.jsonl"));

  EXPECT_EQ(std::ranges::count(first, '\n'), 2);
  EXPECT_TRUE(all.starts_with(first));
  EXPECT_EQ(std::ranges::count(all, '\n'), 18);
  EXPECT_EQ(read("r.jsonl"), all);
  EXPECT_NE(second.err.find("note: 2 of 18 runs were in r.jsonl"), std::string::npos) << second.err;
  EXPECT_NE(third.err.find("note: 18 of 18 runs were in r.jsonl"), std::string::npos) << third.err;
  EXPECT_EQ(second.out, third.out) << "the times are recorded as well";
  EXPECT_EQ(table(whole("r.jsonl")), table(whole()));
}

TEST_F(CompareResultsTest, ARunOfAnotherSettingIsAnotherRun) {
  const std::vector<Arguments> settings{
      {"ddim"},
      {"ddim:eta=1"},
      {"ddim", "--seed", "1"},
      {"ddim", "--precision", "f64"},
      {"ddim", "--device", "reference"},
      {"ddim", "--slices", "7"},
      {"ddim", "--repeats", "3"},
      {"ddim", "--metrics", "energy"},
      {"ddim", "--metrics", "sw,energy"},
      {"ddim", "--count", "11"},
      {"ddim", "--steps", "5"},
  };
  for (const int pass : {1, 2}) {
    for (std::size_t i = 0; i < settings.size(); ++i) {
      Arguments arguments{"compare", "problem.json", "--results", "r.jsonl", "--samplers"};
      arguments.insert(arguments.end(), settings[i].begin(), settings[i].end());
      output(arguments);
      const std::size_t expected = pass == 1 ? i + 1 : settings.size();
      EXPECT_EQ(num_lines("r.jsonl"), static_cast<std::ptrdiff_t>(expected)) << settings[i].back();
    }
  }
}

TEST_F(CompareResultsTest, ARunOfTheSamePlanIsKnownUnderAnotherName) {
  output(study({"--samplers", "ddim", "--results", "r.jsonl"}));
  std::filesystem::copy(folder() / "problem.json", folder() / "copy.json");
  const Json result = json({"compare", "copy.json", "--count", "10", "--slices", "5", "--repeats", "2",
                            "--steps", "4", "--samplers", "ddim:eta=0", "--results", "r.jsonl"});

  EXPECT_EQ(num_lines("r.jsonl"), 2);
  EXPECT_EQ(result["problems"], Json::array({"copy.json"}));
  EXPECT_EQ(result["rows"][0]["sampler"], "ddim");
}

/// The delays are reproducible, what the command has done by then is not; so the test asks only for what must
/// hold at any moment. Every second delay begins with the first record, so that some kills come between two.
TEST_F(CompareResultsTest, KilledAtRandomMomentsItResumesToTheSameTable) {
  using Clock = std::chrono::steady_clock;
  const Json expected = table(whole());
  const auto begin = Clock::now();
  output(whole("timed.jsonl"));
  const std::chrono::duration<double> duration = Clock::now() - begin;
  std::mt19937 engine(1);
  std::uniform_real_distribution<double> share(0.0, 1.0);
  int within = 0;  // number of kills that left some of the records
  for (int i = 0; i < 20; ++i) {
    const std::string file = "r" + std::to_string(i) + ".jsonl";
    {
      RunningCommand command(folder(), whole(file));
      if (i % 2 == 1) wait_for_record(file);
      std::this_thread::sleep_for(share(engine) * (i % 2 == 1 ? 0.3 : 1.0) * duration);
      command.signal(SIGKILL);
      command.wait();
    }
    const auto lines = exists(file) ? num_lines(file) : 0;
    if (lines > 0 && lines < 18) ++within;
    EXPECT_EQ(table(whole(file)), expected) << "killed with " << lines << " records";
    EXPECT_EQ(num_lines(file), 18);
  }
  EXPECT_GT(within, 0) << "no kill came between two records";
}

TEST_F(CompareResultsTest, ATornLastLineIsRunAgain) {
  const Json expected = table(whole("r.jsonl"));
  const std::string all = read("r.jsonl");
  const std::size_t last = all.rfind('\n', all.size() - 2) + 1;
  for (const std::size_t size : {last + 1, last + 30, (last + all.size()) / 2, all.size() - 1}) {
    write("r.jsonl", all.substr(0, size));
    EXPECT_EQ(table(whole("r.jsonl")), expected) << size;
    EXPECT_TRUE(read("r.jsonl").starts_with(all.substr(0, last)));
    EXPECT_EQ(num_lines("r.jsonl"), 18) << size;
  }
}

TEST_F(CompareResultsTest, TwoCallsMayShareAFile) {
  RunningCommand first(folder(), whole("r.jsonl"));
  RunningCommand second(folder(), whole("r.jsonl"));
  EXPECT_EQ(first.wait().exit_code, 0);
  EXPECT_EQ(second.wait().exit_code, 0);
  const auto lines = num_lines("r.jsonl");

  EXPECT_GE(lines, 18);
  EXPECT_LE(lines, 36) << "runs of both may be recorded twice";
  EXPECT_EQ(table(whole("r.jsonl")), table(whole()));
  EXPECT_EQ(num_lines("r.jsonl"), lines);
}

TEST_F(CompareResultsTest, ForeignAndDamagedFilesAreNamedAndKept) {
  const auto message = [&](const std::string& file) {
    const CommandResult result = run(whole(file));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  write("list.txt", "milk\nbread\n");
  EXPECT_NE(message("list.txt").find("list.txt: line 1 does not begin with "), std::string::npos);
  EXPECT_EQ(read("list.txt"), "milk\nbread\n");

  output(study({"--samplers", "draw", "--results", "r.jsonl"}));
  std::string damaged = read("r.jsonl");
  const std::size_t digit = damaged.rfind("\"count\":10") + 8;
  damaged[digit] = '2';
  write("r.jsonl", damaged);
  EXPECT_NE(message("r.jsonl").find("r.jsonl: line 2: damaged: "), std::string::npos) << message("r.jsonl");
  EXPECT_EQ(read("r.jsonl"), damaged);

  EXPECT_NE(message("none/r.jsonl").find("none/r.jsonl: cannot be written (No such file or directory)"),
            std::string::npos);
}

TEST_F(CompareResultsTest, ARunThatFailsForItsSeedIsOnRecord) {
  Json problem = read_json("problem.json");
  problem["observation"]["y"] = {1e3};
  problem["observation"]["noise_std"] = 1e-25;
  write("dead.json", problem.dump());
  const Arguments arguments{"compare",  "dead.json", "--samplers", "bootstrap,draw", "--count", "10",
                            "--slices", "5",         "--quiet",    "--results",      "r.jsonl", "--json"};
  const CommandResult first = run(arguments), second = run(arguments);

  EXPECT_EQ(first.exit_code, 1);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(first.out, second.out);
  EXPECT_EQ(num_lines("r.jsonl"), 2);
}

}  // namespace
}  // namespace gmdiff::test
