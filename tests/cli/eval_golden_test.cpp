#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "command.hpp"
#include "support/golden.hpp"

// golden/mixture_d*.json through `gmdiff eval`, with the tolerances of the README of the golden files: near
// and far points, close components, singular covariances, one component, all structures.

namespace gmdiff::test {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

class EvalGoldenTest : public CommandTest, public testing::WithParamInterface<const char*> {
 protected:
  Json evaluated(const Mixture& law, const nlohmann::json& query) const {
    write("golden.json", to_json(Problem{.prior = law}));
    std::filesystem::remove(folder() / "golden.npy");
    write_points(folder() / "golden.npy", matrix(query["x"]));
    return json({"eval", "golden.json", "--points", "golden.npy", "--device", "cpu", "--alpha",
                 query["alpha"].dump(), "--sigma", query["sigma"].dump()});
  }

  static double largest(const nlohmann::json& row) {
    double result = 0.0;
    for (const nlohmann::json& value : row) result = std::max(result, std::abs(number(value)));
    return result;
  }

  static void expect_row_near(const Json& actual, const nlohmann::json& expected, double tolerance,
                              const char* what) {
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(actual[i].get<double>(), number(expected[i]), tolerance) << what;
  }
};

TEST_P(EvalGoldenTest, AllArraysAtAllLevels) {
  int compared = 0;
  for (const nlohmann::json& one : load_golden(GetParam())["cases"]) {
    const Mixture law = mixture(one);
    const auto name = one["name"].get<std::string>();
    const bool is_dense = one["covariance_type"] == "tied" || one["covariance_type"] == "full";
    for (const nlohmann::json& query : one["queries"]) {
      SCOPED_TRACE(name + ", alpha = " + query["alpha"].dump() + ", sigma = " + query["sigma"].dump());
      const Json result = evaluated(law, query);
      const double condition = number(query["condition"]);
      const double dense = is_dense && name.ends_with("nearly_singular") ? 20.0 * epsilon * condition : 0.0;
      for (std::size_t n = 0; n < query["x"].size(); ++n) {
        SCOPED_TRACE("point " + std::to_string(n));
        const double quadratic = number(query["quadratic_max"][n]);
        const double relative = 1e-12 + 50.0 * epsilon * (condition + quadratic);
        const double log_density = number(query["logp"][n]);
        EXPECT_NEAR(result["log_density"][n].get<double>(), log_density,
                    (1e-13 + dense) * std::abs(log_density));
        for (std::size_t k = 0; k < query["log_resp"][n].size(); ++k) {
          const double log_r = number(query["log_resp"][n][k]);
          const double tolerance =
              std::exp(log_r) * (20.0 * epsilon * quadratic + 1e-12 + dense * std::max(1.0, std::abs(log_r)));
          EXPECT_NEAR(result["responsibilities"][n][k].get<double>(), std::exp(log_r),
                      std::isinf(log_r) ? 0.0 : tolerance + 1e-300);
        }
        const double score = largest(query["score"][n]);
        expect_row_near(result["score"][n], query["score"][n], score > 0.0 ? relative * score : 1e-12,
                        "score");
        const double denoiser = std::max(largest(query["denoiser"][n]), law.means().cwiseAbs().maxCoeff());
        expect_row_near(result["denoiser"][n], query["denoiser"][n],
                        denoiser > 0.0 ? relative * denoiser : 1e-12, "denoiser");
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 10);
}

INSTANTIATE_TEST_SUITE_P(Dimensions, EvalGoldenTest,
                         testing::Values("mixture_d1", "mixture_d2", "mixture_d8", "mixture_d80"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace gmdiff::test
