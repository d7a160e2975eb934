// compare: samplers against the exact law.

#include <algorithm>
#include <cmath>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

const std::vector<std::string> row_keys{"sampler",
                                        "value",
                                        "standard_error",
                                        "median",
                                        "floor",
                                        "floor_sd",
                                        "ratio",
                                        "quantities",
                                        "log_evidence_error",
                                        "log_evidence_sd",
                                        "ess",
                                        "smallest_ess",
                                        "coverage_observed",
                                        "coverage_null_space",
                                        "evaluations",
                                        "ess_per_second",
                                        "seconds",
                                        "problems",
                                        "runs",
                                        "diverged",
                                        "warnings",
                                        "error"};

/// Keys that have a value also in the row of a sampler that failed.
const std::vector<std::string> always_known{"sampler",  "quantities", "problems", "runs",
                                            "diverged", "warnings",   "error"};

class CompareTest : public CommandTest {
 protected:
  CompareTest() {
    Json problem = read_json("problem.json");
    problem["observation"]["y"] = {0.3};
    write("other.json", problem.dump());
  }

  Json rows(Arguments arguments, const Surroundings& surroundings = {}) const {
    arguments.insert(arguments.begin(), "compare");
    arguments.insert(arguments.end(), {"--count", "40", "--slices", "20", "--repeats", "2"});
    return json(arguments, surroundings)["rows"];
  }

  /// Seed of problem number 1 of a batch of the given seed.
  std::uint64_t second_seed(std::uint64_t seed) const {
    const Problem problem = read_problem(folder() / "problem.json");
    const std::vector<Mixture> two{problem.prior, problem.prior};
    return gmdiff::run(draw_plan(two), {.count = 1, .seed = seed}).provenance().problem_seeds.at(1);
  }
};

TEST_F(CompareTest, HasARowForEachOfTheUsualSamplers) {
  const Json result = json({"compare", "problem.json", "--count", "20", "--slices", "10", "--steps", "4"});

  EXPECT_EQ(keys(result),
            (std::vector<std::string>{"problems", "law", "metrics", "quantity", "count", "slices", "repeats",
                                      "seed", "runs", "precision", "device", "rows"}));
  EXPECT_EQ(result["problems"], Json::array({"problem.json"}));
  EXPECT_EQ(result["law"], "posterior");
  EXPECT_EQ(result["quantity"], "sw_1");
  EXPECT_EQ(result["count"], 20);
  EXPECT_EQ(result["slices"], 10);
  EXPECT_EQ(result["repeats"], 5);
  std::vector<std::string> samplers;
  for (const Json& row : result["rows"]) {
    EXPECT_EQ(keys(row), row_keys);
    samplers.push_back(row["sampler"]);
    const bool smc = samplers.back().starts_with("mcgdiff") || samplers.back() == "bootstrap";
    EXPECT_GT(row["value"], 0.0);
    EXPECT_EQ(row["median"], row["value"]);
    EXPECT_TRUE(row["standard_error"].is_null());
    EXPECT_EQ(row["floor"], result["rows"][0]["floor"]) << "one floor serves all";
    EXPECT_EQ(row["ratio"], row["value"].get<double>() / row["floor"].get<double>());
    EXPECT_EQ(row["log_evidence_error"].is_number(), smc) << samplers.back();
    EXPECT_EQ(row["ess"].is_number(), smc);
    EXPECT_EQ(row["log_evidence_sd"].is_number(), smc);
    EXPECT_TRUE(row["error"].is_null());
    if (smc) {
      EXPECT_GT(row["ess"], 0.0);
      EXPECT_LE(row["ess"], 1.0);
      EXPECT_GT(row["smallest_ess"], 0.0);
      EXPECT_LT(row["smallest_ess"], row["ess"]);
    }
    EXPECT_EQ(row["problems"], 1);
  }
  EXPECT_EQ(samplers, (std::vector<std::string>{"mcgdiff", "mcgdiff:variant=A", "mcgdiff:kernel=exact",
                                                "bootstrap", "exact-transition", "draw"}));
}

TEST_F(CompareTest, AValueIsThatOfSampleAndDistance) {
  const Json compared =
      rows({"problem.json", "--seed", "5", "--samplers", "mcgdiff:particles=16,ddim:eta=1,draw"});
  const std::pair<std::string, std::string> files[] = {{"mcgdiff:particles=16", "a.npy"},
                                                       {"ddim:eta=1", "b.npy"}};
  for (const auto& [sampler, file] : files) {
    output({"sample", "problem.json", "--sampler", sampler, "--seed", "5", "--count", "40", "--out", file});
  }
  output({"draw", "problem.json", "--seed", "5", "--count", "40", "--out", "c.npy"});

  const char* outputs[] = {"a.npy", "b.npy", "c.npy"};
  for (std::size_t i = 0; i < 3; ++i) {
    const Json row = json({"distance", outputs[i], "problem.json", "--slices", "20", "--repeats", "2",
                           "--seed", "5"})["rows"][0];
    for (const char* key : {"value", "floor", "floor_sd", "ratio"})
      EXPECT_EQ(compared[i][key], row[key]) << outputs[i] << " " << key;
  }
  const double exact = json({"posterior", "problem.json"})["log_evidence"];
  EXPECT_EQ(compared[0]["log_evidence_error"],
            read_json("a.npy.json")["mean_log_evidence"].get<double>() - exact);
}

TEST_F(CompareTest, OfSeveralProblemsRowsAreMeansAndMedians) {
  const Arguments samplers{"--samplers", "mcgdiff:particles=16,draw"};
  const auto with = [&](Arguments arguments) {
    arguments.insert(arguments.end(), samplers.begin(), samplers.end());
    return rows(arguments);
  };
  const Json both = with({"problem.json", "other.json", "--seed", "5"});
  const Json first = with({"problem.json", "--seed", "5"});
  const Json second = with({"other.json", "--seed", std::to_string(second_seed(5))});

  for (std::size_t i = 0; i < 2; ++i) {
    const double a = first[i]["value"], b = second[i]["value"];
    EXPECT_EQ(both[i]["problems"], 2);
    EXPECT_DOUBLE_EQ(both[i]["value"], (a + b) / 2.0);
    EXPECT_DOUBLE_EQ(both[i]["median"], (a + b) / 2.0);
    EXPECT_NEAR(both[i]["standard_error"], std::abs(a - b) / 2.0, 1e-12);
    EXPECT_DOUBLE_EQ(both[i]["floor"],
                     (first[i]["floor"].get<double>() + second[i]["floor"].get<double>()) / 2.0);
    const double sd_a = first[i]["floor_sd"], sd_b = second[i]["floor_sd"];
    EXPECT_NEAR(both[i]["floor_sd"], std::sqrt((sd_a * sd_a + sd_b * sd_b) / 2.0), 1e-12);
  }
  EXPECT_DOUBLE_EQ(
      both[0]["log_evidence_error"],
      (first[0]["log_evidence_error"].get<double>() + second[0]["log_evidence_error"].get<double>()) / 2.0);
  EXPECT_DOUBLE_EQ(both[0]["ess"], (first[0]["ess"].get<double>() + second[0]["ess"].get<double>()) / 2.0);
}

TEST_F(CompareTest, SeedsAreProblemsOfTheBenchmark) {
  output({"problem", "mcgdiff", "--dx", "4", "--dy", "1", "--seed", "7", "--out", "seven.json"});
  const Arguments more{"--steps", "6", "--samplers", "mcgdiff:particles=8"};
  const auto with = [&](Arguments arguments) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };

  const Json seeds = rows(with({"--seeds", "7:8", "--dx", "4", "--dy", "1"}));
  const Json file = rows(with({"seven.json"}));
  const Json three =
      json(with({"compare", "--seeds", "7:10", "--dx", "4", "--dy", "1", "--count", "10", "--slices", "5"}));

  for (const char* key : {"value", "median", "floor", "log_evidence_error", "ess"})
    EXPECT_EQ(seeds[0][key], file[0][key]) << key;
  EXPECT_EQ(three["problems"], Json::array({"mcgdiff seed 7", "mcgdiff seed 8", "mcgdiff seed 9"}));
  EXPECT_EQ(three["rows"][0]["problems"], 3);
  EXPECT_GT(three["rows"][0]["standard_error"], 0.0);
}

/// A problem whose observation no particle of the bootstrap filter explains in float32.
class CompareFailureTest : public CompareTest {
 protected:
  CompareFailureTest() {
    Json problem = read_json("problem.json");
    problem["observation"]["y"] = {1e3};
    problem["observation"]["noise_std"] = 1e-25;
    write("dead.json", problem.dump());
  }
  CommandResult compare(Arguments arguments) const {
    arguments.insert(arguments.begin(), "compare");
    arguments.insert(arguments.end(), {"--count", "10", "--slices", "5", "--quiet"});
    return run(arguments);
  }
};

TEST_F(CompareFailureTest, ASamplerThatFailsHasARowThatSaysWhyAndTheOthersStand) {
  const CommandResult text = compare({"dead.json", "--samplers", "draw,bootstrap,mcgdiff:kernel=exact"});
  const CommandResult result =
      compare({"dead.json", "--samplers", "draw,bootstrap,mcgdiff:kernel=exact", "--json"});
  const CommandResult without = compare({"dead.json", "--samplers", "draw,mcgdiff:kernel=exact", "--json"});

  EXPECT_EQ(text.exit_code, 1);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_NE(text.out.find("\nbootstrap "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("failed on dead.json: run: chain 0: all weights are 0"), std::string::npos)
      << text.out;
  EXPECT_EQ(text.err, "gmdiff: compare: 1 of 3 samplers failed; their rows say why\n");
  const Json rows = Json::parse(result.out)["rows"];
  ASSERT_EQ(rows.size(), 3U);
  const Json& failed = rows[1];
  EXPECT_EQ(keys(failed), row_keys);
  EXPECT_TRUE(failed["error"].get<std::string>().starts_with("on dead.json: run: chain 0: all weights are 0"))
      << failed;
  EXPECT_EQ(failed["problems"], 0);
  for (const std::string& key : row_keys) {
    if (std::ranges::count(always_known, key) == 0) {
      EXPECT_TRUE(failed[key].is_null()) << key;
    }
  }
  const Json others = Json::parse(without.out)["rows"];
  EXPECT_EQ(rows[0]["value"], others[0]["value"]);
  EXPECT_EQ(rows[2]["value"], others[1]["value"]);
}

TEST_F(CompareFailureTest, OfSeveralProblemsTheRowNamesTheOne) {
  const CommandResult result =
      compare({"problem.json", "dead.json", "other.json", "--samplers", "bootstrap,draw", "--json"});

  EXPECT_EQ(result.exit_code, 1);
  const Json rows = Json::parse(result.out)["rows"];
  EXPECT_TRUE(rows[0]["error"].get<std::string>().starts_with("on dead.json: ")) << rows[0];
  EXPECT_EQ(rows[0]["problems"], 1) << "it is left out of those after it";
  EXPECT_EQ(rows[1]["problems"], 3);
  EXPECT_TRUE(rows[1]["error"].is_null());
}

TEST_F(CompareFailureTest, WithoutAPlanForALaterProblemARowFailsForTheFirstItIsUsage) {
  const CommandResult later = compare({"problem.json", "prior.json", "--samplers", "draw,bootstrap"});
  const CommandResult first = compare({"prior.json", "problem.json", "--samplers", "draw,bootstrap"});

  EXPECT_EQ(later.exit_code, 1);
  EXPECT_NE(later.out.find("failed on prior.json: bootstrap samples the posterior of an observation"),
            std::string::npos)
      << later.out;
  EXPECT_EQ(first.exit_code, 2);
  EXPECT_EQ(first.out, "");
}

TEST_F(CompareTest, WarnsWhatTheRunsOfASamplerWarnOf) {
  const Arguments arguments{"compare", "problem.json", "other.json", "--samplers", "ddim:start=gaussian,draw",
                            "--count", "10",           "--steps",    "4"};
  const auto with = [&](const std::string& flag) {
    Arguments more = arguments;
    more.push_back(flag);
    return run(more);
  };
  const CommandResult text = run(arguments), json = with("--json"), quiet = with("--quiet");

  EXPECT_TRUE(text.err.starts_with("gmdiff: warning: ddim:start=gaussian on problem.json: gaussian start: "))
      << text.err;
  EXPECT_TRUE(text.err.ends_with(" (1 more; --json has all)\n")) << text.err;
  const Json rows = Json::parse(json.out)["rows"];
  ASSERT_EQ(rows[0]["warnings"].size(), 2U);
  EXPECT_TRUE(rows[0]["warnings"][1].get<std::string>().starts_with("on other.json: gaussian start: "));
  EXPECT_EQ(rows[1]["warnings"], Json::array());
  EXPECT_EQ(quiet.err, "");
}

TEST_F(CompareTest, ShowsTheCollapseThatTheMeanHides) {
  Json problem = read_json("problem.json");
  problem["observation"]["noise_std"] = 1e-3;
  write("narrow.json", problem.dump());

  const Json row = rows({"narrow.json", "--samplers", "bootstrap:particles=64:kernel=exact"})[0];

  EXPECT_LT(row["smallest_ess"], 2.5 / 64.0);
  EXPECT_GT(row["ess"], 5.0 * row["smallest_ess"].get<double>());
  EXPECT_GT(row["log_evidence_sd"], 1.5);
}

TEST_F(CompareTest, ANoiselessProblemHasNoBootstrap) {
  Json problem = read_json("problem.json");
  problem["observation"]["noise_std"] = 0;
  write("noiseless.json", problem.dump());

  const CommandResult result =
      run({"compare", "noiseless.json", "--count", "10", "--slices", "5", "--steps", "3"});
  const CommandResult quiet =
      run({"compare", "noiseless.json", "--count", "10", "--slices", "5", "--steps", "3", "--quiet"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("note: bootstrap is left out: it needs noise on every observed direction"),
            std::string::npos)
      << result.err;
  EXPECT_EQ(result.out.find("bootstrap"), std::string::npos) << result.out;
  EXPECT_EQ(quiet.err, "");
}

TEST_F(CompareTest, WithoutAnObservationSamplersOfTheLawAreCompared) {
  const Json result = rows({"prior.json", "--samplers", "ddim,draw"});

  EXPECT_EQ(result.size(), 2U);
  EXPECT_TRUE(result[0]["log_evidence_error"].is_null());
  const std::string one = output({"compare", "prior.json", "--samplers", "draw", "--count", "10"});
  EXPECT_TRUE(one.starts_with("prior of prior.json: ")) << one;
  const std::string both =
      output({"compare", "prior.json", "problem.json", "--samplers", "draw", "--count", "10"});
  EXPECT_TRUE(both.starts_with("posterior or prior of 2 problems: ")) << both;
}

TEST_F(CompareTest, OneProblemMayBeStandardInput) {
  const Surroundings piped{.input = read("problem.json"), .environment = {}, .terminal = false};

  EXPECT_EQ(rows({"-", "--samplers", "draw"}, piped)[0]["value"],
            rows({"problem.json", "--samplers", "draw"})[0]["value"]);
}

TEST_F(CompareTest, PrecisionAndDeviceAreThoseOfTheSamplers) {
  const Json single = rows({"problem.json", "--samplers", "mcgdiff:particles=8"});
  const Json twofold = rows({"problem.json", "--samplers", "mcgdiff:particles=8", "--precision", "f64"});
  const Json reference = rows({"problem.json", "--samplers", "mcgdiff:particles=8", "--device", "reference"});

  EXPECT_NE(single[0]["value"], twofold[0]["value"]);
  EXPECT_NE(single[0]["value"], reference[0]["value"]);
  EXPECT_EQ(single[0]["floor"], reference[0]["floor"]);
}

TEST_F(CompareTest, TheTableForPeopleHasTheNumbersOfJson) {
  const std::string text = output({"compare", "problem.json", "other.json", "--count", "20", "--slices", "5",
                                   "--samplers", "mcgdiff:particles=8,draw"});

  EXPECT_TRUE(
      text.starts_with("posterior of 2 problems: sliced W1 of 20 samples, 5 directions; floor: of "
                       "as many exact ones\n\n"))
      << text;
  EXPECT_NE(text.find("sampler              sw_1"), std::string::npos) << text;
  EXPECT_NE(text.find("\nmcgdiff:particles=8  "), std::string::npos) << text;
  EXPECT_NE(text.find("\ndraw                 "), std::string::npos) << text;
}

}  // namespace
}  // namespace gmdiff::test
