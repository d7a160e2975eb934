#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/golden.hpp"

// Densities, scores, denoisers and second-order products against 50-digit values:
// tests/golden/mixture_d*.json, tolerances of its README.

namespace gmdiff::test {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// One level of one case: the inputs and the numbers that the tolerances need.
struct Query {
  Mixture mixture;
  Level level;
  Points x;
  Eigen::VectorXd quadratic_max;  // of each point
  double condition;
  double dense_error;  // relative error of the smallest eigenvalue of a nearly singular dense matrix
  const json& expected;
};

using Check = std::function<void(const Query&)>;

class GoldenMixture : public testing::TestWithParam<const char*> {
 protected:
  // Runs the check on every level of every case of the file that has the quantity.
  static void for_each_query(const std::string& quantity, const Check& check) {
    const json file = load_golden(GetParam());
    int checked = 0;
    for (const json& one : file["cases"]) {
      const auto name = one["name"].get<std::string>();
      const auto type = one["covariance_type"].get<std::string>();
      const bool dense = type == "tied" || type == "full";
      const Mixture law = mixture(one);
      for (const json& query : one["queries"]) {
        if (!query.contains(quantity)) continue;
        const Level level{number(query["alpha"]), number(query["sigma"])};
        SCOPED_TRACE(name + ", alpha = " + std::to_string(level.alpha) +
                     ", sigma = " + std::to_string(level.sigma));
        const double condition = number(query["condition"]);
        const bool inaccurate = dense && name.ends_with("nearly_singular");
        check({law, level, matrix(query["x"]), vector(query["quadratic_max"]), condition,
               inaccurate ? 20.0 * epsilon * condition : 0.0, query});
        ++checked;
      }
    }
    EXPECT_GT(checked, 0) << "no case has " << quantity;
  }

  // Row j within (1e-12 + 50 eps (condition + quadratic_max)) times its largest entry, or times
  // `least_scale`; 1e-12 where that is 0. The largest entry is taken over one point, not over all of them:
  // far points do not excuse near ones.
  static void expect_rows_near(const Points& actual, const Points& expected, const Query& query,
                               double least_scale = 0.0) {
    ASSERT_EQ(actual.rows(), expected.rows());
    ASSERT_EQ(actual.cols(), expected.cols());
    for (Eigen::Index j = 0; j < expected.rows(); ++j) {
      const double scale = std::max(expected.row(j).cwiseAbs().maxCoeff(), least_scale);
      const double relative = 1e-12 + 50.0 * epsilon * (query.condition + query.quadratic_max(j));
      const double tolerance = scale > 0.0 ? relative * scale : 1e-12;
      const double error = (actual.row(j) - expected.row(j)).cwiseAbs().maxCoeff();
      EXPECT_LE(error, tolerance) << "point " << j;  // also fails for NaN
    }
  }
};

TEST_P(GoldenMixture, LogDensityHasThirteenDigits) {
  for_each_query("logp", [](const Query& query) {
    const Eigen::VectorXd expected = vector(query.expected["logp"]);

    const Eigen::VectorXd actual = query.mixture.log_pdf(query.x, query.level);

    for (Eigen::Index j = 0; j < expected.size(); ++j) {
      EXPECT_LE(std::abs(actual(j) - expected(j)), (1e-13 + query.dense_error) * std::abs(expected(j)))
          << "point " << j;
    }
  });
}

TEST_P(GoldenMixture, LogResponsibilitiesCarryTheRoundingOfTheQuadraticFormAtMost) {
  for_each_query("log_resp", [](const Query& query) {
    const Points expected = matrix(query.expected["log_resp"]);

    const Points actual = query.mixture.log_responsibilities(query.x, query.level);

    for (Eigen::Index j = 0; j < expected.rows(); ++j) {
      for (Eigen::Index k = 0; k < expected.cols(); ++k) {
        if (std::isinf(expected(j, k))) {
          EXPECT_EQ(actual(j, k), expected(j, k)) << "point " << j << ", component " << k;
        } else {
          // An error of the smallest eigenvalue is relative, so a logit of -1e13 has an error 1e13 times as
          // large.
          const double tolerance = 20.0 * epsilon * query.quadratic_max(j) + 1e-12 +
                                   query.dense_error * std::max(1.0, std::abs(expected(j, k)));
          EXPECT_LE(std::abs(actual(j, k) - expected(j, k)), tolerance)
              << "point " << j << ", component " << k;
        }
      }
    }
  });
}

TEST_P(GoldenMixture, ScoreIsRight) {
  for_each_query("score", [](const Query& query) {
    expect_rows_near(query.mixture.score(query.x, query.level), matrix(query.expected["score"]), query);
  });
}

TEST_P(GoldenMixture, DenoiserIsRight) {
  for_each_query("denoiser", [](const Query& query) {
    const double largest_mean = query.mixture.means().cwiseAbs().maxCoeff();
    expect_rows_near(query.mixture.denoiser(query.x, query.level), matrix(query.expected["denoiser"]), query,
                     largest_mean);
  });
}

TEST_P(GoldenMixture, JacobianOfTheDenoiserTimesTangentIsRight) {
  for_each_query("jvp", [](const Query& query) {
    const Points v = matrix(query.expected["v"]);
    expect_rows_near(query.mixture.denoiser_jvp(query.x, v, query.level), matrix(query.expected["jvp"]),
                     query);
  });
}

TEST_P(GoldenMixture, HessianTimesTangentIsRight) {
  for_each_query("hvp", [](const Query& query) {
    const Points v = matrix(query.expected["v"]);
    expect_rows_near(query.mixture.hessian_vp(query.x, v, query.level), matrix(query.expected["hvp"]), query);
  });
}

// Cov[x_0 | x_t] = (sigma^2 / alpha) J.
TEST_P(GoldenMixture, PosteriorCovarianceTimesTangentIsTheScaledJacobian) {
  for_each_query("jvp", [](const Query& query) {
    if (query.level.alpha == 0.0) return;
    const Points v = matrix(query.expected["v"]);
    const double factor = query.level.sigma * query.level.sigma / query.level.alpha;

    const std::vector<Eigen::MatrixXd> covariances = query.mixture.posterior_covariance(query.x, query.level);

    Points products(v.rows(), v.cols());
    for (Eigen::Index j = 0; j < v.rows(); ++j)
      products.row(j) = v.row(j) * covariances[static_cast<std::size_t>(j)];
    expect_rows_near(products, factor * matrix(query.expected["jvp"]), query);
  });
}

INSTANTIATE_TEST_SUITE_P(Dimensions, GoldenMixture,
                         testing::Values("mixture_d1", "mixture_d2", "mixture_d8", "mixture_d80"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace gmdiff::test
