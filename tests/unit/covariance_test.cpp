#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"

namespace gmdiff::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Mixture two_components(Covariance covariance) {
  return {{0.5, 0.5}, Points::Zero(2, 2), std::move(covariance)};
}

void expect_refused(Covariance covariance, const std::string& text) {
  expect_invalid([&] { two_components(std::move(covariance)); }, text);
}

const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(2, 2);

Eigen::MatrixXd matrix(double a, double b, double c, double d) {
  return (Eigen::MatrixXd(2, 2) << a, b, c, d).finished();
}

TEST(Covariance, NamesAreThoseOfProblemFiles) {
  EXPECT_STREQ(to_string(CovarianceType::spherical), "spherical");
  EXPECT_STREQ(to_string(CovarianceType::diag), "diag");
  EXPECT_STREQ(to_string(CovarianceType::tied), "tied");
  EXPECT_STREQ(to_string(CovarianceType::full), "full");
  EXPECT_STREQ(to_string(CovarianceType::common_basis), "full");
}

TEST(Covariance, EveryFormGivesItsMatrix) {
  const Eigen::MatrixXd U = orthogonal(2, 5);
  const Points l = (Points(2, 2) << 1.0, 4.0, 0.25, 0.0).finished();
  const Eigen::MatrixXd L = matrix(2.0, 0.0, 1.0, 3.0);
  const auto expect_second = [](const Covariance& covariance, CovarianceType type,
                                const Eigen::MatrixXd& expected) {
    const Mixture mixture = two_components(covariance);
    EXPECT_EQ(mixture.covariance_type(), type);
    EXPECT_LE((mixture.component_covariance(1) - expected).cwiseAbs().maxCoeff(),
              1e-14 * expected.cwiseAbs().maxCoeff());
  };

  expect_second(Covariance::spherical({1.0, 2.0}), CovarianceType::spherical, 2.0 * identity);
  expect_second(Covariance::diag(l), CovarianceType::diag, matrix(0.25, 0.0, 0.0, 0.0));
  expect_second(Covariance::tied(matrix(2.0, 1.0, 1.0, 3.0)), CovarianceType::tied,
                matrix(2.0, 1.0, 1.0, 3.0));
  expect_second(Covariance::full({identity, matrix(2.0, 1.0, 1.0, 3.0)}), CovarianceType::full,
                matrix(2.0, 1.0, 1.0, 3.0));
  expect_second(Covariance::tied_eigen(U, l.row(0)), CovarianceType::tied, dense(U, l.row(0)));
  expect_second(Covariance::full_eigen({identity, U}, l), CovarianceType::full, dense(U, l.row(1)));
  expect_second(Covariance::common_basis(U, l), CovarianceType::common_basis, dense(U, l.row(1)));
  expect_second(Covariance::tied_cholesky(L), CovarianceType::tied, L * L.transpose());
  expect_second(Covariance::full_cholesky({identity, L}), CovarianceType::full, L * L.transpose());
}

TEST(Covariance, DenseInputComesBackBitForBit) {
  const Eigen::MatrixXd dense_matrix = matrix(0.1, 0.03, 0.03, 0.7);

  const Mixture mixture = two_components(Covariance::full({dense_matrix, identity}));

  EXPECT_EQ(mixture.component_covariance(0), dense_matrix);
  EXPECT_EQ(mixture.dense_covariances().size(), 2U);
}

TEST(Covariance, DecomposedInputIsKeptAsItIs) {
  const Eigen::MatrixXd U = orthogonal(2, 5);
  const Points l = (Points(2, 2) << 1.0, 1e-30, 0.25, 0.0).finished();

  const Mixture mixture = two_components(Covariance::common_basis(U, l));

  EXPECT_EQ(mixture.eigenvalues(), l);
  ASSERT_EQ(mixture.bases().size(), 1U);
  EXPECT_EQ(mixture.bases()[0], U);
  EXPECT_TRUE(mixture.dense_covariances().empty());
}

TEST(Covariance, FactorsKeepSmallEigenvalues) {
  const Eigen::MatrixXd factor =
      orthogonal(2, 6) * Eigen::Vector2d(1e-9, 3.0).asDiagonal() * orthogonal(2, 7);

  const Mixture mixture = two_components(Covariance::tied_cholesky(factor));

  EXPECT_NEAR(mixture.eigenvalues()(0, 0), 1e-18, 1e-24);
  EXPECT_NEAR(mixture.eigenvalues()(0, 1), 9.0, 1e-13);
}

TEST(Covariance, DenseEigenvaluesWithinRoundingOfZeroAreZero) {
  // Rank one: the other computed eigenvalues are a few 1e-17, of either sign.
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Eigen::VectorXd v = uniform_points(1, 4, seed).row(0);

    const Mixture mixture({1.0}, Points::Zero(1, 4), Covariance::tied(v * v.transpose()));

    EXPECT_EQ(mixture.eigenvalues().leftCols(3), Points::Zero(1, 3));
    EXPECT_NEAR(mixture.eigenvalues()(0, 3), v.squaredNorm(), 1e-14);
  }
}

TEST(Covariance, ToleratedAsymmetryIsAveraged) {
  const Mixture mixture = two_components(Covariance::tied(matrix(1.0, 0.5, 0.5 + 1e-13, 1.0)));

  EXPECT_EQ(mixture.component_covariance(0)(0, 1), mixture.component_covariance(0)(1, 0));
}

TEST(Covariance, ZeroMatrixIsAPointMass) {
  const Mixture mixture = two_components(Covariance::tied(Eigen::MatrixXd::Zero(2, 2)));

  EXPECT_EQ(mixture.eigenvalues(), Points::Zero(1, 2));
}

TEST(Covariance, MatricesThatAreNotPositiveSemidefiniteAreNamedWithTheirSmallestEigenvalue) {
  const Eigen::MatrixXd indefinite = matrix(1.0, 0.0, 0.0, -1.2e-3);

  expect_invalid(
      [&] {
        Mixture({1.0, 1.0, 1.0, 1.0}, Points::Zero(4, 2),
                Covariance::full({identity, identity, identity, indefinite}));
      },
      "Mixture: covariance 3 is not positive semidefinite (smallest eigenvalue -1.2e-03, largest 1.0e+00)");
  expect_refused(
      Covariance::tied(indefinite),
      "Mixture: covariance is not positive semidefinite (smallest eigenvalue -1.2e-03, largest 1.0e+00)");
  expect_refused(
      Covariance::tied(-identity),
      "Mixture: covariance is not positive semidefinite (smallest eigenvalue -1.0e+00, largest -1.0e+00)");
}

TEST(Covariance, AsymmetricMatricesAreRefusedWithTheEntries) {
  expect_refused(Covariance::full({identity, matrix(1.0, 0.1, 0.2, 1.0)}),
                 "Mixture: covariance 1 is not symmetric (entries (1, 0) and (0, 1) are 0.2 and 0.1, "
                 "rounding explains a difference of 1.0e-12)");
}

TEST(Covariance, NegativeOrInfiniteVariancesAreRefused) {
  expect_refused(Covariance::spherical({1.0, -0.5}),
                 "Mixture: entry (1, 0) of the variances is -0.5, expected finite and >= 0");
  expect_refused(Covariance::spherical({nan, 1.0}), "Mixture: entry (0, 0) of the variances is nan");
  expect_refused(Covariance::diag((Points(2, 2) << 1.0, infinity, 1.0, 1.0).finished()),
                 "Mixture: entry (0, 1) of the variances is inf");
  expect_refused(Covariance::tied_eigen(identity, Eigen::Vector2d(1.0, -1.0)),
                 "Mixture: entry (0, 1) of the eigenvalues is -1");
  expect_refused(Covariance::tied_cholesky(1e200 * identity),
                 "Mixture: entry (0, 0) of the eigenvalues is inf");
}

TEST(Covariance, MatricesWithEntriesThatAreNotFiniteAreRefused) {
  expect_refused(Covariance::tied(matrix(1.0, nan, nan, 1.0)),
                 "Mixture: entry (1, 0) of covariance is nan, expected a finite number");
  expect_refused(Covariance::full_cholesky({identity, matrix(1.0, 0.0, -infinity, 1.0)}),
                 "Mixture: entry (1, 0) of factor 1 is -inf");
  expect_refused(Covariance::tied_eigen(matrix(nan, 0.0, 0.0, 1.0), Eigen::Vector2d(1.0, 1.0)),
                 "Mixture: entry (0, 0) of basis is nan");
}

TEST(Covariance, BasesThatAreNotOrthonormalAreRefused) {
  expect_refused(Covariance::tied_eigen(2.0 * identity, Eigen::Vector2d(1.0, 1.0)),
                 "Mixture: basis is not orthonormal (largest entry of |U^T U - I| is 3.0e+00)");
  expect_refused(Covariance::full_eigen({identity, matrix(1.0, 1e-6, 0.0, 1.0)}, Points::Ones(2, 2)),
                 "Mixture: basis 1 is not orthonormal (largest entry of |U^T U - I| is 1.0e-06)");
}

TEST(Covariance, WrongShapesAreRefusedWithBoth) {
  expect_refused(Covariance::spherical({1.0}), "Mixture: variances have shape 1x1, expected 2x1");
  expect_refused(Covariance::diag(Points::Ones(2, 3)), "Mixture: variances have shape 2x3, expected 2x2");
  expect_refused(Covariance::tied(Eigen::MatrixXd::Ones(2, 3)),
                 "Mixture: covariance is 2x3 but the dimension is 2");
  expect_refused(Covariance::full({identity}), "Mixture: 1 covariance matrices given, expected 2");
  expect_refused(Covariance::full({identity, Eigen::MatrixXd::Identity(3, 3)}),
                 "Mixture: covariance 1 is 3x3 but the dimension is 2");
  expect_refused(Covariance::full_cholesky({identity}), "Mixture: 1 factor matrices given, expected 2");
  expect_refused(Covariance::full_eigen({identity}, Points::Ones(2, 2)),
                 "Mixture: 1 basis matrices given, expected 2");
  expect_refused(Covariance::tied_eigen(identity, Eigen::Vector3d(1.0, 1.0, 1.0)),
                 "Mixture: eigenvalues have shape 1x3, expected 1x2");
  expect_refused(Covariance::common_basis(identity, Points::Ones(1, 2)),
                 "Mixture: eigenvalues have shape 1x2, expected 2x2");
}

TEST(Covariance, FormsThatAStructureDoesNotHaveAreRefused) {
  Covariance spherical = Covariance::spherical({1.0, 1.0});
  spherical.form = Covariance::Form::eigen;
  Covariance common = Covariance::common_basis(identity, Points::Ones(2, 2));
  common.form = Covariance::Form::values;

  expect_refused(spherical,
                 "Mixture: spherical covariances are given as values, not as eigenvectors or factors");
  expect_refused(common,
                 "Mixture: covariances with a common basis are given as eigenvectors and eigenvalues");
}

}  // namespace
}  // namespace gmdiff::test
