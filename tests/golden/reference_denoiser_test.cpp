#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <gmdiff/plan/plan.hpp>

#include "device/reference/denoiser.hpp"
#include "support/golden.hpp"

// golden/mixture_*.json: responsibilities and D of the reference device, whose code is independent of
// Mixture.

namespace gmdiff {
namespace {

using test::json;

constexpr double eps = std::numeric_limits<double>::epsilon();

class GoldenReferenceDenoiser : public testing::TestWithParam<const char*> {};

/// Additional error of a nearly singular dense matrix, whose smallest eigenvalue has a relative error of eps
/// times the condition.
double dense_input_error(const json& golden_case, double condition) {
  const std::string name = golden_case["name"];
  return name.find("singular") == std::string::npos ? 0.0 : 20 * eps * condition;
}

TEST_P(GoldenReferenceDenoiser, ResponsibilitiesAndDenoiser) {
  int compared = 0;
  const json golden = test::load_golden(GetParam());
  for (const json& golden_case : golden["cases"]) {
    const Mixture mixture = test::mixture(golden_case);
    const MixtureTable table = draw_plan(std::span(&mixture, 1)).problems.front();
    const reference::Model model(table);
    for (const json& query : golden_case["queries"]) {
      const Level level{query["alpha"].get<double>(), query["sigma"].get<double>()};
      if (level.sigma == 0.0) continue;
      const Points x = test::matrix(query["x"]);
      const Points log_responsibilities = test::matrix(query["log_resp"]);
      const Points denoisers = test::matrix(query["denoiser"]);
      const double condition = test::number(query["condition"]);
      const Eigen::VectorXd quadratic_max = test::vector(query["quadratic_max"]);
      reference::DiffusedMixture diffused(model, level);
      for (Eigen::Index n = 0; n < x.rows(); ++n) {
        const double quadratic = quadratic_max(n);
        Eigen::VectorXd r(model.num_components()), D(model.dim());

        diffused.responsibilities(x.row(n).data(), r.data());
        diffused.denoiser(x.row(n).data(), D.data());

        const Eigen::VectorXd expected_r = log_responsibilities.row(n).array().exp();
        const double r_tolerance = 20 * eps * quadratic + 1e-12 + dense_input_error(golden_case, condition);
        const double scale =
            std::max(denoisers.row(n).cwiseAbs().maxCoeff(), mixture.means().cwiseAbs().maxCoeff());
        const double D_tolerance = (1e-12 + 50 * eps * (condition + quadratic)) * scale;
        EXPECT_LE((r - expected_r).cwiseAbs().maxCoeff(), r_tolerance)
            << golden_case["name"] << " at a point " << query["point_kind"][static_cast<std::size_t>(n)];
        EXPECT_LE((D - denoisers.row(n).transpose()).cwiseAbs().maxCoeff(), D_tolerance)
            << golden_case["name"] << " at a point " << query["point_kind"][static_cast<std::size_t>(n)];
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 10);
}

INSTANTIATE_TEST_SUITE_P(Dimensions, GoldenReferenceDenoiser,
                         testing::Values("mixture_d1", "mixture_d2", "mixture_d8", "mixture_d80"));

}  // namespace
}  // namespace gmdiff
