#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include <gtest/gtest.h>

#include "support/mixtures.hpp"

// Properties of every mixture, independent of its description (mathematics.md §2).

namespace gmdiff::test {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Low noise, middle, high noise (where the logits have another form), and no signal.
const std::vector<Level> levels{{1.0, 0.05}, {0.8, 0.6}, {1.0, 10.0}, {0.1, 0.99}, {0.0, 1.0}};

std::string describe(Level level) {
  return "alpha = " + std::to_string(level.alpha) + ", sigma = " + std::to_string(level.sigma);
}

// All quantities of two mixtures at the same points.
void expect_same_law(const Mixture& a, const Mixture& b, const Points& x, const Points& v, Level level,
                     double relative) {
  expect_near(a.log_pdf(x, level), b.log_pdf(x, level), relative, "log_pdf");
  expect_near(a.responsibilities(x, level), b.responsibilities(x, level), relative, "responsibilities");
  expect_near(a.log_responsibilities(x, level), b.log_responsibilities(x, level), relative,
              "log_responsibilities");
  expect_near(a.score(x, level), b.score(x, level), relative, "score");
  expect_near(a.denoiser(x, level), b.denoiser(x, level), relative, "denoiser");
  expect_near(a.denoiser_jvp(x, v, level), b.denoiser_jvp(x, v, level), relative, "denoiser_jvp");
  expect_near(a.hessian_vp(x, v, level), b.hessian_vp(x, v, level), relative, "hessian_vp");
  const auto covariances_a = a.posterior_covariance(x, level);
  const auto covariances_b = b.posterior_covariance(x, level);
  for (std::size_t j = 0; j < covariances_a.size(); ++j)
    expect_near(covariances_a[j], covariances_b[j], relative, "posterior_covariance");
}

void expect_same_laws(const std::vector<NamedMixture>& mixtures) {
  const Index dim = mixtures.front().mixture.dim();
  const Points x = uniform_points(6, dim, 1, 3.0);
  const Points v = uniform_points(6, dim, 2);
  for (const auto& [name, mixture] : mixtures) {
    for (const Level level : levels) {
      SCOPED_TRACE(std::string(name) + ", " + describe(level));
      expect_same_law(mixture, mixtures.front().mixture, x, v, level, 1e-11);
    }
  }
}

TEST(MixtureProperty, SphericalMixtureIsTheSameInEveryStructure) {
  const std::vector<double> weights{0.2, 0.5, 0.3};
  const std::vector<double> variances{0.5, 2.0, 0.125};
  const Points means = uniform_points(3, 4, 41, 2.0);
  const Points rows = Eigen::Map<const VectorXd>(variances.data(), 3).replicate(1, 4);
  std::vector<MatrixXd> covariances;
  std::vector<MatrixXd> bases;
  std::vector<MatrixXd> factors;
  for (std::size_t k = 0; k < 3; ++k) {
    covariances.push_back(variances[k] * MatrixXd::Identity(4, 4));
    bases.push_back(orthogonal(4, 50 + k));
    factors.push_back(std::sqrt(variances[k]) * orthogonal(4, 60 + k));
  }

  expect_same_laws({{"spherical", Mixture(weights, means, Covariance::spherical(variances))},
                    {"diag", Mixture(weights, means, Covariance::diag(rows))},
                    {"full", Mixture(weights, means, Covariance::full(covariances))},
                    {"full eigen", Mixture(weights, means, Covariance::full_eigen(bases, rows))},
                    {"full Cholesky", Mixture(weights, means, Covariance::full_cholesky(factors))},
                    {"common basis", Mixture(weights, means, Covariance::common_basis(bases[0], rows))}});
}

TEST(MixtureProperty, DiagonalMixtureIsTheSameInEveryStructure) {
  const std::vector<double> weights{0.2, 0.5, 0.3};
  const Points means = uniform_points(3, 4, 42, 2.0);
  const Points variances = uniform_points(3, 4, 43, 0.5).array() + 0.6;
  std::vector<MatrixXd> covariances;
  std::vector<MatrixXd> factors;
  for (Index k = 0; k < 3; ++k) {
    covariances.emplace_back(variances.row(k).asDiagonal());
    factors.push_back(covariances.back().cwiseSqrt() * orthogonal(4, 70 + static_cast<std::uint64_t>(k)));
  }

  expect_same_laws(
      {{"diag", Mixture(weights, means, Covariance::diag(variances))},
       {"full", Mixture(weights, means, Covariance::full(covariances))},
       {"full Cholesky", Mixture(weights, means, Covariance::full_cholesky(factors))},
       {"common basis",
        Mixture(weights, means, Covariance::common_basis(MatrixXd::Identity(4, 4), variances))}});
}

TEST(MixtureProperty, TiedMixtureIsTheSameInEveryStructure) {
  const std::vector<double> weights{0.2, 0.5, 0.3};
  const Points means = uniform_points(3, 4, 44, 2.0);
  const MatrixXd U = orthogonal(4, 45);
  const VectorXd l = (uniform_points(1, 4, 46, 0.5).array() + 0.6).matrix().row(0);
  const MatrixXd covariance = dense(U, l);
  const MatrixXd factor = U * l.cwiseSqrt().asDiagonal() * orthogonal(4, 47);
  const std::vector<MatrixXd> copies(3, covariance);

  expect_same_laws({{"tied", Mixture(weights, means, Covariance::tied(covariance))},
                    {"tied eigen", Mixture(weights, means, Covariance::tied_eigen(U, l))},
                    {"tied Cholesky", Mixture(weights, means, Covariance::tied_cholesky(factor))},
                    {"full", Mixture(weights, means, Covariance::full(copies))},
                    {"common basis",
                     Mixture(weights, means, Covariance::common_basis(U, l.transpose().replicate(3, 1)))}});
}

TEST(MixtureProperty, PointsDoNotInfluenceEachOther) {
  const Points x = uniform_points(150, 3, 4, 3.0);  // several tiles
  const Level level{0.8, 0.6};
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    SCOPED_TRACE(name);
    const VectorXd log_pdf = mixture.log_pdf(x, level);
    const Points score = mixture.score(x, level);
    const Points jvp = mixture.denoiser_jvp(x, x, level);
    for (const Index j : {0, 63, 64, 149}) {
      const Points alone = x.row(j);
      expect_near(mixture.log_pdf(alone, level), log_pdf.segment(j, 1), 1e-14, "log_pdf");
      expect_near(mixture.score(alone, level), score.row(j), 1e-14, "score");
      expect_near(mixture.denoiser_jvp(alone, alone, level), jvp.row(j), 1e-14, "denoiser_jvp");
    }
  }
}

TEST(MixtureProperty, RotatingTheMixtureRotatesEverything) {
  const MatrixXd Q = orthogonal(3, 80);
  const Points x = uniform_points(6, 3, 1, 3.0);
  const Points v = uniform_points(6, 3, 2);
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    const Mixture rotated = mixture.push_forward(Q, VectorXd::Zero(3));
    for (const Level level : levels) {
      SCOPED_TRACE(std::string(name) + ", " + describe(level));
      const Points y = x * Q.transpose();
      const Points w = v * Q.transpose();
      expect_near(rotated.log_pdf(y, level), mixture.log_pdf(x, level), 1e-12, "log_pdf");
      expect_near(rotated.responsibilities(y, level), mixture.responsibilities(x, level), 1e-11,
                  "responsibilities");
      expect_near(rotated.score(y, level), mixture.score(x, level) * Q.transpose(), 1e-11, "score");
      expect_near(rotated.denoiser(y, level), mixture.denoiser(x, level) * Q.transpose(), 1e-11, "denoiser");
      expect_near(rotated.denoiser_jvp(y, w, level), mixture.denoiser_jvp(x, v, level) * Q.transpose(), 1e-11,
                  "denoiser_jvp");
      expect_near(rotated.hessian_vp(y, w, level), mixture.hessian_vp(x, v, level) * Q.transpose(), 1e-11,
                  "hessian_vp");
    }
  }
}

// The components `order` of a mixture.
Mixture components(const Mixture& mixture, const std::vector<Index>& order) {
  std::vector<double> weights;
  std::vector<MatrixXd> covariances;
  Points means(static_cast<Index>(order.size()), mixture.dim());
  for (const Index k : order) {
    means.row(static_cast<Index>(weights.size())) = mixture.means().row(k);
    weights.push_back(mixture.weights()(k));
    covariances.push_back(mixture.component_covariance(k));
  }
  return {weights, means, Covariance::full(covariances)};
}

TEST(MixtureProperty, OrderOfTheComponentsDoesNotMatter) {
  const Points x = uniform_points(6, 3, 1, 3.0);
  const Points v = uniform_points(6, 3, 2);
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    const Mixture shuffled = components(mixture, {2, 0, 1});
    for (const Level level : levels) {
      SCOPED_TRACE(std::string(name) + ", " + describe(level));
      expect_near(shuffled.log_pdf(x, level), mixture.log_pdf(x, level), 1e-12, "log_pdf");
      expect_near(shuffled.responsibilities(x, level).col(0), mixture.responsibilities(x, level).col(2),
                  1e-11, "responsibilities");
      expect_near(shuffled.denoiser(x, level), mixture.denoiser(x, level), 1e-11, "denoiser");
      expect_near(shuffled.hessian_vp(x, v, level), mixture.hessian_vp(x, v, level), 1e-11, "hessian_vp");
    }
  }
}

TEST(MixtureProperty, ComponentOfWeightZeroDoesNotExist) {
  const Points x = uniform_points(6, 3, 1, 3.0);
  const Points v = uniform_points(6, 3, 2);
  std::vector<MatrixXd> covariances{dense(orthogonal(3, 1), Eigen::Vector3d(1.0, 0.5, 2.0)),
                                    MatrixXd::Zero(3, 3), 0.5 * MatrixXd::Identity(3, 3)};
  const Points means = uniform_points(3, 3, 3, 2.0);
  const Mixture with({0.4, 0.0, 0.6}, means, Covariance::full(covariances));
  const Mixture without = components(with, {0, 2});
  std::vector<Level> all = levels;
  all.push_back({1.0, 0.0});  // where the component of weight 0 would have no density
  for (const Level level : all) {
    SCOPED_TRACE(describe(level));
    expect_near(with.log_pdf(x, level), without.log_pdf(x, level), 1e-12, "log_pdf");
    expect_near(with.score(x, level), without.score(x, level), 1e-12, "score");
    expect_near(with.denoiser(x, level), without.denoiser(x, level), 1e-12, "denoiser");
    expect_near(with.denoiser_jvp(x, v, level), without.denoiser_jvp(x, v, level), 1e-12, "denoiser_jvp");
    expect_near(with.hessian_vp(x, v, level), without.hessian_vp(x, v, level), 1e-12, "hessian_vp");
    expect_near(with.posterior_covariance(x, level)[0], without.posterior_covariance(x, level)[0], 1e-12,
                "posterior_covariance");
    EXPECT_EQ(with.responsibilities(x, level).col(1), VectorXd::Zero(6));
    EXPECT_EQ(with.log_responsibilities(x, level).col(1), VectorXd::Constant(6, -infinity));
  }
}

TEST(MixtureProperty, EqualCovariancesWithAWeightZeroAreHandled) {
  const Mixture mixture({0.0, 1.0}, uniform_points(2, 2, 5), Covariance::tied(MatrixXd::Identity(2, 2)));
  const Points x = uniform_points(3, 2, 6);

  expect_near(mixture.log_responsibilities(x).col(1), VectorXd::Zero(3), 0.0, "log_responsibilities");
  EXPECT_EQ(mixture.log_responsibilities(x).col(0), VectorXd::Constant(3, -infinity));
  expect_near(mixture.score(x), mixture.means().row(1).replicate(3, 1) - x, 1e-15, "score");
}

TEST(MixtureProperty, OneComponentIsANormalLaw) {
  const VectorXd l = Eigen::Vector3d(0.5, 2.0, 1.0);
  const MatrixXd U = orthogonal(3, 9);
  const MatrixXd Sigma = dense(U, l);
  const Points mean = uniform_points(1, 3, 10);
  const Points x = uniform_points(4, 3, 1, 2.0);
  const MatrixXd precision = U * l.cwiseInverse().asDiagonal() * U.transpose();
  for (const Covariance& covariance : {Covariance::full({Sigma}), Covariance::tied(Sigma)}) {
    const Mixture mixture({7.0}, mean, covariance);
    const Points offsets = x.rowwise() - mean.row(0);
    const VectorXd quadratic = (offsets * precision).cwiseProduct(offsets).rowwise().sum();
    const double constant = -0.5 * std::log(l.prod()) - 1.5 * std::log(2.0 * std::numbers::pi);
    expect_near(mixture.log_pdf(x), (constant - 0.5 * quadratic.array()).matrix(), 1e-14, "log_pdf");
    expect_near(mixture.score(x), -offsets * precision, 1e-14, "score");
    expect_near(mixture.hessian_vp(x, x), -x * precision, 1e-14, "hessian_vp");
    EXPECT_EQ(mixture.responsibilities(x), Points::Ones(4, 1));
  }
}

}  // namespace
}  // namespace gmdiff::test
