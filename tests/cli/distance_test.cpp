#include <cmath>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/posterior.hpp>

#include "command.hpp"

namespace gmdiff::test {
namespace {

class DistanceVerbTest : public CommandTest {
 protected:
  DistanceVerbTest() {
    output({"draw", "problem.json", "--out", "x.npy", "--count", "300", "--seed", "5"});
    output({"draw", "problem.json", "--out", "y.npy", "--count", "200", "--seed", "6"});
  }
};

const std::vector<std::string> distance_row_keys{"quantity", "value",    "value_sd",
                                                 "floor",    "floor_sd", "ratio"};

TEST_F(DistanceVerbTest, SamplesAgainstALawHaveAFloorBesideThem) {
  const Json result = json(
      {"distance", "x.npy", "problem.json", "--repeats", "4", "--slices", "20", "--p", "2", "--seed", "3"});

  const Problem problem = read_problem(folder() / "problem.json");
  const Judgement expected =
      judge(PointSet(read_points(folder() / "x.npy")), posterior(problem.prior, *problem.observation).mixture,
            {.metric = Metric::sliced_wasserstein, .p = 2, .slices = 20, .repeats = 4, .seed = 3})
          .front();
  EXPECT_EQ(result["law"], "posterior");
  EXPECT_EQ(result["b"]["law"], "posterior");
  EXPECT_TRUE(result["a"]["law"].is_null());
  ASSERT_EQ(result["rows"].size(), 1U);
  const Json& row = result["rows"][0];
  EXPECT_EQ(keys(row), distance_row_keys);
  EXPECT_EQ(row["quantity"], "sw_2");
  EXPECT_EQ(row["value"], expected.value);
  EXPECT_EQ(row["value_sd"], expected.value_sd);
  EXPECT_EQ(row["floor"], expected.floor);
  EXPECT_EQ(row["floor_sd"], expected.floor_sd);
  EXPECT_EQ(row["ratio"], expected.ratio);
}

TEST_F(DistanceVerbTest, TheSidesMayComeInEitherOrder) {
  EXPECT_EQ(json({"distance", "x.npy", "problem.json"})["rows"],
            json({"distance", "problem.json", "x.npy"})["rows"]);
}

TEST_F(DistanceVerbTest, EveryMetricAgainstALaw) {
  const std::pair<const char*, std::vector<std::string>> metrics[] = {
      {"sw", {"sw_1"}},
      {"max-sw", {"max_sw_1"}},
      {"mmd", {"mmd_squared"}},
      {"energy", {"energy_distance"}},
      {"moments", {"mean_error", "covariance_error", "whitened_mean_error", "whitened_covariance_error"}},
      {"modes", {"total_variation"}},
      {"mode-weights", {"mode_weight_error"}},
      {"sinkhorn", {"sinkhorn"}},
      {"emc", {"mode_coverage"}},
      {"mmd-vsm", {"mmd_vsm"}}};
  for (const auto& [metric, quantities] : metrics) {
    const Json rows = json({"distance", "x.npy", "problem.json", "--metric", metric})["rows"];
    ASSERT_EQ(rows.size(), quantities.size()) << metric;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i]["quantity"], quantities[i]);
      EXPECT_GT(rows[i]["floor"], 0.0) << metric;
    }
  }
}

TEST_F(DistanceVerbTest, TwoFilesHaveNoLawAndNoFloor) {
  const Json result = json({"distance", "x.npy", "y.npy"});
  const std::string table = output({"distance", "x.npy", "y.npy"});

  EXPECT_TRUE(result["law"].is_null());
  EXPECT_EQ(result["rows"][0]["value"],
            sliced_wasserstein(read_points(folder() / "x.npy"), read_points(folder() / "y.npy")));
  for (const char* key : {"value_sd", "floor", "floor_sd", "ratio"})
    EXPECT_TRUE(result["rows"][0][key].is_null()) << key;
  EXPECT_EQ(result["reason"],
            "between two .npy files there is no law to draw from, so there is no noise floor");
  EXPECT_NE(table.find("between two .npy files there is no law to draw from"), std::string::npos) << table;
}

TEST_F(DistanceVerbTest, EveryMetricBetweenTwoFiles) {
  const Points x = read_points(folder() / "x.npy"), y = read_points(folder() / "y.npy");
  const auto value = [&](const char* metric) {
    return json({"distance", "x.npy", "y.npy", "--metric", metric})["rows"][0]["value"];
  };

  EXPECT_EQ(value("max-sw"), max_sliced_wasserstein(x, y));
  EXPECT_EQ(value("mmd"), mmd_squared(x, y));
  EXPECT_EQ(value("energy"), energy_distance(x, y, EnergyForm::v));
  EXPECT_EQ(value("sinkhorn"), sinkhorn_divergence(x, y).value);
  EXPECT_EQ(value("mmd-vsm"), mmd_vsm(x, y));
}

TEST_F(DistanceVerbTest, SinkhornTellsItsIterations) {
  const Points x = read_points(folder() / "x.npy"), y = read_points(folder() / "y.npy");
  const Arguments sinkhorn{"distance", "x.npy", "y.npy", "--metric", "sinkhorn"};
  const auto with = [&sinkhorn](const Arguments& more) {
    Arguments arguments = sinkhorn;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const Json row = json(with({"--epsilon", "0.25"}))["rows"][0];
  const SinkhornDivergence expected = sinkhorn_divergence(x, y, {.epsilon = 0.25});
  EXPECT_EQ(row["value"], expected.value);
  EXPECT_EQ(row["iterations"], expected.iterations);
  EXPECT_EQ(row["error"], expected.error);
  // Too small to converge: the value is given with a warning.
  const Json small = json(with({"--relative-epsilon", "1e-5"}));
  EXPECT_EQ(small["rows"][0]["iterations"], 2000);
  ASSERT_EQ(small["warnings"].size(), 1U);
  EXPECT_EQ(small["warnings"][0].get<std::string>().find("sinkhorn: not converged in 2000 iterations; "), 0U);
  const auto refusal = [&](const Arguments& arguments) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_NE(refusal(with({"--epsilon", "1", "--relative-epsilon", "0.1"}))
                .find("--epsilon and --relative-epsilon exclude each other"),
            std::string::npos);
  EXPECT_NE(refusal({"distance", "x.npy", "y.npy", "--epsilon", "1"})
                .find("--epsilon and --relative-epsilon belong to the metric sinkhorn, not to sw"),
            std::string::npos);
  EXPECT_NE(refusal(with({"--relative-epsilon", "0"})).find("relative_epsilon must be in [1e-06, 1e+06]"),
            std::string::npos);
  EXPECT_NE(refusal({"distance", "x.npy", "y.npy", "--metric", "emc"})
                .find("--metric emc compares with a law: one side must be a problem file"),
            std::string::npos);
}

TEST_F(DistanceVerbTest, TwoLawsTakeACount) {
  const Json apart = json({"distance", "prior.json", "problem.json", "--count", "100"});
  const Json equal = json({"distance", "prior.json", "prior.json", "--count", "100"});

  EXPECT_GT(apart["rows"][0]["ratio"], 3.0);
  EXPECT_LT(equal["rows"][0]["ratio"], 3.0);
  EXPECT_EQ(apart["a"]["law"], "prior");
  EXPECT_EQ(apart["law"], "posterior");
}

TEST_F(DistanceVerbTest, DrawsAreNotComparedWithThemselves) {
  output({"draw", "problem.json", "--out", "same.npy", "--count", "300", "--seed", "8"});

  const Json row = json({"distance", "same.npy", "problem.json", "--seed", "8"})["rows"][0];

  EXPECT_GT(row["value"], 0.3 * row["floor"].get<double>());
}

TEST_F(DistanceVerbTest, PriorOnRequest) {
  const Json result = json({"distance", "x.npy", "problem.json", "--prior"});

  EXPECT_EQ(result["law"], "prior");
  EXPECT_GT(result["rows"][0]["ratio"], 3.0);
}

TEST_F(DistanceVerbTest, TheTableHasValueFloorAndRatio) {
  const std::string table = output({"distance", "x.npy", "problem.json"});

  EXPECT_NE(table.find("posterior of problem.json; floor: expectation for 300 exact draws\n"),
            std::string::npos)
      << table;
  for (const char* word : {"value", "floor", "sd", "ratio", "sw_1"})
    EXPECT_NE(table.find(word), std::string::npos) << table;
}

TEST_F(DistanceVerbTest, TheTableSaysWhatIsAMeanOverDraws) {
  const auto head = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "distance");
    const std::string table = output(arguments);
    return table.substr(0, table.find('\n'));
  };

  EXPECT_EQ(head({"x.npy", "problem.json", "--metric", "energy"}),
            "law  posterior of problem.json; value and floor are means over 5 sets of 300 exact draws");
  EXPECT_EQ(head({"x.npy", "problem.json", "--p", "2", "--repeats", "3"}),
            "law  posterior of problem.json; floor: mean over 3 sets of 300 exact draws");
  EXPECT_EQ(
      head({"prior.json", "problem.json", "--count", "50"}),
      "law  posterior of problem.json; value: mean over 5 sets of 50 exact draws; floor: expectation for "
      "50 exact draws");
}

TEST_F(DistanceVerbTest, TheSpreadIsThatOfTwentySetsOfExactDraws) {
  const Json row = json({"distance", "x.npy", "problem.json", "--spread", "--slices", "20"})["rows"][0];
  const std::string table = output({"distance", "x.npy", "problem.json", "--spread", "--slices", "20"});

  const Problem problem = read_problem(folder() / "problem.json");
  const Judgement expected =
      judge(PointSet(read_points(folder() / "x.npy")), posterior(problem.prior, *problem.observation).mixture,
            {.slices = 20, .repeats = 20, .spread = true})
          .front();
  EXPECT_EQ(row["spread"][0], expected.spread.value().low);
  EXPECT_EQ(row["spread"][1], expected.spread.value().high);
  EXPECT_LT(row["spread"][0], 1.0);
  EXPECT_GT(row["spread"][1], 1.0);
  EXPECT_NE(table.find("last column: 5 % to 95 % of the ratios of 20 sets of 300 exact draws"),
            std::string::npos)
      << table;
}

TEST_F(DistanceVerbTest, TheSpreadNeedsALawAndAMetricOfSlices) {
  const CommandResult files = run({"distance", "x.npy", "y.npy", "--spread"});
  const CommandResult moments = run({"distance", "x.npy", "problem.json", "--metric", "moments", "--spread"});

  EXPECT_EQ(files.exit_code, 2);
  EXPECT_NE(files.err.find("--spread: between two .npy files there is no law"), std::string::npos)
      << files.err;
  EXPECT_EQ(moments.exit_code, 2);
  EXPECT_NE(moments.err.find("--spread belongs to the metrics sw and max-sw, not to moments"),
            std::string::npos)
      << moments.err;
}

TEST_F(DistanceVerbTest, TheDeviceIsToldAndTheCpuUnlessNamed) {
  for (const char* metric : {"sw", "max-sw", "mmd", "energy", "moments", "modes", "mode-weights"}) {
    const Json result = json({"distance", "x.npy", "problem.json", "--metric", metric});
    EXPECT_EQ(result["device"], "cpu");
    const Json told = json({"distance", "x.npy", "problem.json", "--metric", metric, "--device", "cpu:2"});
    EXPECT_EQ(told["device"], "cpu:2");
    EXPECT_EQ(told["rows"], result["rows"]) << metric;
    // The reference device draws with functions of its own.
    const Json reference =
        json({"distance", "x.npy", "problem.json", "--metric", metric, "--device", "reference"});
    EXPECT_EQ(reference["device"], "reference");
    for (const char* number : {"value", "floor"}) {
      const auto expected = result["rows"][0][number].get<double>();
      EXPECT_NEAR(reference["rows"][0][number].get<double>(), expected, 1e-10 * std::abs(expected))
          << metric << " " << number;
    }
  }
}

TEST_F(DistanceVerbTest, ASideFromStandardInput) {
  const Surroundings piped{.input = read("problem.json"), .environment = {}, .terminal = false};

  EXPECT_EQ(json({"distance", "x.npy", "-"}, piped)["rows"],
            json({"distance", "x.npy", "problem.json"})["rows"]);
}

TEST_F(DistanceVerbTest, AnArrayIsKnownByItsContent) {
  std::filesystem::copy_file(folder() / "x.npy", folder() / "x.npy.partial");

  EXPECT_EQ(json({"distance", "x.npy.partial", "problem.json"})["rows"],
            json({"distance", "x.npy", "problem.json"})["rows"]);
}

TEST_F(DistanceVerbTest, TheBandwidthOfMmdIsTakenFromItsFlag) {
  const Points x = read_points(folder() / "x.npy");
  const Points y = read_points(folder() / "y.npy");

  const Json files = json({"distance", "x.npy", "y.npy", "--metric", "mmd", "--bandwidth", "0.5"})["rows"][0];
  const Json law =
      json({"distance", "x.npy", "problem.json", "--metric", "mmd", "--bandwidth", "0.5"})["rows"][0];

  EXPECT_EQ(files["bandwidth"], 0.5);
  EXPECT_EQ(files["value"], mmd_squared(x, y, 0.5));
  EXPECT_EQ(law["bandwidth"], 0.5);
}

TEST_F(DistanceVerbTest, PointsThatAreMostlyEqualNeedABandwidth) {
  Points atoms = Points::Zero(20, 2);
  atoms(0, 0) = 1.0;
  write_points(folder() / "atoms.npy", atoms);
  write(
      "atom.json",
      R"({"prior": {"weights": [0.99, 0.01], "means": [[0, 0], [1, 1]], "covariance": {"type": "spherical", "values": [0, 0]}}})");
  for (const char* other : {"atoms.npy", "atom.json"}) {
    const CommandResult refused = run({"distance", "atoms.npy", other, "--metric", "mmd"});

    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find("--bandwidth"), std::string::npos) << refused.err;
    EXPECT_EQ(
        json({"distance", "atoms.npy", other, "--metric", "mmd", "--bandwidth", "1"})["rows"][0]["bandwidth"],
        1.0);
  }
}

TEST_F(DistanceVerbTest, SamplesThatRanAwayHaveHugeDistances) {
  write_points(folder() / "far.npy", 1e160 * read_points(folder() / "x.npy"));
  for (const char* metric : {"sw", "max-sw", "energy"}) {
    for (const char* other : {"y.npy", "problem.json"}) {
      const Json row = json({"distance", "far.npy", other, "--metric", metric})["rows"][0];

      EXPECT_GT(row["value"].get<double>(), 1e155) << metric << " " << other;
      EXPECT_TRUE(row["ratio"].is_null() || row["ratio"].get<double>() > 1e155) << row;
    }
  }
  const Json moments = json({"distance", "far.npy", "problem.json", "--metric", "moments"})["rows"];
  EXPECT_GT(moments[0]["ratio"].get<double>(), 1e155);
  EXPECT_EQ(moments[1]["value"], "inf");
  EXPECT_EQ(moments[1]["ratio"], "inf");
}

}  // namespace
}  // namespace gmdiff::test
