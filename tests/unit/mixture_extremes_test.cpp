#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/mixtures.hpp"

// Far points, small noise, singular covariances, high dimension.

namespace gmdiff::test {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

std::string describe(Level level) {
  return "alpha = " + std::to_string(level.alpha) + ", sigma = " + std::to_string(level.sigma);
}

TEST(MixtureExtremes, FarPointsHaveFiniteScoresThatPointBack) {
  for (const double distance : {1e3, 1e6}) {
    const Points x = distance * uniform_points(6, 3, 7).rowwise().normalized();
    for (const auto& [name, mixture] : mixtures_of_every_structure()) {
      for (const Level level : {Level{1.0, 1e-6}, Level{0.8, 0.6}, Level{1e-3, 1.0}, Level{1.0, 50.0}}) {
        SCOPED_TRACE(std::string(name) + ", " + describe(level) + ", |x| = " + std::to_string(distance));
        EXPECT_TRUE(mixture.log_pdf(x, level).allFinite());
        EXPECT_LT(mixture.score(x, level).cwiseProduct(x).rowwise().sum().maxCoeff(), 0.0);
        EXPECT_TRUE(mixture.denoiser(x, level).allFinite());
        EXPECT_TRUE(mixture.denoiser_jvp(x, x, level).allFinite());
        EXPECT_TRUE(mixture.hessian_vp(x, x, level).allFinite());
        EXPECT_LE((mixture.responsibilities(x, level).rowwise().sum().array() - 1.0).abs().maxCoeff(), 1e-15);
      }
    }
  }
}

// With equal covariances the quadratic in x is common to the components and must not cost digits of far
// points.
TEST(MixtureExtremes, EqualCovariancesShareAFarPointWithoutLosingDigits) {
  const Points means = (Points(2, 2) << 0.0, 1e-6, 0.0, -1e-6).finished();
  const Mixture mixture({0.5, 0.5}, means, Covariance::spherical({1.0, 1.0}));
  const Points x = (Points(1, 2) << 1e6, 2e5).finished();

  // The logits differ by <x, mu_1 - mu_2> = 0.4.
  EXPECT_NEAR(mixture.responsibilities(x)(0, 0), 1.0 / (1.0 + std::exp(-0.4)), 1e-13);
  // sum_k r_k (mu_k - D)(mu_k - D)^T = r_1 r_2 (2e-6)^2 in the second coordinate.
  const double r = 1.0 / (1.0 + std::exp(-0.4));
  const Points second = (Points(1, 2) << 0.0, 1.0).finished();
  EXPECT_NEAR(mixture.hessian_vp(x, second)(0, 1), -1.0 + r * (1.0 - r) * 4e-12, 1e-15);
}

// The linear form alone would put an error of 1e-4 on these logits, and the rotation of the points about
// their mean one of 1e-7.
TEST(MixtureExtremes, CloseComponentsOfLowNoiseFarFromTheOthersAreToldApart) {
  const double sd = 0x1p-20;
  const Points means = (Points(3, 2) << -1000.0, 0.0, 1000.0, 0.0, 1000.0 + sd, 0.0).finished();
  const Points x = (Points(1, 2) << 1000.0 + 0.25 * sd, 0.0).finished();
  const double expected = 1.0 / (1.0 + std::exp(-0.25));  // log-ratio (0.75^2 - 0.25^2) / 2
  const MatrixXd U = MatrixXd::Identity(2, 2).rowwise().reverse();

  for (const Covariance& covariance : {Covariance::spherical({sd * sd, sd * sd, sd * sd}),
                                       Covariance::tied_eigen(U, VectorXd::Constant(2, sd * sd)),
                                       Covariance::diag(Points::Constant(3, 2, sd * sd))}) {
    const Mixture mixture({1.0, 1.0, 1.0}, means, covariance);
    EXPECT_NEAR(mixture.responsibilities(x)(0, 1), expected, 1e-14);
    EXPECT_NEAR(mixture.score(x)(0, 0) * sd, -0.25 * expected + 0.75 * (1.0 - expected), 1e-13);
  }
}

TEST(MixtureExtremes, HighNoiseKeepsTheDifferencesOfUnequalComponents) {
  // At sigma = 1e4 the plain logits of points at 1e6 are 5e3 with differences of 1e-4.
  const Mixture mixture({0.5, 0.5}, (Points(2, 1) << -1.0, 1.0).finished(),
                        Covariance::spherical({1.0, 2.0}));
  const Level level{1.0, 1e4};
  const Points x = Points::Constant(1, 1, 1e6);
  const long double c1 = 1e8L + 1.0L;
  const long double c2 = 1e8L + 2.0L;
  const long double z1 = 1e6L + 1.0L;
  const long double z2 = 1e6L - 1.0L;
  const auto expected = static_cast<double>(0.5L * (z2 * z2 / c2 - z1 * z1 / c1) + 0.5L * std::log(c2 / c1));

  const Points log_responsibilities = mixture.log_responsibilities(x, level);

  EXPECT_NEAR(log_responsibilities(0, 0) - log_responsibilities(0, 1), expected, 1e-15);
}

TEST(MixtureExtremes, SingularCovariancesWithTheSmallestNoiseStayFinite) {
  const Points x = (Points(3, 2) << 0.0, 0.0, 1.0, 1e-9, 1e6, -1e6).finished();
  const Points v = Points::Ones(3, 2);
  const Points l = (Points(2, 2) << 1.0, 0.0, 0.0, 0.0).finished();
  const Points means = (Points(2, 2) << 0.0, 0.0, 1.0, 0.0).finished();
  const MatrixXd U = orthogonal(2, 8);
  for (const Covariance& covariance :
       {Covariance::diag(l), Covariance::common_basis(U, l), Covariance::full_eigen({U, U}, l),
        Covariance::tied_eigen(U, l.row(0)), Covariance::tied_eigen(U, l.row(1)),
        Covariance::spherical({0.0, 1.0}), Covariance::spherical({0.0, 0.0})}) {
    const Mixture mixture({0.5, 0.5}, means, covariance);
    for (const double sigma : {1e-3, 1e-8, 1e-100, 1e-150}) {
      SCOPED_TRACE(std::string(to_string(covariance.type)) +
                   ", sigma = " + std::to_string(std::log10(sigma)));
      const Level level{1.0, sigma};
      EXPECT_FALSE(mixture.log_pdf(x, level).array().isNaN().any());
      EXPECT_FALSE(mixture.score(x, level).array().isNaN().any());
      EXPECT_TRUE(mixture.denoiser(x, level).allFinite());
      EXPECT_TRUE(mixture.responsibilities(x, level).allFinite());
      EXPECT_LE((mixture.responsibilities(x, level).rowwise().sum().array() - 1.0).abs().maxCoeff(), 1e-15);
      if (sigma >= 1e-8) {
        EXPECT_TRUE(mixture.denoiser_jvp(x, v, level).allFinite());
        EXPECT_TRUE(mixture.hessian_vp(x, v, level).allFinite());
        for (const MatrixXd& posterior : mixture.posterior_covariance(x, level))
          EXPECT_TRUE(posterior.allFinite());
      }
    }
  }
}

TEST(MixtureExtremes, TwoThousandDimensionsWork) {
  constexpr Index dim = 2000;
  const Points means = uniform_points(3, dim, 1);
  const Points variances = uniform_points(3, dim, 2, 0.4).array() + 0.6;
  const Points x = uniform_points(2, dim, 3);
  const Level level{0.8, 0.6};
  const Mixture diag({0.2, 0.3, 0.5}, means, Covariance::diag(variances));
  const Mixture spherical({0.2, 0.3, 0.5}, means, Covariance::spherical({1.0, 2.0, 0.5}));
  const Mixture full({1.0}, means.topRows(1),
                     Covariance::full_eigen({orthogonal(dim, 4, 1)}, variances.topRows(1)));
  for (const Mixture& mixture : {diag, spherical, full}) {
    const Points score = mixture.score(x, level);
    expect_near(mixture.denoiser(x, level), (x + 0.36 * score) / 0.8, 1e-13, "denoiser");
    EXPECT_TRUE(mixture.log_pdf(x, level).allFinite());
    EXPECT_TRUE(mixture.denoiser_jvp(x, x, level).allFinite());
  }
}

}  // namespace
}  // namespace gmdiff::test
