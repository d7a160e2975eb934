#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"

namespace gmdiff::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
const double log_two_pi = std::log(2.0 * std::numbers::pi);

Points points(Eigen::Index rows, Eigen::Index columns, std::initializer_list<double> values) {
  Points result(rows, columns);
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

// 0.25 N(-1, 1) + 0.75 N(1, 1)
Mixture two_modes() { return {{1.0, 3.0}, points(2, 1, {-1.0, 1.0}), Covariance::spherical({1.0, 1.0})}; }

Mixture plane() {
  return {{1.0, 1.0}, points(2, 2, {0.0, 0.0, 1.0, 2.0}), Covariance::spherical({1.0, 2.0})};
}

// The second component is a point mass in one direction.
Mixture singular() {
  return {
      {0.5, 0.5}, points(2, 2, {0.0, 0.0, 1.0, 1.0}), Covariance::diag(points(2, 2, {1.0, 1.0, 1.0, 0.0}))};
}

// ---- construction ----

TEST(Mixture, WeightsAreNormalised) {
  const Mixture mixture({2.0, 0.0, 6.0}, Points::Zero(3, 1), Covariance::spherical({1.0, 1.0, 1.0}));

  EXPECT_EQ(mixture.weights(), Eigen::Vector3d(0.25, 0.0, 0.75));
  EXPECT_EQ(mixture.log_weights()(0), std::log(0.25));
  EXPECT_EQ(mixture.log_weights()(1), -infinity);
}

TEST(Mixture, WeightsOfAnySizeAreNormalised) {
  const Mixture large({1e308, 1e308}, Points::Zero(2, 1), Covariance::spherical({1.0, 1.0}));
  const Mixture small({5e-324, 1e300}, Points::Zero(2, 1), Covariance::spherical({1.0, 1.0}));

  EXPECT_EQ(large.weights(), Eigen::Vector2d(0.5, 0.5));
  EXPECT_NEAR(small.log_weights()(0), std::log(5e-324) - std::log(1e300), 1e-12);
}

TEST(Mixture, LogWeightsThatUnderflowAreKept) {
  const Mixture mixture = Mixture::from_log_weights(
      Eigen::Vector3d(-1e5, -2e5, -infinity), Points::Zero(3, 1), Covariance::spherical({1.0, 1.0, 1.0}));

  EXPECT_EQ(mixture.weights(), Eigen::Vector3d(1.0, 0.0, 0.0));
  EXPECT_EQ(mixture.log_weights(), Eigen::Vector3d(0.0, -1e5, -infinity));
}

TEST(Mixture, AccessorsReturnWhatWasGiven) {
  const Mixture mixture = plane();

  EXPECT_EQ(mixture.dim(), 2);
  EXPECT_EQ(mixture.num_components(), 2);
  EXPECT_EQ(mixture.means(), points(2, 2, {0.0, 0.0, 1.0, 2.0}));
  EXPECT_EQ(mixture.covariance_type(), CovarianceType::spherical);
  EXPECT_EQ(mixture.eigenvalues(), points(2, 1, {1.0, 2.0}));
  EXPECT_TRUE(mixture.bases().empty());
}

TEST(Mixture, BadWeightsAreRefused) {
  const auto build = [](std::vector<double> weights) {
    const auto count = static_cast<Eigen::Index>(weights.size());
    Mixture(weights, Points::Zero(count, 1), Covariance::spherical(std::vector<double>(weights.size(), 1.0)));
  };

  expect_invalid([&] { build({}); }, "Mixture: no components (weights are empty)");
  expect_invalid([&] { build({1.0, -0.5}); }, "Mixture: weight 1 is -0.5, expected finite and >= 0");
  expect_invalid([&] { build({nan, 1.0}); }, "Mixture: weight 0 is nan, expected finite and >= 0");
  expect_invalid([&] { build({1.0, infinity}); }, "Mixture: weight 1 is inf, expected finite and >= 0");
  expect_invalid([&] { build({0.0, 0.0}); }, "Mixture: all weights are zero");
}

TEST(Mixture, BadLogWeightsAreRefused) {
  const auto build = [](const Eigen::VectorXd& log_weights) {
    const std::vector<double> variances(static_cast<std::size_t>(log_weights.size()), 1.0);
    Mixture::from_log_weights(log_weights, Points::Zero(log_weights.size(), 1),
                              Covariance::spherical(variances));
  };

  expect_invalid([&] { build({}); }, "Mixture: no components (log-weights are empty)");
  expect_invalid([&] { build(Eigen::Vector2d(0.0, infinity)); },
                 "Mixture: log-weight 1 is inf, expected < inf");
  expect_invalid([&] { build(Eigen::Vector2d(nan, 0.0)); }, "Mixture: log-weight 0 is nan, expected < inf");
  expect_invalid([&] { build(Eigen::Vector2d(-infinity, -infinity)); },
                 "Mixture: all weights are zero (all log-weights are -inf)");
}

TEST(Mixture, BadMeansAreRefused) {
  const auto build = [](Points means) {
    Mixture({0.5, 0.5}, std::move(means), Covariance::spherical({1.0, 1.0}));
  };

  expect_invalid([&] { build(Points::Zero(3, 2)); }, "Mixture: 2 weights but 3 means");
  expect_invalid([&] { build(Points::Zero(2, 0)); },
                 "Mixture: the means have dimension 0, expected at least 1");
  expect_invalid(
      [&] {
        build(points(2, 2, {0.0, 0.0, 0.0, nan}));
      },
      "Mixture: coordinate 1 of mean 1 is nan, expected a finite number");
  expect_invalid(
      [&] {
        build(points(2, 2, {-infinity, 0.0, 0.0, 0.0}));
      },
      "Mixture: coordinate 0 of mean 0 is -inf");
}

TEST(Mixture, ComponentsThatDoNotExistAreRefused) {
  expect_invalid([] { plane().component_covariance(2); },
                 "Mixture: component 2 does not exist, expected 0 <= k < 2");
  expect_invalid([] { plane().component_covariance(-1); },
                 "Mixture: component -1 does not exist, expected 0 <= k < 2");
}

// ---- values a reader can verify ----

TEST(Mixture, DensityOfTwoModesAtTheMiddleIsThatOfOne) {
  const Mixture mixture = two_modes();
  const Points origin = Points::Zero(1, 1);

  // Both components have density exp(-1/2) / sqrt(2 pi) at 0.
  EXPECT_NEAR(mixture.log_pdf(origin)(0), -0.5 - 0.5 * log_two_pi, 1e-15);
  EXPECT_NEAR(mixture.pdf(origin)(0), std::exp(-0.5) / std::sqrt(2.0 * std::numbers::pi), 1e-15);
  EXPECT_NEAR(mixture.responsibilities(origin)(0, 0), 0.25, 1e-15);
  EXPECT_NEAR(mixture.log_responsibilities(origin)(0, 1), std::log(0.75), 1e-15);
  EXPECT_NEAR(mixture.score(origin)(0, 0), 0.5, 1e-15);  // 0.25 * (-1) + 0.75 * 1
}

TEST(Mixture, DenoiserOfANormalIsItsConditionalMean) {
  const Mixture mixture({1.0}, points(1, 1, {2.0}), Covariance::spherical({4.0}));
  const Level level{.alpha = 0.5, .sigma = 2.0};

  // x_t ~ N(1, 0.25 * 4 + 4); gain = 0.5 * 4 / 5.
  const Points x = points(1, 1, {6.0});
  EXPECT_NEAR(mixture.denoiser(x, level)(0, 0), 2.0 + 0.4 * 5.0, 1e-15);
  EXPECT_NEAR(mixture.denoiser_jvp(x, points(1, 1, {1.0}), level)(0, 0), 0.4, 1e-15);
  EXPECT_NEAR(mixture.hessian_vp(x, points(1, 1, {3.0}), level)(0, 0), -3.0 / 5.0, 1e-15);
  EXPECT_NEAR(mixture.posterior_covariance(x, level)[0](0, 0), 4.0 * 4.0 / 5.0, 1e-15);
}

TEST(Mixture, DenoiserAtTheEndsOfTime) {
  const Mixture mixture = plane();
  const Points x = points(1, 2, {3.0, -4.0});
  const Points v = points(1, 2, {1.0, 2.0});

  EXPECT_EQ(mixture.denoiser(x, {.alpha = 0.5, .sigma = 0.0}), 2.0 * x);
  EXPECT_EQ(mixture.denoiser_jvp(x, v, {.alpha = 0.5, .sigma = 0.0}), 2.0 * v);
  EXPECT_EQ(mixture.posterior_covariance(x, {.alpha = 0.5, .sigma = 0.0})[0], Eigen::MatrixXd::Zero(2, 2));
  EXPECT_LE(
      (mixture.denoiser(x, {.alpha = 0.0, .sigma = 1.0}) - points(1, 2, {0.5, 1.0})).cwiseAbs().maxCoeff(),
      1e-15);
  EXPECT_EQ(mixture.denoiser_jvp(x, v, {.alpha = 0.0, .sigma = 1.0}), Points::Zero(1, 2));
  EXPECT_LE((mixture.posterior_covariance(x, {.alpha = 0.0, .sigma = 1.0})[0] - mixture.covariance())
                .cwiseAbs()
                .maxCoeff(),
            1e-15);
  EXPECT_LE((mixture.score(x, {.alpha = 0.0, .sigma = 2.0}) + x / 4.0).cwiseAbs().maxCoeff(), 1e-15);
}

TEST(Mixture, NoPointsGiveNoValues) {
  const Mixture mixture = plane();
  const Points none(0, 2);
  const Level level{.alpha = 1.0, .sigma = 1.0};

  EXPECT_EQ(mixture.log_pdf(none).size(), 0);
  EXPECT_EQ(mixture.log_responsibilities(none).cols(), 2);
  EXPECT_EQ(mixture.score(none).rows(), 0);
  EXPECT_EQ(mixture.denoiser(none, level).rows(), 0);
  EXPECT_EQ(mixture.denoiser_jvp(none, none, level).rows(), 0);
  EXPECT_TRUE(mixture.posterior_covariance(none, level).empty());
}

// ---- bad arguments ----

TEST(Mixture, PointsOfAnotherDimensionAreRefusedEverywhere) {
  const Mixture mixture = plane();
  const Points x = Points::Zero(1, 3);
  const Level level{.alpha = 1.0, .sigma = 1.0};
  const std::string message = "Mixture: points have 3 coordinates but the dimension is 2";

  expect_invalid([&] { mixture.log_pdf(x); }, message);
  expect_invalid([&] { mixture.pdf(x); }, message);
  expect_invalid([&] { mixture.log_responsibilities(x); }, message);
  expect_invalid([&] { mixture.responsibilities(x); }, message);
  expect_invalid([&] { mixture.score(x); }, message);
  expect_invalid([&] { mixture.denoiser(x, level); }, message);
  expect_invalid([&] { mixture.denoiser_jvp(x, x, level); }, message);
  expect_invalid([&] { mixture.hessian_vp(x, x, level); }, message);
  expect_invalid([&] { mixture.posterior_covariance(x, level); }, message);
}

TEST(Mixture, PointsThatAreNotFiniteAreRefused) {
  expect_invalid(
      [] {
        plane().score(points(2, 2, {0.0, 0.0, 0.0, nan}));
      },
      "Mixture: coordinate 1 of point 1 is nan, expected a finite number");
  expect_invalid(
      [] {
        plane().denoiser(points(1, 2, {infinity, 0.0}), {1.0, 1.0});
      },
      "Mixture: coordinate 0 of point 0 is inf");
}

TEST(Mixture, BadTangentsAreRefused) {
  const Mixture mixture = plane();
  const Points x = Points::Zero(2, 2);

  expect_invalid([&] { mixture.hessian_vp(x, Points::Zero(2, 1)); },
                 "Mixture: tangents have 1 coordinates but the dimension is 2");
  expect_invalid(
      [&] {
        mixture.denoiser_jvp(x, Points::Zero(1, 2), {1.0, 1.0});
      },
      "Mixture: 2 points but 1 tangents");
  expect_invalid(
      [&] {
        mixture.hessian_vp(x, points(2, 2, {0.0, 0.0, nan, 0.0}), {1.0, 1.0});
      },
      "Mixture: coordinate 0 of tangent 1 is nan");
}

TEST(Mixture, BadLevelsAreRefused) {
  const Mixture mixture = plane();
  const auto at = [&](double alpha, double sigma) {
    mixture.log_pdf(Points::Zero(1, 2), {.alpha = alpha, .sigma = sigma});
  };
  const std::string expected = ", expected 0 or a positive number whose square is a normal double";

  expect_invalid([&] { at(-1.0, 1.0); }, "Mixture: the level has alpha = -1" + expected);
  expect_invalid([&] { at(1.0, -0.5); }, "Mixture: the level has sigma = -0.5" + expected);
  expect_invalid([&] { at(nan, 1.0); }, "Mixture: the level has alpha = nan" + expected);
  expect_invalid([&] { at(1.0, infinity); }, "Mixture: the level has sigma = inf" + expected);
  expect_invalid([&] { at(1.0, 1e-200); }, "Mixture: the level has sigma = 1e-200" + expected);
  expect_invalid([&] { at(1e200, 1.0); }, "Mixture: the level has alpha = 1e+200" + expected);
  expect_invalid([&] { at(0.0, 0.0); }, "Mixture: the level has alpha = 0 and sigma = 0");
  expect_invalid([&] { mixture.diffuse({.alpha = 0.0, .sigma = 0.0}); },
                 "Mixture: the level has alpha = 0 and sigma = 0");
  expect_invalid([&] { mixture.denoiser(Points::Zero(1, 2), {.alpha = 1.0, .sigma = nan}); },
                 "Mixture: the level has sigma = nan");
}

TEST(Mixture, LawsWithoutDensityAreADomainError) {
  const Mixture mixture = singular();
  const Points x = Points::Zero(1, 2);
  const auto expect_domain_error = [](const auto& action) {
    try {
      action();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::domain_error& error) {
      EXPECT_STREQ(error.what(),
                   "Mixture: no density at sigma = 0 because the covariance of component 1 is singular");
    }
  };

  expect_domain_error([&] { mixture.log_pdf(x); });
  expect_domain_error([&] { mixture.pdf(x); });
  expect_domain_error([&] { mixture.log_responsibilities(x); });
  expect_domain_error([&] { mixture.responsibilities(x); });
  expect_domain_error([&] { mixture.score(x); });
  expect_domain_error([&] { mixture.hessian_vp(x, x); });
  EXPECT_EQ(mixture.denoiser(x, {.alpha = 1.0, .sigma = 0.0}), x);
  EXPECT_TRUE(std::isfinite(mixture.log_pdf(x, {.alpha = 1.0, .sigma = 1e-3})(0)));
}

}  // namespace
}  // namespace gmdiff::test
