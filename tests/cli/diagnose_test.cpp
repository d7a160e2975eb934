// gmdiff diagnose: its figures, the shares of modes, its warnings and bad inputs.

#include <cmath>
#include <tuple>
#include <utility>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>

#include "command.hpp"
#include "study/chain_figures.hpp"
#include "support/point_sets.hpp"

namespace gmdiff::test {
namespace {

class DiagnoseTest : public CommandTest {
 protected:
  /// Writes `points` as an array of the given shape.
  void write_array(const std::string& file, const std::vector<std::int64_t>& shape,
                   const Points& points) const {
    NpyWriter writer(folder() / file, shape, Precision::f64, true);
    writer.append(std::span<const double>(points.data(), static_cast<std::size_t>(points.size())));
    writer.commit();
  }
};

TEST_F(DiagnoseTest, HasTheFiguresOfTheFunction) {
  const Points x = normal_points(3 * 200, 2, 5);
  write_array("chains.npy", {3, 200, 2}, x);
  const Json found = json({"diagnose", "chains.npy"});

  EXPECT_EQ(found["chains"], 3);
  EXPECT_EQ(found["draws"], 200);
  ASSERT_EQ(found["coordinates"].size(), 2U);
  for (Eigen::Index j = 0; j < 2; ++j) {
    Eigen::MatrixXd draws(200, 3);
    for (Eigen::Index c = 0; c < 3; ++c) draws.col(c) = x.col(j).segment(200 * c, 200);
    const ChainDiagnostics expected = chain_diagnostics(draws);
    const Json& row = found["coordinates"][static_cast<std::size_t>(j)];
    EXPECT_EQ(row["mean"], expected.mean);
    EXPECT_EQ(row["sd"], expected.sd);
    EXPECT_EQ(row["mcse"], expected.mcse);
    EXPECT_EQ(row["rhat"], expected.rhat);
    EXPECT_EQ(row["rhat_split"], expected.rhat_split);
    EXPECT_EQ(row["ess_bulk"], expected.ess_bulk);
    EXPECT_EQ(row["ess_tail"], expected.ess_tail);
    EXPECT_EQ(row["ess_mean"], expected.ess_mean);
  }
  EXPECT_FALSE(found.contains("weights"));
  EXPECT_TRUE(found["warnings"].empty());
  // A trace of one quantity has no third dimension.
  write_array("one.npy", {4, 300}, x);
  EXPECT_EQ(json({"diagnose", "one.npy"})["coordinates"].size(), 1U);
}

TEST_F(DiagnoseTest, EstimatesMeansOfTexts) {
  const Points x = normal_points(3 * 200, 2, 5);
  write_array("chains.npy", {3, 200, 2}, x);
  const Json found = json({"diagnose", "chains.npy", "--estimate", "x1*x2", "--estimate", "norm2(x)"});

  ASSERT_EQ(found["estimates"].size(), 2U);
  EXPECT_EQ(found["coordinates"].size(), 2U);
  Eigen::MatrixXd products(200, 3);
  for (Eigen::Index c = 0; c < 3; ++c)
    products.col(c) = x.col(0).segment(200 * c, 200).cwiseProduct(x.col(1).segment(200 * c, 200));
  const ChainDiagnostics expected = chain_diagnostics(products);
  const Json& row = found["estimates"][0];
  EXPECT_EQ(row["estimate"], "x1*x2");
  EXPECT_EQ(row["mean"], expected.mean);
  EXPECT_EQ(row["mcse"], expected.mcse);
  EXPECT_EQ(row["ess_tail"], expected.ess_tail);
  EXPECT_NEAR(found["estimates"][1]["mean"].get<double>(), x.squaredNorm() / 600.0, 1e-12);
  const std::string text = output({"diagnose", "chains.npy", "--estimate", "x1*x2"});
  EXPECT_NE(text.find("estimate  mean"), std::string::npos) << text;
  EXPECT_NE(text.find("\nx1*x2     "), std::string::npos) << text;
}

TEST_F(DiagnoseTest, CountsEffectiveDrawsPerSecondOfARun) {
  output({"sample", "problem.json", "--sampler", "mala:step=0.5:steps=50:output=trace", "--count", "4",
          "--out", "trace.npy"});
  const Json found = json({"diagnose", "trace.npy", "--estimate", "x1^2"});
  const double seconds = read_json("trace.npy.json")["seconds"];
  for (const Json& row : {found["coordinates"][1], found["estimates"][0]})
    EXPECT_EQ(row["ess_bulk_per_second"], row["ess_bulk"].get<double>() / seconds);
  EXPECT_NE(output({"diagnose", "trace.npy"}).find("  ESS bulk/s"), std::string::npos);
  // Draws from elsewhere have no time.
  write_array("other.npy", {4, 50, 2}, normal_points(200, 2, 5));
  EXPECT_FALSE(json({"diagnose", "other.npy"})["coordinates"][0].contains("ess_bulk_per_second"));
  EXPECT_EQ(output({"diagnose", "other.npy"}).find("ESS bulk/s"), std::string::npos);
}

/// The records of chains on N(0, I).
class ChainFiguresTest : public CommandTest {
 protected:
  ChainFiguresTest() {
    write("normal.json", R"({"target": {"type": "expression", "density": "-(x1^2 + x2^2)/2", "dim": 2}})");
  }
  Json chains(const std::string& output, const Arguments& more, const std::string& file) const {
    Arguments arguments{"sample", "normal.json", "--sampler", "mala:step=0.5:steps=60:output=" + output,
                        "--out",  file,          "--force"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json(arguments);
  }
  static std::string text_of(const Json& warnings) { return warnings.dump(); }
};

TEST_F(ChainFiguresTest, OfATraceAreThoseOfDiagnose) {
  const Json found = chains("trace", {"--count", "5"}, "x.npy");
  const Json expected = json({"diagnose", "x.npy", "--estimate", "x1", "--estimate", "x1^2", "--estimate",
                              "x2", "--estimate", "x2^2"});
  ASSERT_EQ(found["estimates"].size(), 4U);
  for (const char* key : {"rhat", "ess_bulk", "ess_tail", "mcse"}) {
    for (std::size_t j = 0; j < 2; ++j) EXPECT_EQ(found[key][j], expected["coordinates"][j][key]) << key;
    for (std::size_t e = 0; e < 4; ++e)
      EXPECT_EQ(found["estimates"][e][key], expected["estimates"][e][key]) << key << e;
  }
  for (std::size_t e = 0; e < 4; ++e) {
    EXPECT_EQ(found["estimates"][e]["estimate"], expected["estimates"][e]["estimate"]);
    EXPECT_EQ(found["estimates"][e]["mean"], expected["estimates"][e]["mean"]);
  }
  const std::string warnings = text_of(found["warnings"]);
  EXPECT_NE(warnings.find("R-hat of x"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find(", above 1.01 ("), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("bulk effective sample size of x"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("tail effective sample size of x"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find(", below 400 (4 of 4 quantities), so the figures themselves are uncertain"),
            std::string::npos)
      << warnings;
  // Many long chains give no cause for a warning.
  EXPECT_TRUE(chains("trace", {"--count", "64", "--steps", "1500"}, "y.npy")["warnings"].empty());
}

TEST_F(ChainFiguresTest, OfLastStatesAreTheirMeans) {
  const Json found = chains("draw", {"--count", "40", "--estimate", "x1*x2", "--estimate", "x2"}, "x.npy");
  const Points x = read_points(folder() / "x.npy");
  ASSERT_EQ(found["estimates"].size(), 2U);
  const Eigen::VectorXd values[] = {x.col(0).cwiseProduct(x.col(1)), x.col(1)};
  for (std::size_t e = 0; e < 2; ++e) {
    const double mean = values[e].mean();
    const double variance = (values[e].array() - mean).square().sum() / 39.0;
    EXPECT_NEAR(found["estimates"][e]["mean"].get<double>(), mean, 1e-13);
    EXPECT_NEAR(found["estimates"][e]["mcse"].get<double>(), std::sqrt(variance / 40.0), 1e-13);
  }
  EXPECT_FALSE(found.contains("rhat"));
  EXPECT_TRUE(found["warnings"].empty());
  const Json few = chains("draw", {"--count", "15"}, "few.npy");
  EXPECT_EQ(few["estimates"][3]["estimate"], "x2^2");
  EXPECT_EQ(few["estimates"][3]["mcse"], "nan") << "fewer than 16 chains";
  // History keeps more levels; the last one is the result.
  EXPECT_EQ(chains("draw", {"--count", "15", "--history", "3"}, "levels.npy")["estimates"], few["estimates"]);
}

TEST_F(ChainFiguresTest, OfMomentsAreMeansOfCoordinatesAndSquares) {
  const Json found = chains("moments", {"--count", "20"}, "x.npz");
  const Json trace = chains("trace", {"--count", "20"}, "x.npy");
  ASSERT_EQ(found["estimates"].size(), 4U);
  for (std::size_t e = 0; e < 4; ++e) {
    const Json& row = found["estimates"][e];
    EXPECT_EQ(row["estimate"], trace["estimates"][e]["estimate"]);
    // The states of a trace are those of the moments.
    EXPECT_NEAR(row["mean"].get<double>(), trace["estimates"][e]["mean"].get<double>(), 1e-12);
    EXPECT_GT(row["mcse"].get<double>(), 0.0);
  }
  EXPECT_NE(text_of(found["warnings"]).find("R-hat of x"), std::string::npos) << found["warnings"];
}

TEST_F(ChainFiguresTest, OfMergedRangesAreThoseOfTheWhole) {
  const std::pair<const char*, const char*> outputs[] = {
      {"trace", ".npy"}, {"draw", ".npy"}, {"moments", ".npz"}};
  for (const auto& [output, ending] : outputs) {
    const std::string whole = std::string("whole") + ending, a = std::string("a") + ending;
    const std::string b = std::string("b") + ending, ab = std::string("ab") + ending;
    chains(output, {"--count", "20"}, whole);
    chains(output, {"--range", "0:7"}, a);
    chains(output, {"--range", "7:20"}, b);
    json({"merge", a, b, "--out", ab, "--force"});
    Json expected = read_json(whole + ".json"), found = read_json(ab + ".json");
    expected.erase("seconds");
    found.erase("seconds");
    EXPECT_EQ(found, expected) << output;
  }
  chains("draw", {"--range", "7:20", "--estimate", "x1"}, "b.npy");
  chains("draw", {"--range", "0:7"}, "a.npy");
  EXPECT_NE(
      run({"merge", "a.npy", "b.npy", "--out", "ab.npy", "--force"})
          .err.find(R"(the list of estimates is ["x1","x1^2","x2","x2^2"] in a.npy and ["x1"] in b.npy)"),
      std::string::npos);
  Json sidecar = read_json("b.npy.json");
  for (const auto& [key, value, message] :
       {std::tuple("rhat", Json(1.0), R"(b.npy.json: "rhat" is not a list)"),
        std::tuple("estimates", Json::array({"x"}),
                   R"(b.npy.json: "estimates" is not a list of estimates)")}) {
    Json changed = sidecar;
    changed[key] = value;
    write("b.npy.json", changed.dump());
    EXPECT_NE(run({"merge", "a.npy", "b.npy", "--out", "ab.npy", "--force"}).err.find(message),
              std::string::npos);
  }
}

TEST_F(ChainFiguresTest, SayWhereThereAreNone) {
  EXPECT_EQ(chains("trace", {"--count", "2", "--steps", "3"}, "x.npy")["notes"].back(),
            "a trace of fewer than 4 draws of each chain has no R-hat and no effective sample size");
  // 1 / 0 at a state that the chain never leaves.
  write_points(folder() / "zero.npy", Points::Zero(2, 2));
  const Json found = json({"sample", "problem.json", "--sampler", "mala:step=1e9:steps=8:output=trace",
                           "--start", "zero.npy", "--estimate", "1/x1", "--out", "stuck.npy"});
  EXPECT_EQ(found["estimates"][0]["mean"], "nan");
  EXPECT_EQ(found["rhat"][0], "nan");
  EXPECT_NE(text_of(found["warnings"]).find("the estimate 1/x1 has no value: it is not finite at a state"),
            std::string::npos)
      << found["warnings"];
  EXPECT_NE(text_of(found["warnings"]).find("R-hat of x1 is nan, above 1.01"), std::string::npos)
      << found["warnings"];
  study::RunRecord record;
  record.verb = "sample";
  record.sampler = {{"type", "mala"}, {"output", "trace"}};
  record.shape = {1, study::ChainFigures::most_values + 1, 1};
  const auto figures = study::chain_figures(record, {});
  ASSERT_TRUE(figures);
  EXPECT_FALSE(figures->needs_states());
  figures->write_to(record, nullptr);
  EXPECT_EQ(record.notes.front(),
            "the trace has more than 4194304 numbers, so its convergence is left to gmdiff diagnose");
}

TEST_F(ChainFiguresTest, EstimatesNeedChainsWithStates) {
  const auto refused = [this](const Arguments& more, const std::string& message) {
    Arguments arguments{"sample", "problem.json", "--out", "bad.npy"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused({"--sampler", "ddim", "--estimate", "x1"}, "--estimate belongs to Markov chains, and ddim is none");
  refused({"--sampler", "mala:step=1:output=moments", "--estimate", "x1"},
          "--estimate: output=moments keeps no states to take it at");
  refused({"--sampler", "mala:step=1", "--estimate", "x3"}, "--estimate: ");
}

TEST_F(DiagnoseTest, RefusesTextsWithoutAValue) {
  Points x = Points::Ones(2 * 10, 1);
  x(13, 0) = -1.0;  // draw 3 of chain 1
  write_array("chains.npy", {2, 10, 1}, x);
  const auto refused = [this](const std::string& text, const std::string& message) {
    const CommandResult result = run({"diagnose", "chains.npy", "--estimate", text});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  };
  refused("1/(x + 1)", "--estimate 1/(x + 1): it is inf at draw 3 of chain 1, expected a finite number");
  refused("x +", "column 4");
  refused("x2", "column 1");
}

TEST_F(DiagnoseTest, ShowsAModeThatNoChainVisits) {
  write("two.json", R"({"prior": {"weights": [0.25, 0.75], "means": [[-10], [10]],
    "covariance": {"type": "spherical", "values": [1, 1]}}})");
  write_array("chains.npy", {4, 500, 1}, normal_points(2000, 1, 5).array() + 10.0);
  const CommandResult result = run({"diagnose", "chains.npy", "two.json", "--json"});
  const Json found = Json::parse(result.out);

  EXPECT_EQ(result.err, "") << "R-hat cannot see it";
  EXPECT_EQ(found["law"], "prior");
  EXPECT_EQ(found["weights"], Json::array({0.25, 0.75}));
  EXPECT_EQ(found["share_of_draws"], Json::array({0.0, 1.0}));
  EXPECT_EQ(found["share_of_chains"], Json::array({0.0, 1.0}));
  EXPECT_NE(output({"diagnose", "chains.npy", "two.json"}).find("modes of the prior"), std::string::npos);
}

TEST_F(DiagnoseTest, WarnsOfChainsThatHaveNotMixed) {
  Points x = normal_points(4 * 50, 1, 6);
  x.topRows(50).array() += 3.0;
  write_array("chains.npy", {4, 50, 1}, x);
  const CommandResult result = run({"diagnose", "chains.npy"});

  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.err.find("warning: coordinate 0: R-hat is "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("above 1.01, so the chains have not mixed"), std::string::npos);
  EXPECT_NE(result.err.find("below 400, so the figures themselves are uncertain"), std::string::npos);
  EXPECT_EQ(run({"diagnose", "chains.npy", "--quiet"}).err, "");
}

TEST_F(DiagnoseTest, RefusesBadInput) {
  const auto refused = [this](const Arguments& arguments, const std::string& message) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "gmdiff: " + message + "\n");
  };
  write_array("flat.npy", {30}, normal_points(30, 1, 1));
  write_array("short.npy", {10, 3, 1}, normal_points(30, 1, 1));
  write_array("three.npy", {2, 5, 3}, normal_points(10, 3, 1));
  Points bad = normal_points(10, 1, 1);
  bad(7, 0) = std::numeric_limits<double>::quiet_NaN();
  write_array("bad.npy", {2, 5}, bad);

  refused({"diagnose", "none.npy"}, "none.npy: no such file");
  refused({"diagnose", "flat.npy"},
          "flat.npy: expected draws of shape (chains, draws, d) or (chains, draws), got (30,)");
  refused({"diagnose", "short.npy"},
          "short.npy: expected one chain or more of 4 draws or more, got (10, 3, 1)");
  refused({"diagnose", "three.npy", "problem.json"},
          "three.npy: its draws have dimension 3, those of the law 2");
  refused({"diagnose", "three.npy", "--prior"}, "--prior belongs to a PROBLEM");
  refused({"diagnose", "bad.npy"}, "chain_diagnostics: draw 2 of chain 1 is not finite");
}

}  // namespace
}  // namespace gmdiff::test
