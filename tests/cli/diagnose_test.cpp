// gmdiff diagnose: its figures, the shares of modes, its warnings and bad inputs.

#include <gmdiff/io/npy.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>

#include "command.hpp"
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
