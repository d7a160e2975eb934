#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/posterior.hpp>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;

Mixture round_prior() {
  return {{0.5, 0.5}, Points{{0.0, 0.0}, {1.0, 1.0}}, Covariance::spherical({1.0, 1.0})};
}

TEST(PosteriorErrors, NameAnOperatorThatDoesNotFitThePrior) {
  expect_invalid(
      [] {
        posterior(round_prior(), {MatrixXd::Ones(1, 3), VectorXd::Ones(1), 1.0});
      },
      "posterior: A is 1x3 but the prior has dimension 2");
}

TEST(PosteriorErrors, NoiselessObservationsHaveAtMostAsManyEntriesAsDimensions) {
  expect_invalid(
      [] {
        posterior(round_prior(), {MatrixXd::Random(3, 2), VectorXd::Ones(3), 0.0});
      },
      "posterior: A Sigma A^T + R is singular for every component: the observation is noiseless and has more "
      "entries (3) than the "
      "prior has dimensions (2)");
}

TEST(PosteriorErrors, NoiselessObservationsDoNotRepeatARow) {
  const std::vector<MatrixXd> operators = {MatrixXd{{1.0, 2.0}, {1.0, 2.0}},
                                           MatrixXd{{1.0, 2.0}, {1e9, 2e9}}};
  for (const MatrixXd& A : operators) {
    expect_invalid(
        [&] {
          posterior(round_prior(), {A, VectorXd::Ones(2), 0.0});
        },
        "posterior: A Sigma A^T + R is singular for every component: the observation is noiseless and the "
        "rows of A are linearly "
        "dependent (2 rows, rank 1)");
  }
}

TEST(PosteriorErrors, NoiselessObservationsHaveNoZeroRow) {
  expect_invalid(
      [] {
        posterior(round_prior(),
                  {MatrixXd{{1.0, 1.0}, {0.0, 0.0}}, VectorXd::Ones(2), MatrixXd(MatrixXd::Zero(2, 2))});
      },
      "the observation is noiseless and row 1 of A is zero");
}

TEST(PosteriorErrors, RowsInDifferentUnitsAreNotDependent) {
  EXPECT_NO_THROW(
      posterior(round_prior(), {MatrixXd{{1e-30, 0.0}, {1.0, 1.0}}, VectorXd{{1e-30, 1.0}}, 0.0}));
}

TEST(PosteriorErrors, NameTheCoordinateThatDoesNotVary) {
  const Mixture prior({0.5, 0.5}, Points{{0.0, 0.0}, {1.0, 1.0}},
                      Covariance::diag(Points{{1.0, 1.0}, {1.0, 0.0}}));

  expect_invalid(
      [&] {
        posterior(prior, {MatrixXd{{0.0, 1.0}}, VectorXd::Ones(1), 0.0});
      },
      "posterior: A Sigma A^T + R is singular for component 1: coordinate 1 is observed without noise and "
      "has variance 0");
}

TEST(PosteriorErrors, NameThePointMassThatIsObservedWithoutNoise) {
  const Mixture prior({0.5, 0.5}, Points{{0.0, 0.0}, {1.0, 1.0}}, Covariance::spherical({1.0, 0.0}));

  expect_invalid(
      [&] {
        posterior(prior, {MatrixXd{{1.0, 1.0}}, VectorXd::Ones(1), 0.0});
      },
      "posterior: A Sigma A^T + R is singular for component 1: a direction is observed without noise and has "
      "variance 0");
}

TEST(PosteriorErrors, NameTheComponentThatDoesNotVaryWhereThereIsNoNoise) {
  const MatrixXd flat{{1.0, -1.0}, {-1.0, 1.0}};
  const MatrixXd identity = MatrixXd::Identity(2, 2);
  const Points centres{{0.0, 0.0}, {1.0, 1.0}};
  const MatrixXd A{{1.0, 1.0}};
  const char* why = "y has a direction without noise in which A x does not vary";

  expect_invalid(
      [&] {
        posterior({{0.5, 0.5}, centres, Covariance::full({identity, flat})}, {A, VectorXd::Ones(1), 0.0});
      },
      std::string("posterior: A Sigma A^T + R is singular for component 1: ") + why);
  expect_invalid(
      [&] {
        posterior({{0.0, 1.0}, centres, Covariance::tied(flat)}, {A, VectorXd::Ones(1), 0.0});
      },
      std::string("posterior: A Sigma A^T + R is singular for component 1: ") + why);
}

TEST(PosteriorErrors, SingularNoiseMustBeMadeUpForByThePrior) {
  const MatrixXd ones = MatrixXd::Ones(2, 2);

  expect_invalid(
      [&] {
        posterior(round_prior(), {ones, VectorXd::Ones(2), ones});
      },
      "posterior: A Sigma A^T + R is singular for component 0: y has a direction without noise in which A x "
      "does not vary");
}

TEST(PosteriorErrors, NameNumbersThatOverflow) {
  const Mixture prior({1.0}, Points{{1e300, 0.0}}, Covariance::tied(MatrixXd::Identity(2, 2)));

  expect_invalid(
      [&] {
        posterior(prior, {MatrixXd{{1e200, 1e200}}, VectorXd::Ones(1), 1.0});
      },
      "posterior: the mean of component 0 is not finite: A, y, the noise or the prior are too large or too "
      "small for double "
      "precision");
}

TEST(PosteriorErrors, OfABatchNameTheObservation) {
  const LinearObservation good(MatrixXd::Ones(1, 2), VectorXd::Ones(1), 1.0);
  const LinearObservation bad(MatrixXd::Ones(1, 3), VectorXd::Ones(1), 1.0);
  const std::vector<LinearObservation> observations = {good, bad, good};

  expect_invalid([&] { posterior(round_prior(), observations); },
                 "observation 1 of 3: posterior: A is 1x3 but the prior has dimension 2");
}

}  // namespace
}  // namespace gmdiff
