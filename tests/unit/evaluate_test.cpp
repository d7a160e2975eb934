#include <gmdiff/device/evaluate.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <Eigen/Geometry>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

Mixture two_modes() {
  return {{0.6, 0.4}, Points{{0.0, 0.0}, {2.0, 2.0}}, Covariance::spherical({0.5, 0.8})};
}

TEST(Evaluate, ComputesWhatIsAskedForAndNothingElse) {
  const Points x{{0.5, 0.25}, {1.0, -1.0}, {3.0, 2.0}};

  const Evaluation density = evaluate(two_modes(), x);
  const Evaluation means = evaluate(two_modes(), x, {.alpha = 0.5, .sigma = 0.5},
                                    {.log_density = false, .score = true, .denoiser = true});

  EXPECT_LE((density.log_density - two_modes().log_pdf(x)).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_EQ(density.score.size() + density.denoiser.size() + density.log_responsibilities.size(), 0);
  EXPECT_EQ(means.log_density.size() + means.log_responsibilities.size(), 0);
  EXPECT_LE((means.score - two_modes().score(x, {0.5, 0.5})).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_LE((means.denoiser - two_modes().denoiser(x, {0.5, 0.5})).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Evaluate, OfNoPointsIsEmpty) {
  const Evaluation result = evaluate(two_modes(), Points(0, 2), {}, {.score = true});

  EXPECT_EQ(result.log_density.size(), 0);
  EXPECT_EQ(result.score.rows(), 0);
  EXPECT_EQ(result.score.cols(), 2);
}

TEST(Evaluate, OfTheDataAtSigmaZeroIsTheStateItself) {
  const Mixture point({1.0}, Points{{1.0, 1.0}}, Covariance::spherical({0.0}));
  const Points x{{0.5, 0.25}};

  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    const Evaluation result = evaluate(point, x, {.alpha = 0.5, .sigma = 0.0},
                                       {.log_density = false, .denoiser = true, .device = device});
    EXPECT_EQ(result.denoiser, 2.0 * x);
    EXPECT_THROW(evaluate(point, x, {}, {.device = device}), std::domain_error) << "no density";
  }
}

/// Compares all results at all points with the functions of Mixture.
void expect_as_mixture(const Mixture& law, const Points& x, Level level, double tolerance) {
  const Evaluation actual = evaluate(law, x, level,
                                     {.log_density = true,
                                      .log_responsibilities = true,
                                      .score = true,
                                      .denoiser = true,
                                      .device = Device::cpu(2)});
  const auto expect_near = [&](const Points& values, const Points& expected, const char* what) {
    EXPECT_LE((values - expected).cwiseAbs().maxCoeff(),
              tolerance * std::max(1.0, expected.cwiseAbs().maxCoeff()))
        << what;
  };
  expect_near(actual.log_density, law.log_pdf(x, level), "log-density");
  expect_near(actual.log_responsibilities.array().exp(), law.responsibilities(x, level), "responsibilities");
  expect_near(actual.score, law.score(x, level), "score");
  expect_near(actual.denoiser, law.denoiser(x, level), "denoiser");
}

/// x (n, 2) far along the first coordinate, in which the components do not differ: the second coordinate
/// decides the responsibilities.
const Points far_along_the_first{{1e8, 0.2}, {-3e7, 0.1}, {1e5, -0.4}, {0.0, 0.3}};

// The plain logits of such points have a rounding error of 1 or more.
TEST(Evaluate, OfFarPointsOfEqualCovariancesKeepsTheirDifferences) {
  const Mixture spherical({0.5, 0.5}, Points{{0.0, 0.5}, {0.0, -0.5}}, Covariance::spherical({1.0, 1.0}));
  const Mixture tied({0.5, 0.5}, Points{{0.0, 0.5}, {0.0, -0.5}},
                     Covariance::tied(Eigen::MatrixXd{{2.0, 0.0}, {0.0, 1.0}}));

  for (const Mixture& law : {spherical, tied}) {
    expect_as_mixture(law, far_along_the_first, {.alpha = 0.8, .sigma = 0.6}, 1e-13);
    EXPECT_LT(evaluate(law, far_along_the_first, {}, {.log_responsibilities = true})
                  .log_responsibilities.maxCoeff(),
              -0.1);
  }
}

TEST(Evaluate, OfFarPointsInHighNoiseKeepsTheirDifferences) {
  const Mixture diag({0.5, 0.5}, Points{{0.0, 0.5}, {0.0, -0.5}},
                     Covariance::diag(Points{{1.0, 1.0}, {1.0, 2.0}}));
  const Mixture full(
      {0.5, 0.5}, Points{{0.0, 0.5}, {0.0, -0.5}},
      Covariance::full({Eigen::MatrixXd{{1.0, 0.0}, {0.0, 1.0}}, Eigen::MatrixXd{{1.0, 0.1}, {0.1, 2.0}}}));

  for (const Mixture& law : {diag, full})
    expect_as_mixture(law, far_along_the_first, {.alpha = 1e-3, .sigma = 1.0}, 1e-13);
}

// A rotation without centring would lose 1e-9 of a standard deviation.
TEST(Evaluate, FarFromTheOriginACommonBasisLosesNothing) {
  const Eigen::MatrixXd basis = Eigen::Rotation2Dd(0.3).toRotationMatrix();
  const Points means{{1e7, -1e7}, {1e7 + 1.0, -1e7}};
  const Mixture common({0.5, 0.5}, means, Covariance::common_basis(basis, Points{{1.0, 0.5}, {0.7, 0.6}}));
  const Mixture tied({0.5, 0.5}, means, Covariance::tied_eigen(basis, Eigen::Vector2d(1.0, 0.5)));

  for (const Mixture& law : {common, tied})
    expect_as_mixture(law, Points{{1e7 + 0.25, -1e7 + 0.5}, {1e7, -1e7 - 0.25}}, {}, 1e-13);
}

// Enough pieces that every thread has some.
TEST(Evaluate, OfManyFarPointsDoesNotDependOnTheThreads) {
  const Mixture law({0.5, 0.5}, Points{{0.0, 0.5}, {0.0, -0.5}}, Covariance::spherical({1.0, 1.0}));
  const Points x = 1e6 * Points::Random(3000, 2);
  EvaluateOptions options{.log_density = true,
                          .log_responsibilities = true,
                          .score = true,
                          .denoiser = true,
                          .device = Device::cpu(1)};
  const Evaluation one = evaluate(law, x, {}, options);
  options.device = Device::cpu(3);
  const Evaluation three = evaluate(law, x, {}, options);

  EXPECT_EQ(one.log_density, three.log_density);
  EXPECT_EQ(one.log_responsibilities, three.log_responsibilities);
  EXPECT_EQ(one.score, three.score);
  EXPECT_EQ(one.denoiser, three.denoiser);
}

// With full covariances all results share one product with each basis.
TEST(Evaluate, AtOnceIsAsOneByOne) {
  const Mixture law({0.5, 0.3, 0.2}, Points{{0.0, 0.5, 1.0}, {1.0, -0.5, 0.0}, {60.0, 0.0, 0.0}},
                    Covariance::full({Eigen::MatrixXd{{1.0, 0.2, 0.0}, {0.2, 2.0, 0.1}, {0.0, 0.1, 0.5}},
                                      Eigen::MatrixXd{{0.4, 0.0, 0.1}, {0.0, 0.3, 0.0}, {0.1, 0.0, 1.0}},
                                      Eigen::MatrixXd::Identity(3, 3)}));
  const Points x = 2.0 * Points::Random(37, 3);
  for (const Level level : {Level{1.0, 0.0}, Level{0.8, 0.6}}) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const EvaluateOptions none{.log_density = false, .device = Device::cpu(1), .precision = precision};
      const auto compute = [&](auto... asked_for) {
        EvaluateOptions options = none;
        ((options.*asked_for = true), ...);
        return evaluate(law, x, level, options);
      };
      using O = EvaluateOptions;
      const Evaluation all = compute(&O::log_density, &O::log_responsibilities, &O::score, &O::denoiser);

      EXPECT_EQ(all.log_density, compute(&O::log_density).log_density);
      EXPECT_EQ(all.log_responsibilities, compute(&O::log_responsibilities).log_responsibilities);
      EXPECT_EQ(all.score, compute(&O::score).score);
      EXPECT_EQ(all.denoiser, compute(&O::denoiser).denoiser);
    }
  }
}

TEST(Evaluate, RefusesBadPointsAndLevels) {
  test::expect_invalid([] { evaluate(two_modes(), Points::Zero(2, 3)); },
                       "evaluate: points have 3 coordinates but the dimension is 2");
  Points x = Points::Zero(2, 2);
  x(1, 0) = std::numeric_limits<double>::quiet_NaN();
  test::expect_invalid([&] { evaluate(two_modes(), x); },
                       "evaluate: coordinate 0 of point 1 is nan, expected a finite number");
  test::expect_invalid([] { evaluate(two_modes(), Points::Zero(1, 2), {.alpha = 1.0, .sigma = -1.0}); },
                       "Mixture: the level has sigma = -1");
  test::expect_invalid(
      [] {
        evaluate(two_modes(), Points::Zero(1, 2), {.alpha = 0.0, .sigma = 0.0},
                 {.log_density = false, .denoiser = true});
      },
      "Mixture: the level has alpha = 0 and sigma = 0");
}

TEST(Evaluate, StopsWhenAskedTo) {
  std::stop_source source;
  source.request_stop();
  for (const Device& device : {Device::cpu(2), Device::reference()}) {
    const EvaluateOptions options{.device = device, .stop = source.get_token()};
    EXPECT_THROW(evaluate(two_modes(), Points::Zero(1000, 2), {}, options), std::runtime_error);
  }
}

}  // namespace
}  // namespace gmdiff
