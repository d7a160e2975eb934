#include <gmdiff/model/quadrature.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include <gmdiff/model/gaussian_fit.hpp>
#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>
#include <gmdiff/model/posterior.hpp>

#include "support/expect_invalid.hpp"

// Boxes and errors of quadrature, importance sampling and searches of maxima (mathematics.md §15).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;

constexpr double inf = std::numeric_limits<double>::infinity();
const double log_two_pi = std::log(2.0 * std::numbers::pi);

Target text(const char* density, int dim = 1) { return ExpressionTarget{.density = density, .dim = dim}; }

Target logistic() {
  return Logistic{.data = Points{{1.0, 0.5, -1.0}, {-0.5, 1.0, 0.25}, {0.75, -1.5, 0.5}},
                  .labels = VectorXd{{1.0, 0.0, 1.0}}};
}

TEST(Quadrature, FindsTheBoxOfANormalDensity) {
  const Quadrature found = quadrature(text("-x^2/2"));
  const double side = std::sqrt(80.0);  // where the density is e^-40 of its maximum
  EXPECT_NEAR(found.box.lower(0), -side, 0.1);
  EXPECT_NEAR(found.box.upper(0), side, 0.1);
  EXPECT_NEAR(found.log_normalizer, 0.5 * log_two_pi, 1e-13);
  EXPECT_LT(found.error.log_normalizer, 1e-13);
}

TEST(Quadrature, FindsDensitiesOfAnyPlaceAndScale) {
  for (const double scale : {1e-4, 1e-2, 1.0, 1e5}) {
    for (const double place : {0.0, -3.0, 1e4}) {
      const Quadrature found = quadrature(ExpressionTarget{
          .density = "-((x - place)/scale)^2/2", .parameters = {{"place", place}, {"scale", scale}}});
      EXPECT_NEAR(found.log_normalizer, 0.5 * log_two_pi + std::log(scale), 1e-10) << place << " " << scale;
      EXPECT_NEAR(found.mean(0), place, 1e-11 * std::max(scale, std::abs(place))) << scale;
      EXPECT_NEAR(found.covariance(0, 0) / (scale * scale), 1.0, 1e-9) << place << " " << scale;
    }
  }
}

TEST(Quadrature, FindsModesThatAreFarApart) {
  const Quadrature found = quadrature(text("max(-(x - 100)^2/2, -(x + 40)^2/2)"));
  EXPECT_NEAR(found.log_normalizer, std::log(2.0) + 0.5 * log_two_pi, 1e-11);
  EXPECT_NEAR(found.mean(0), 30.0, 1e-10);
}

TEST(Quadrature, HasTheCovarianceOfCorrelatedCoordinates) {
  const Quadrature found = quadrature(text("-(x1^2 - 1.5*x1*x2 + x2^2)/2 + x1", 2));
  // Precision matrix ((1, -3/4), (-3/4, 1)).
  const double determinant = 1.0 - 0.5625;
  const MatrixXd covariance = MatrixXd{{1.0, 0.75}, {0.75, 1.0}} / determinant;
  EXPECT_LT((found.covariance - covariance).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_LT((found.mean - covariance.col(0)).cwiseAbs().maxCoeff(), 1e-12);
  EXPECT_NEAR(found.log_normalizer, log_two_pi - 0.5 * std::log(determinant) + 0.5 / determinant, 1e-12);
}

TEST(Quadrature, TakesPointsWithoutDensityAsOutsideTheSupport) {
  const Quadrature found = quadrature(text("4*log(x) - x"));  // a gamma density
  EXPECT_NEAR(found.log_normalizer, std::log(24.0), 1e-9);
  EXPECT_NEAR(found.mean(0), 5.0, 1e-8);
  EXPECT_NEAR(found.covariance(0, 0), 5.0, 1e-7);
}

TEST(Quadrature, ReportsWhatAGivenBoxCutsOff) {
  const Quadrature found = quadrature(text("0"), {VectorXd{{-1.0}}, VectorXd{{3.0}}});
  EXPECT_NEAR(found.log_normalizer, std::log(4.0), 1e-14);
  EXPECT_NEAR(found.mean(0), 1.0, 1e-14);
  EXPECT_NEAR(found.edge_mass, 0.02, 1e-3);
  EXPECT_EQ(found.box.lower(0), -1.0);
}

TEST(Quadrature, HasMarginalsWithIntegralOne) {
  const Quadrature found = quadrature(Banana{.scale = 1.0, .curvature = 0.5});
  ASSERT_EQ(found.marginals.size(), 2U);
  for (const MarginalDensity& marginal : found.marginals) {
    const double spacing = marginal.points(1) - marginal.points(0);
    EXPECT_EQ(marginal.points.size(), 1025);
    EXPECT_NEAR(marginal.density.sum() * spacing, 1.0, 1e-12);
  }
  const MarginalDensity& first = found.marginals.front();  // of the standard normal coordinate
  const VectorXd exact = (-0.5 * (first.points.array().square() + log_two_pi)).exp();
  EXPECT_LT((first.density - exact).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(Quadrature, ShowsTheErrorOfACoarseRule) {
  const Quadrature found = quadrature(Funnel{.dim = 2});
  EXPECT_GT(found.error.log_normalizer, 1e-4);
}

TEST(Quadrature, RefusesDensitiesWithoutAFiniteBox) {
  expect_invalid([] { quadrature(text("0")); }, "no finite box is found: along axis 0");
  expect_invalid([] { quadrature(text("x")); }, "no finite box is found: along axis 0");
  expect_invalid([] { quadrature(text("-x1^2", 2)); }, "no finite box is found: along axis 1");
  expect_invalid([] { quadrature(text("log(-1 - x^2)")); }, "the log-density is finite at none of");
}

TEST(Quadrature, RefusesOtherDimensionsAndBoxes) {
  expect_invalid([] { quadrature(Banana{.dim = 3}); }, "the dimension must be 1 or 2, got 3");
  const Target target = text("-x^2");
  const auto with_box = [&target](VectorXd lower, VectorXd upper) {
    return [&target, lower, upper] { quadrature(target, {lower, upper}); };
  };
  expect_invalid(with_box(VectorXd{{0.0, 1.0}}, VectorXd{{2.0, 3.0}}), "expected 1 each");
  expect_invalid(with_box(VectorXd{{0.0}}, {}), "expected 1 each");
  expect_invalid(with_box(VectorXd{{0.0}}, VectorXd{{inf}}), "expected finite lower < upper, got 0 and inf");
  expect_invalid(with_box(VectorXd{{1.0}}, VectorXd{{1.0}}), "expected finite lower < upper, got 1 and 1");
  expect_invalid(
      [] {
        quadrature(text("log(x)"), {VectorXd{{-2.0}}, VectorXd{{-1.0}}});
      },
      "the box has no mass");
  expect_invalid(
      [] {
        quadrature(text("exp(x)"), {VectorXd{{0.0}}, VectorXd{{4096.0}}});
      },
      "the log-density is inf at x = (710)");
}

/// The posterior of a linear map is a mixture, whose denoiser is known.
TEST(Quadrature, HasTheDenoiserOfAPosterior) {
  const Level level{.alpha = 0.8, .sigma = 0.6};
  const Mixture line({0.4, 0.6}, Points{{-1.0}, {0.75}}, Covariance::spherical({0.25, 0.5}));
  const Mixture plane({0.5, 0.5}, Points{{-1.0, 0.5}, {1.0, 0.0}},
                      Covariance::diag(Points{{0.5, 1.0}, {0.75, 0.25}}));
  for (const Mixture& prior : {line, plane}) {
    const Index d = prior.dim();
    const MatrixXd A = MatrixXd::Constant(1, d, 1.5);
    const VectorXd y{{0.5}};
    const Target target = ObservedMixture{prior, {ElementwiseMap{.A = A}, y, 0.5}};
    const Mixture exact = posterior(prior, LinearObservation(A, y, 0.5)).mixture;
    const Points x = Points::Constant(2, d, 0.3) + Points(Eigen::Vector2d(-4.0, 0.5).replicate(1, d));
    EXPECT_LT((quadrature_denoiser(target, x, level) - exact.denoiser(x, level)).cwiseAbs().maxCoeff(),
              1e-10);
    EXPECT_EQ(quadrature_denoiser(target, x, {.alpha = 0.5, .sigma = 0.0}), x / 0.5);
  }
  const auto refused = [](const Points& x, Level at, const std::string& message) {
    expect_invalid(
        [&] {
          quadrature_denoiser(text("-x^2/2"), x, at, {VectorXd{{-4.0}}, VectorXd{{4.0}}});
        },
        message);
  };
  refused(Points::Zero(1, 2), level, "quadrature_denoiser: points have dimension 2, expected 1");
  refused(Points{{inf}}, level, "quadrature_denoiser: points must be finite");
  refused(Points{{0.0}}, {.alpha = 0.0, .sigma = 1.0},
          "quadrature_denoiser: expected alpha > 0 and sigma >= 0, got 0 and 1");
  refused(Points{{0.0}}, {.alpha = 1.0, .sigma = 1e-3},
          "quadrature_denoiser: sigma / alpha is 0.001, below two intervals of 0.00195312 on axis 0");
}

TEST(Importance, AgreesWithExactMoments) {
  const Target target = SinGaussian{.dim = 3};
  const MatrixXd covariance = MatrixXd{{2.0, 0.5, 0.0}, {0.5, 2.0, 0.0}, {0.0, 0.0, 1.5}};
  const ImportanceResult found = importance(target, VectorXd{{0.1, 0.0, -0.2}}, covariance, 50'000, 3);
  EXPECT_NEAR(found.log_normalizer, *target.log_normalizer(), 4.0 * found.log_normalizer_error);
  EXPECT_LT(found.log_normalizer_error, 0.01);
  const CoordinateMoments exact = *target.moments();
  for (int j = 0; j < 3; ++j) {
    EXPECT_NEAR(found.mean(j), exact.mean(j), 4.0 * found.mean_error(j));
    EXPECT_NEAR(found.second_moment(j), exact.variance(j), 4.0 * found.second_moment_error(j));
  }
  EXPECT_NEAR(found.weights.sum(), 1.0, 1e-12);
  EXPECT_EQ(found.largest_weight, found.weights.maxCoeff());
}

TEST(Importance, HasEqualWeightsIfTheProposalIsTheTarget) {
  const ImportanceResult found = importance(text("-x^2/2"), VectorXd{{0.0}}, MatrixXd{{1.0}}, 1000);
  EXPECT_NEAR(found.ess, 1000.0, 1e-9);
  EXPECT_NEAR(found.log_normalizer, 0.5 * log_two_pi, 1e-12);
  EXPECT_LT(found.log_normalizer_error, 1e-6);
}

TEST(Importance, DrawsEachComponentOfAMixture) {
  const Mixture proposal({0.25, 0.0, 0.75}, Points{{-2.0}, {50.0}, {2.0}},
                         Covariance::spherical({0.25, 1.0, 0.25}));
  const ImportanceResult found = importance(ManyWell{.delta = 4.0}, proposal, 20'000, 1);
  EXPECT_NEAR(found.log_normalizer, *Target(ManyWell{.delta = 4.0}).log_normalizer(),
              4.0 * found.log_normalizer_error);
  EXPECT_NEAR((found.points.array() < 0.0).cast<double>().mean(), 0.25, 0.015);
  EXPECT_NEAR(found.mean(0), 0.0, 4.0 * found.mean_error(0));
  const ImportanceResult start = importance(ManyWell{.delta = 4.0}, proposal, 10, 1);
  EXPECT_EQ(start.points, found.points.topRows(10));
}

TEST(Importance, RefusesBadArguments) {
  const Target target = text("-x^2");
  const MatrixXd one = MatrixXd{{1.0}};
  expect_invalid([&] { importance(target, VectorXd{{0.0}}, one, 0); }, "count must be at least 1, got 0");
  expect_invalid(
      [&] {
        importance(target, VectorXd{{0.0, 0.0}}, MatrixXd::Identity(2, 2));
      },
      "the proposal has dimension 2, the target 1");
  expect_invalid([&] { importance(target, VectorXd{{0.0}}, MatrixXd{{0.0}}); }, "not positive definite");
  expect_invalid([&] { importance(target, Points{{0.0}}, VectorXd{{0.0, 0.0}}); }, "1 draws but 2 values");
  expect_invalid([&] { importance(target, Points{{0.0}}, VectorXd{{inf}}); },
                 "log_proposal[0] must be finite, got inf");
  expect_invalid([] { importance(text("log(x)"), Points{{-1.0}}, VectorXd{{0.0}}); },
                 "the density of the target is 0 at all 1 draws");
}

TEST(Modes, AreAllMaximaWithTheHighestFirst) {
  const Modes found = modes(ExpressionTarget{.density = "-(x^2 - 2)^2 + x/4"}, {.spread = 2.0});
  ASSERT_EQ(found.maxima.size(), 2U);
  EXPECT_GT(found.maxima[0].x(0), 1.4);
  EXPECT_LT(found.maxima[1].x(0), -1.3);
  EXPECT_GT(found.maxima[0].log_density, found.maxima[1].log_density);
  EXPECT_NEAR(std::exp(found.log_normalizer),
              std::exp(found.maxima[0].log_mass) + std::exp(found.maxima[1].log_mass), 1e-12);
}

TEST(Modes, OfANormalDensityHaveItsMass) {
  const Modes found = modes(text("-(x1^2 - 1.5*x1*x2 + x2^2)/2 + x1", 2));
  const Quadrature exact = quadrature(text("-(x1^2 - 1.5*x1*x2 + x2^2)/2 + x1", 2));
  ASSERT_EQ(found.maxima.size(), 1U);
  EXPECT_NEAR(found.log_normalizer, exact.log_normalizer, 1e-12);
  const Mixture approximation = laplace_mixture(found, 2.0);
  EXPECT_LT((approximation.covariance() - 2.0 * exact.covariance).cwiseAbs().maxCoeff(), 1e-11);
  EXPECT_LT((approximation.mean() - exact.mean).cwiseAbs().maxCoeff(), 1e-11);
}

TEST(Modes, OfTheBananaAndTheFunnelAreFoundFromAfar) {
  const Modes banana = modes(Banana{}, {.starts = Points{{60.0, -40.0}}, .draws = 0});
  ASSERT_EQ(banana.maxima.size(), 1U);
  EXPECT_LT((banana.maxima[0].x - VectorXd{{0.0, -3.0}}).norm(), 1e-9);
  const Modes funnel = modes(Funnel{.dim = 3}, {.starts = Points{{2.0, 5.0, -1.0}}, .draws = 0});
  ASSERT_EQ(funnel.maxima.size(), 1U);
  EXPECT_LT((funnel.maxima[0].x - VectorXd{{-9.0, 0.0, 0.0}}).norm(), 1e-9);
}

TEST(Modes, CountStartsThatReachNone) {
  const Modes saddle = modes(ManyWell{}, {.starts = Points{{0.0}}, .draws = 0});
  EXPECT_EQ(saddle.saddles, 1);
  EXPECT_EQ(saddle.log_normalizer, -inf);
  EXPECT_EQ(modes(text("x"), {.draws = 1}).unfinished, 1);
  EXPECT_EQ(modes(text("log(x) - x"), {.starts = Points{{-1.0}, {3.0}}, .draws = 0}).outside, 1);
}

TEST(Modes, RefuseBadArguments) {
  expect_invalid([] { modes(SinGaussian{.dim = 201}); }, "the dimension must be at most 200, got 201");
  expect_invalid([] { modes(logistic(), {.starts = Points{{0.0}}}); }, "starts have dimension 1, expected 3");
  expect_invalid([] { modes(logistic(), {.draws = 0}); }, "expected starts or draws, got neither");
  expect_invalid([] { modes(logistic(), {.draws = -1}); }, "draws must be at least 0, got -1");
  expect_invalid([] { modes(logistic(), {.spread = 0.0}); }, "spread must be positive, got 0");
  expect_invalid([] { modes(text("-x^2"), {.starts = Points{{inf}}}); }, "starts must be finite");
  expect_invalid([] { laplace_mixture({}); }, "expected at least one maximum");
  expect_invalid([] { laplace_mixture(modes(text("-x^2")), -1.0); }, "scale must be positive, got -1");
}

TEST(GaussianFits, OfNormalDensitiesAreExact) {
  const Target plane = text("-(x1^2 - 1.5*x1*x2 + x2^2)/2 + x1", 2);
  const Target space = text("-(x1^2 - x1*x2 + x2^2 + 2*x3^2 - x2*x3)/2 + x1 - 3*x3", 3);
  for (const Target& target : {plane, space}) {
    const Index d = target.dim();
    const Mixture far({1.0}, Points::Constant(1, d, 2.0), Covariance::spherical({9.0}));
    const GaussianFit fit = gaussian_fit(target, far);
    const Mixture exact = laplace_mixture(modes(target));
    EXPECT_LT((fit.mean - exact.mean()).cwiseAbs().maxCoeff(), 1e-5);
    EXPECT_LT((fit.covariance - exact.covariance()).cwiseAbs().maxCoeff(), 1e-5);
    // The terms of the bound are equal up to the slope at which the search ends.
    EXPECT_NEAR(fit.elbo, modes(target).log_normalizer, 4.0 * fit.elbo_error + 1e-9);
    EXPECT_LT(fit.elbo_error, 1e-6);
    EXPECT_LT(fit.slope, 1e-4);
  }
}

/// The bound of N(m, v) is closed for a sine: E sin(p + w x) = sin(p + w m) exp(-w^2 v / 2).
TEST(GaussianFits, HaveTheLargestBound) {
  const SinGaussian target{.amplitude = 3.0, .phase = 1.0, .frequency = 1.5};
  const auto bound = [&](double m, double v) {
    const double sine = std::sin(target.phase + target.frequency * m) *
                        std::exp(-0.5 * target.frequency * target.frequency * v);
    return -0.5 * (m * m + v + target.amplitude * sine) + 0.5 * (log_two_pi + 1.0 + std::log(v));
  };
  const Mixture start({1.0}, Points{{0.0}}, Covariance::spherical({1.0}));
  const GaussianFit fit = gaussian_fit(target, start);
  const double m = fit.mean(0), v = fit.covariance(0, 0);
  EXPECT_NEAR(fit.elbo, bound(m, v), 1e-12);
  for (const double step : {-0.05, 0.05}) {
    EXPECT_LT(bound(m + step, v), fit.elbo);
    EXPECT_LT(bound(m, v + step), fit.elbo);
  }
  EXPECT_LT(fit.elbo, *Target(target).log_normalizer());
  const GaussianBound at = gaussian_bound(target, fit.mean, fit.covariance);
  EXPECT_NEAR(at.elbo, fit.elbo, 1e-13);
  EXPECT_LT(std::abs(at.by_mean(0)) + std::abs(at.by_covariance(0, 0)), 1e-5);
  // In three equal dimensions the draws have a statistical error, and the bound a known value. From N(0, I)
  // their error makes a second maximum of a ridge, along which the exact bound hardly changes.
  SinGaussian cube = target;
  cube.dim = 3;
  const Mixture near({1.0}, Points::Constant(1, 3, -1.0), Covariance::spherical({0.5}));
  const GaussianFit of_draws = gaussian_fit(cube, near, {.draws = 4000});
  EXPECT_GT(of_draws.elbo_error, 0.0);
  EXPECT_LT(of_draws.slope, 1e-4);
  EXPECT_NEAR(of_draws.elbo, 3.0 * fit.elbo, 4.0 * of_draws.elbo_error);
}

TEST(GaussianFits, TakeTheBestOfTheirStarts) {
  const Target wells = text("-(x^2 - 9)^2/4 + x");
  const Mixture starts({0.5, 0.5}, Points{{-3.0}, {3.0}}, Covariance::spherical({0.1, 0.1}));
  EXPECT_NEAR(gaussian_fit(wells, starts).mean(0), 3.0, 0.1);
  const Mixture left({1.0}, Points{{-3.0}}, Covariance::spherical({0.1}));
  EXPECT_NEAR(gaussian_fit(wells, left).mean(0), -3.0, 0.1);
}

TEST(GaussianFits, RefuseBadArguments) {
  const Mixture line({1.0}, Points{{0.0}}, Covariance::spherical({1.0})),
      space({1.0}, Points::Zero(1, 3), Covariance::spherical({1.0})),
      point({1.0}, Points{{0.0}}, Covariance::spherical({0.0}));
  expect_invalid([&] { gaussian_fit(logistic(), line); },
                 "gaussian_fit: the starts have dimension 1, the target 3");
  expect_invalid([&] { gaussian_fit(text("-x^2"), point); },
                 "gaussian_fit: the covariance of start 0 is not positive definite");
  for (const int draws : {10, 13})
    expect_invalid([&] { gaussian_fit(logistic(), space, {.draws = draws}); },
                   "gaussian_fit: draws must be even and at least 12, four for each coordinate, got " +
                       std::to_string(draws));
  expect_invalid(
      [&] { gaussian_fit(text("log(x) - x"), line); },
      "gaussian_fit: the log-density is not finite at a point of the rule of every start; a normal "
      "law needs a density that is positive everywhere");
  expect_invalid([&] { gaussian_bound(text("-x^2"), VectorXd::Zero(2), MatrixXd::Identity(1, 1)); },
                 "gaussian_bound: mean and covariance have shapes (2) and (1, 1), expected (1) and (1, 1)");
  expect_invalid([&] { gaussian_bound(text("-x^2"), VectorXd::Zero(1), MatrixXd::Zero(1, 1)); },
                 "gaussian_bound: the covariance is not positive definite");
}

}  // namespace
}  // namespace gmdiff
