#include <limits>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"

namespace gmdiff::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Points points(Eigen::Index rows, Eigen::Index columns, std::initializer_list<double> values) {
  Points result(rows, columns);
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

Mixture plane() {
  return {{1.0, 1.0}, points(2, 2, {0.0, 0.0, 1.0, 2.0}), Covariance::spherical({1.0, 2.0})};
}

TEST(MixtureMoments, MomentsAreThoseOfTheComponentsAndTheirSpread) {
  const Mixture mixture = plane();

  EXPECT_EQ(mixture.mean(), Eigen::Vector2d(0.5, 1.0));
  const Eigen::Matrix2d expected = (Eigen::Matrix2d() << 1.75, 0.5, 0.5, 2.5).finished();
  EXPECT_LE((mixture.covariance() - expected).cwiseAbs().maxCoeff(), 1e-15);
}

TEST(MixtureMoments, DiffusedMixtureKeepsItsStructureAndHasTheDensityOfItsLevel) {
  const Level level{.alpha = 0.6, .sigma = 0.8};
  const Points x = uniform_points(5, 3, 3, 2.0);
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    SCOPED_TRACE(name);

    const Mixture diffused = mixture.diffuse(level);

    EXPECT_EQ(diffused.covariance_type(), mixture.covariance_type());
    EXPECT_EQ(diffused.weights(), mixture.weights());
    EXPECT_LE((diffused.log_pdf(x) - mixture.log_pdf(x, level)).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LE((diffused.mean() - 0.6 * mixture.mean()).cwiseAbs().maxCoeff(), 1e-15);
    const Eigen::MatrixXd expected = 0.36 * mixture.covariance() + 0.64 * Eigen::MatrixXd::Identity(3, 3);
    EXPECT_LE((diffused.covariance() - expected).cwiseAbs().maxCoeff(), 1e-14);
    EXPECT_LE((diffused.component_covariance(1) - 0.36 * mixture.component_covariance(1) -
               0.64 * Eigen::MatrixXd::Identity(3, 3))
                  .cwiseAbs()
                  .maxCoeff(),
              1e-14);
  }
}

TEST(MixtureMoments, DiffusingToPureNoiseForgetsTheData) {
  const Mixture noise = plane().diffuse({.alpha = 0.0, .sigma = 2.0});

  EXPECT_EQ(noise.means(), Points::Zero(2, 2));
  EXPECT_EQ(noise.covariance(), 4.0 * Eigen::Matrix2d::Identity());
}

// A Sigma_k A^T, A mu_k + b against the definition, for every structure and for maps that keep it and maps
// that do not.
TEST(MixtureMoments, PushForwardTransformsEveryComponent) {
  const std::vector<Eigen::MatrixXd> maps{
      uniform_points(2, 3, 1),    uniform_points(3, 3, 2),
      uniform_points(5, 3, 3),    uniform_points(1, 3, 4),
      2.5 * orthogonal(3, 5),     (Eigen::MatrixXd(2, 3) << 0.0, 0.0, 3.0, -0.5, 0.0, 0.0).finished(),
      Eigen::MatrixXd::Zero(2, 3)};
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    for (const Eigen::MatrixXd& A : maps) {
      SCOPED_TRACE(std::string(name) + ", A =\n" + (std::ostringstream() << A).str());
      const Eigen::VectorXd b = Eigen::VectorXd::LinSpaced(A.rows(), 1.0, 2.0);

      const Mixture pushed = mixture.push_forward(A, b);

      EXPECT_EQ(pushed.weights(), mixture.weights());
      for (Eigen::Index k = 0; k < 3; ++k) {
        const Eigen::VectorXd mean = A * mixture.means().row(k).transpose() + b;
        const Eigen::MatrixXd covariance = A * mixture.component_covariance(k) * A.transpose();
        EXPECT_LE((pushed.means().row(k).transpose() - mean).cwiseAbs().maxCoeff(), 1e-14);
        EXPECT_LE((pushed.component_covariance(k) - covariance).cwiseAbs().maxCoeff(), 1e-13);
      }
    }
  }
}

TEST(MixtureMoments, PushForwardKeepsTheCheapestStructure) {
  using enum CovarianceType;
  const Eigen::Vector3d zero = Eigen::Vector3d::Zero();
  const Eigen::MatrixXd any = uniform_points(3, 3, 2);
  const Eigen::MatrixXd rotation = -3.0 * orthogonal(3, 5);
  const Eigen::MatrixXd picked =
      (Eigen::MatrixXd(3, 3) << 0.0, 2.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0).finished();
  struct Expectation {
    CovarianceType any, rotation, picked;
  };
  const auto expected = [](const std::string& name) -> Expectation {
    if (name == "spherical") return {common_basis, spherical, diag};
    if (name == "spherical, equal") return {tied, spherical, diag};
    if (name == "diag") return {full, full, diag};
    if (name.starts_with("tied")) return {tied, tied, tied};
    if (name == "common basis") return {full, common_basis, full};
    return {full, full, full};
  };
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    SCOPED_TRACE(name);

    EXPECT_EQ(mixture.push_forward(any, zero).covariance_type(), expected(name).any);
    EXPECT_EQ(mixture.push_forward(rotation, zero).covariance_type(), expected(name).rotation);
    EXPECT_EQ(mixture.push_forward(picked, zero).covariance_type(), expected(name).picked);
    EXPECT_EQ(mixture.push_forward(any.topRows(1), zero.head(1)).covariance_type(), spherical);
  }
}

TEST(MixtureMoments, MarginalPicksCoordinatesInTheGivenOrder) {
  const std::vector<Eigen::Index> coordinates{2, 0};
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    SCOPED_TRACE(name);

    const Mixture marginal = mixture.marginal(coordinates);

    EXPECT_EQ(marginal.means().col(0), mixture.means().col(2));
    EXPECT_EQ(marginal.means().col(1), mixture.means().col(0));
    const Eigen::MatrixXd covariance = mixture.component_covariance(2)(coordinates, coordinates);
    EXPECT_LE((marginal.component_covariance(2) - covariance).cwiseAbs().maxCoeff(), 1e-14);
  }
}

TEST(MixtureMoments, MarginalsOfSphericalAndDiagonalMixturesStayWhatTheyAre) {
  const std::vector<Eigen::Index> coordinates{2, 0};
  const std::vector<NamedMixture> mixtures = mixtures_of_every_structure();

  EXPECT_EQ(mixtures[0].mixture.marginal(coordinates).covariance_type(), CovarianceType::spherical);
  EXPECT_EQ(mixtures[2].mixture.marginal(coordinates).covariance_type(), CovarianceType::diag);
}

TEST(MixtureMoments, ProjectionIsTheLawOfTheInnerProduct) {
  const Eigen::Vector3d u(1.0, -2.0, 0.5);
  for (const auto& [name, mixture] : mixtures_of_every_structure()) {
    SCOPED_TRACE(name);

    const Mixture projected = mixture.project(u);

    EXPECT_EQ(projected.dim(), 1);
    EXPECT_NEAR(projected.mean()(0), u.dot(mixture.mean()), 1e-14);
    EXPECT_NEAR(projected.covariance()(0, 0), u.dot(mixture.covariance() * u), 1e-13);
  }
}

TEST(MixtureMoments, ImagesOfSingularMixturesAreSingularNotNegative) {
  const Eigen::Vector2d v(0.3, 0.7);
  const Mixture mixture({1.0}, Points::Zero(1, 2), Covariance::full({v * v.transpose()}));

  const Mixture pushed = mixture.push_forward(uniform_points(4, 2, 9), Eigen::VectorXd::Zero(4));

  EXPECT_GE(pushed.eigenvalues().minCoeff(), 0.0);
  EXPECT_LE(pushed.eigenvalues()(0, 2), 1e-30);
}

TEST(MixtureMoments, BadTransformsAreRefused) {
  const Mixture mixture = plane();
  const Eigen::MatrixXd A = Eigen::MatrixXd::Ones(3, 2);
  const auto marginal = [&](std::vector<Eigen::Index> coordinates) { mixture.marginal(coordinates); };

  expect_invalid([&] { marginal({}); }, "Mixture: marginal of no coordinates, expected at least one");
  expect_invalid(
      [&] {
        marginal({0, 2});
      },
      "Mixture: marginal of coordinate 2, expected 0 <= coordinate < 2");
  expect_invalid([&] { marginal({-1}); }, "Mixture: marginal of coordinate -1, expected 0 <= coordinate < 2");
  expect_invalid([&] { marginal({1, 1}); }, "Mixture: marginal takes coordinate 1 twice");
  expect_invalid([&] { mixture.push_forward(Eigen::MatrixXd(0, 2), Eigen::VectorXd(0)); },
                 "Mixture: push-forward by a matrix without rows");
  expect_invalid([&] { mixture.push_forward(A.transpose(), Eigen::VectorXd::Zero(2)); },
                 "Mixture: push-forward by a 2x3 matrix but the dimension is 2");
  expect_invalid([&] { mixture.push_forward(A, Eigen::VectorXd::Zero(2)); },
                 "Mixture: push-forward by a 3x2 matrix but b has 2 entries");
  expect_invalid([&] { mixture.push_forward(nan * A, Eigen::VectorXd::Zero(3)); },
                 "Mixture: push-forward by a matrix with entries that are not finite");
  expect_invalid([&] { mixture.push_forward(A, Eigen::Vector3d(0.0, infinity, 0.0)); },
                 "Mixture: push-forward by a vector b with entries that are not finite");
  expect_invalid([&] { mixture.project(Eigen::Vector3d::Ones()); },
                 "Mixture: projection on a vector with 3 entries but the dimension is 2");
  expect_invalid([&] { mixture.project(Eigen::Vector2d(nan, 0.0)); },
                 "Mixture: projection on a vector with entries that are not finite");
}

}  // namespace
}  // namespace gmdiff::test
