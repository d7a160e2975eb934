// compare: several runs and metrics, runs that diverge, samples made elsewhere, CSV.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "command.hpp"

namespace gmdiff::test {
namespace {

namespace fs = std::filesystem;

class CompareStudyTest : public CommandTest {
 protected:
  CompareStudyTest() {
    Json problem = read_json("problem.json");
    problem["observation"]["y"] = {0.3};
    write("other.json", problem.dump());
  }

  static Arguments small(const Arguments& more) {
    Arguments arguments{"compare", "--count", "10", "--repeats", "2", "--steps", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Json rows(const Arguments& more) const { return json(small(more))["rows"]; }
  double value(const Arguments& more) const { return rows(more)[0]["value"]; }

  /// The message of a call with wrong usage.
  std::string message(const Arguments& more) const {
    const CommandResult result = run(small(more));
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  }
  /// Exact draws of a problem in a file.
  void draw(const std::string& problem, const std::string& file, const std::string& count = "10") const {
    output({"draw", problem, "--count", count, "--out", file, "--quiet"});
  }
};

// ----- runs

TEST_F(CompareStudyTest, RunsOfOneProblemHaveTheFollowingSeeds) {
  const Json row = rows({"problem.json", "--samplers", "ddim", "--runs", "3", "--seed", "5"})[0];
  std::vector<double> values;
  for (const char* seed : {"5", "6", "7"})
    values.push_back(value({"problem.json", "--samplers", "ddim", "--seed", seed}));
  const double mean = (values[0] + values[1] + values[2]) / 3.0;
  double squares = 0.0;
  for (const double x : values) squares += (x - mean) * (x - mean);
  std::ranges::sort(values);

  EXPECT_DOUBLE_EQ(row["value"], mean);
  EXPECT_DOUBLE_EQ(row["median"], values[1]);
  EXPECT_NEAR(row["standard_error"], std::sqrt(squares / 2.0 / 3.0), 1e-12);
  EXPECT_EQ(row["ratio"], row["value"].get<double>() / row["floor"].get<double>());
  EXPECT_EQ(row["problems"], 1);
  EXPECT_EQ(row["runs"], 3);
}

TEST_F(CompareStudyTest, OfSeveralProblemsTheRunsOfEachAreAveragedFirst) {
  const auto of = [&](const char* seed) {
    return rows({"problem.json", "other.json", "--samplers", "ddim", "--seed", seed})[0];
  };
  const Json both =
      rows({"problem.json", "other.json", "--samplers", "ddim", "--runs", "2", "--seed", "5"})[0];
  const double first = (value({"problem.json", "--samplers", "ddim", "--seed", "5"}) +
                        value({"problem.json", "--samplers", "ddim", "--seed", "6"})) /
                       2.0;
  const double mean = (of("5")["value"].get<double>() + of("6")["value"].get<double>()) / 2.0;
  const double second = 2.0 * mean - first;

  EXPECT_DOUBLE_EQ(both["value"], mean);
  EXPECT_NEAR(both["standard_error"], std::abs(first - second) / 2.0, 1e-12) << "over the problems";
  EXPECT_EQ(both["problems"], 2);
  EXPECT_EQ(both["runs"], 4);
}

TEST_F(CompareStudyTest, DivergedRunsAreCounted) {
  const Arguments arguments =
      small({"problem.json", "--samplers", "dps:zeta=3e38,draw", "--runs", "2", "--quiet"});
  Arguments as_json = arguments;
  as_json.emplace_back("--json");
  const CommandResult text = run(arguments), result = run(as_json);

  EXPECT_EQ(result.exit_code, 1) << "no run is left";
  const Json rows = Json::parse(result.out)["rows"];
  EXPECT_EQ(rows[0]["diverged"], 2);
  EXPECT_EQ(rows[0]["runs"], 0);
  EXPECT_TRUE(rows[0]["error"].get<std::string>().starts_with("on problem.json: ")) << rows[0];
  EXPECT_EQ(rows[1]["diverged"], 0);
  EXPECT_EQ(rows[1]["runs"], 2);
  EXPECT_NE(text.out.find("diverged"), std::string::npos) << text.out;
  const std::string others = output(small({"problem.json", "--samplers", "draw"}));
  EXPECT_EQ(others.find("diverged"), std::string::npos) << "the column appears where it says something";
}

// ----- metrics

TEST_F(CompareStudyTest, EachMetricIsThatOfDistance) {
  draw("problem.json", "x.npy");
  const Json row = rows({"problem.json", "--samplers", "draw", "--metrics",
                         "sw,max-sw,mmd,energy,moments,modes,mode-weights"})[0];
  std::vector<Json> expected;
  for (const char* metric : {"sw", "max-sw", "mmd", "energy", "moments", "modes", "mode-weights"}) {
    const Json result = json({"distance", "x.npy", "problem.json", "--metric", metric, "--repeats", "2"});
    for (const Json& entry : result["rows"]) expected.push_back(entry);
  }

  ASSERT_EQ(row["quantities"].size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(row["quantities"][i]["quantity"], expected[i]["quantity"]);
    for (const char* key : {"value", "floor", "floor_sd"})
      EXPECT_EQ(row["quantities"][i][key], expected[i][key]) << expected[i]["quantity"] << ' ' << key;
  }
  EXPECT_EQ(row["value"], row["quantities"][0]["value"]);
}

TEST_F(CompareStudyTest, TheTableHasColumnsForEachQuantity) {
  const std::string text =
      output(small({"problem.json", "--samplers", "draw", "--metrics", "moments,modes"}));

  EXPECT_TRUE(
      text.starts_with("posterior of problem.json: moments, modes of 10 samples; floor: of as many "
                       "exact ones\n\n"))
      << text;
  std::string header;
  std::istringstream lines(text.substr(text.find("\n\n") + 2));
  std::getline(lines, header);
  std::size_t at = 0;
  for (const char* column : {"sampler", "mean_error", "+-", "median", "floor", "ratio", "covariance_error",
                             "total_variation", "log-evidence error", "ESS/s", "seconds"}) {
    at = header.find(column, at);
    EXPECT_NE(at, std::string::npos) << column << " in " << header;
  }
}

TEST_F(CompareStudyTest, WrongMetricsAreNamed) {
  EXPECT_NE(message({"problem.json", "--metrics", "sw,mods"}).find("did you mean \"modes\"?"),
            std::string::npos);
  EXPECT_NE(message({"problem.json", "--metrics", "sw,sw"}).find("--metrics: sw is given twice"),
            std::string::npos);
  EXPECT_NE(message({"problem.json", "--metrics", "modes", "--slices", "5"})
                .find("--slices belongs to the metrics sw and max-sw"),
            std::string::npos);
}

// ----- CSV

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> result(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) {
      result.emplace_back();
    } else if (c != '"') {
      result.back() += c;
    }
  }
  return result;
}

TEST_F(CompareStudyTest, CsvHasTheNumbersOfJson) {
  const Arguments arguments{"problem.json", "other.json", "--samplers", "mcgdiff:particles=8,draw",
                            "--metrics",    "sw,modes",   "--results",  "r.jsonl"};
  const Json json = rows(arguments);
  Arguments csv = small(arguments);
  csv.emplace_back("--csv");
  std::istringstream lines(output(csv));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = fields(line);

  EXPECT_EQ(header.front(), "sampler");
  for (const Json& row : json) {
    ASSERT_TRUE(std::getline(lines, line));
    const std::vector<std::string> cells = fields(line);
    ASSERT_EQ(cells.size(), header.size()) << line;
    const auto cell = [&](const std::string& column) {
      return cells.at(static_cast<std::size_t>(std::ranges::find(header, column) - header.begin()));
    };
    EXPECT_EQ(cell("sampler"), row["sampler"]);
    for (const Json& entry : row["quantities"]) {
      const std::string quantity = entry["quantity"];
      EXPECT_EQ(std::stod(cell(quantity)), entry["value"]);
      for (const char* key : {"standard_error", "median", "floor", "floor_sd", "ratio"})
        EXPECT_EQ(std::stod(cell(quantity + "_" + key)), entry[key]) << key;
    }
    for (const char* key : {"log_evidence_error", "log_evidence_sd", "ess", "smallest_ess", "evaluations",
                            "ess_per_second", "seconds", "problems", "runs", "diverged"}) {
      EXPECT_EQ(cell(key), row[key].is_null() ? "" : row[key].dump()) << key;
    }
    EXPECT_EQ(cell("error"), "");
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(CompareStudyTest, CsvOfASamplerThatFailsSaysWhy) {
  const CommandResult result =
      run(small({"problem.json", "prior.json", "--samplers", "bootstrap,draw", "--csv", "--quiet"}));

  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.out.find("\nbootstrap,,,,,,,"), std::string::npos) << result.out;
  EXPECT_NE(
      result.out.find(",\"on prior.json: bootstrap samples the posterior of an observation, and prior.json "
                      "has none\"\n"),
      std::string::npos)
      << result.out;
  EXPECT_NE(message({"problem.json", "--csv", "--json"}).find("compare prints --csv or --json, not both"),
            std::string::npos);
}

// ----- samples made elsewhere

TEST_F(CompareStudyTest, SamplesMadeElsewhereAreJudgedAlike) {
  draw("problem.json", "draws.npy");
  const Json rows = this->rows(
      {"problem.json", "--samplers", "draw", "--external", "theirs=draws.npy", "--metrics", "sw,modes"});

  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["sampler"], "theirs");
  EXPECT_EQ(rows[1]["quantities"], rows[0]["quantities"]);
  EXPECT_TRUE(rows[1]["evaluations"].is_null());
  EXPECT_TRUE(rows[1]["log_evidence_error"].is_null());
}

TEST_F(CompareStudyTest, ThePathOfSamplesNamesProblemAndRun) {
  fs::create_directories(folder() / "x");
  for (const char* problem : {"problem", "other"}) {
    for (const char* run : {"0", "1"})
      draw(std::string(problem) + ".json", std::string("x/") + problem + "-" + run + ".npy");
  }
  const Json rows = this->rows({"problem.json", "other.json", "--runs", "2", "--samplers", "draw",
                                "--external", "theirs=x/{problem}-{run}.npy"});
  draw("problem.json", "x/7.npy");
  output({"problem", "mcgdiff", "--dx", "2", "--dy", "1", "--seed", "7", "--out", "seven.json"});
  fs::remove(folder() / "x/7.npy");
  fs::remove(folder() / "x/7.npy.json");
  draw("seven.json", "x/7.npy");
  const Json seeds = this->rows({"--seeds", "7:8", "--dx", "2", "--dy", "1", "--samplers", "draw",
                                 "--external", "theirs=x/{problem}.npy"});

  EXPECT_EQ(rows[1]["runs"], 4);
  EXPECT_EQ(seeds[1]["value"], seeds[0]["value"]);
}

TEST_F(CompareStudyTest, ResultsOfSamplesFollowTheirValues) {
  const Arguments arguments{"problem.json", "--samplers", "draw",   "--external",
                            "theirs=x.npy", "--results",  "r.jsonl"};
  const auto num_lines = [&] { return std::ranges::count(read("r.jsonl"), '\n'); };
  draw("problem.json", "x.npy");
  rows(arguments);
  rows(arguments);
  const auto before = num_lines();
  output({"draw", "problem.json", "--count", "10", "--seed", "1", "--out", "x.npy", "--force"});
  rows(arguments);

  EXPECT_EQ(before, 2);
  EXPECT_EQ(num_lines(), 3);
}

TEST_F(CompareStudyTest, WrongSamplesAreNamed) {
  draw("problem.json", "short.npy", "9");
  const std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (10, 2), }";
  const std::string padded = header + std::string(117 - header.size(), ' ') + "\n";
  write("whole.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + padded + std::string(80, '\0'));
  write("text.npy", "0.1 0.2\n");
  const auto of = [&](const Arguments& more) {
    Arguments arguments{"problem.json", "--samplers", "draw"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return message(arguments);
  };
  const auto expect = [&](const Arguments& more, const std::string& text) {
    const std::string err = of(more);
    EXPECT_NE(err.find(text), std::string::npos) << err;
  };

  expect({"--external", "a=short.npy"},
         "short.npy: expected samples of shape (10, 2), as many as of the other samplers, got (9, 2)");
  expect({"--external", "a=whole.npy"}, "whole.npy: ");
  expect({"--external", "a=text.npy"}, "text.npy: ");
  expect({"--external", "a=none.npy"}, "none.npy: ");
  expect({"--external", "a"}, "--external: expected NAME=PATH, got a");
  expect({"--external", "=a.npy"}, "--external: expected NAME=PATH, got =a.npy");
  expect({"--external", "draw=short.npy"}, "--external: draw is the name of another row");
  expect({"other.json", "--external", "a=short.npy"},
         "--external: a: the path of samples of 2 problems needs {problem}, got short.npy");
  expect({"--runs", "2", "--external", "a=short.npy"},
         "--external: a: the path of samples of 2 runs needs {run}, got short.npy");
  fs::create_directories(folder() / "sub");
  fs::copy(folder() / "problem.json", folder() / "sub/problem.json");
  expect({"sub/problem.json", "--external", "a={problem}.npy"},
         "--external: a: several problems would read problem.npy; their files need different names");
}

TEST_F(CompareStudyTest, SamplesThatAreNotFiniteDiverged) {
  const std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (10, 2), }";
  const std::string padded = header + std::string(117 - header.size(), ' ') + "\n";
  std::string values(160, '\0');
  values.replace(0, 8, std::string("\x00\x00\x00\x00\x00\x00\xf0\x7f", 8));
  write("inf.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + padded + values);
  const CommandResult result =
      run(small({"problem.json", "--samplers", "draw", "--external", "theirs=inf.npy", "--json", "--quiet"}));

  EXPECT_EQ(result.exit_code, 1);
  const Json row = Json::parse(result.out)["rows"][1];
  EXPECT_EQ(row["diverged"], 1);
  EXPECT_EQ(row["error"], "on problem.json: inf.npy: 1 values are not finite");
}

}  // namespace
}  // namespace gmdiff::test
