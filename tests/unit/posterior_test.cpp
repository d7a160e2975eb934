#include <gmdiff/model/posterior.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/linear_algebra.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double infinity = std::numeric_limits<double>::infinity();

MatrixXd random_matrix(Index rows, Index cols, unsigned seed) {
  std::mt19937_64 generator(seed);
  MatrixXd matrix(rows, cols);
  for (double& entry : matrix.reshaped()) entry = static_cast<double>(generator() >> 11) * 0x1p-52 - 1.0;
  return matrix;
}

MatrixXd random_covariance(Index d, unsigned seed) {
  const MatrixXd B = random_matrix(d, d, seed);
  return linear_algebra::product(B, B.transpose()) + 0.1 * MatrixXd::Identity(d, d);
}

constexpr Index dim = 4;
const std::vector<double> weights = {0.5, 0.3, 0.2};

Points means() { return 2.0 * random_matrix(3, dim, 11); }

Mixture spherical(std::vector<double> variances = {0.5, 1.0, 2.0}) {
  return {weights, means(), Covariance::spherical(std::move(variances))};
}
Mixture diag() { return {weights, means(), Covariance::diag(random_matrix(3, dim, 12).cwiseAbs())}; }
Mixture tied() { return {weights, means(), Covariance::tied(random_covariance(dim, 13))}; }
Mixture full() {
  return {
      weights, means(),
      Covariance::full({random_covariance(dim, 14), random_covariance(dim, 15), random_covariance(dim, 16)})};
}
Mixture common_basis() {
  const MatrixXd U = linear_algebra::symmetric_eigen(random_covariance(dim, 17)).U;
  return {weights, means(), Covariance::common_basis(U, random_matrix(3, dim, 18).cwiseAbs())};
}

// Observes every second coordinate, each in its own unit.
MatrixXd mask() { return MatrixXd{{0.0, 2.0, 0.0, 0.0}, {0.0, 0.0, 0.0, -1.0}}; }
MatrixXd repeated_rows() {
  MatrixXd A = random_matrix(3, dim, 21);
  A.row(2) = A.row(0);
  return A;
}

struct NamedPrior {
  std::string name;
  std::function<Mixture()> make;
};
std::vector<NamedPrior> priors() {
  return {{"Spherical", [] { return spherical(); }},
          {"EqualSpherical",
           [] {
             return spherical({0.7, 0.7, 0.7});
           }},
          {"Diag", diag},
          {"Tied", tied},
          {"Full", full},
          {"CommonBasis", common_basis}};
}

struct NamedObservation {
  std::string name;
  LinearObservation value;
};
std::vector<NamedObservation> noisy_observations() {
  const VectorXd y = random_matrix(6, 1, 31);
  return {{"Mask", {mask(), y.head(2), 0.3}},
          {"MaskWithTwoNoises", {mask(), y.head(2), MatrixXd{{0.1, 0.0}, {0.0, 2.0}}}},
          {"General", {random_matrix(2, dim, 22), y.head(2), 0.3}},
          {"CorrelatedNoise", {random_matrix(3, dim, 23), y.head(3), random_covariance(3, 24)}},
          {"RepeatedRows", {repeated_rows(), y.head(3), 0.1}},
          {"Square", {random_matrix(dim, dim, 25), y.head(dim), 0.2}},
          {"Tall", {random_matrix(6, dim, 26), y, 0.2}},
          {"TallWithCorrelatedNoise", {random_matrix(6, dim, 26), y, random_covariance(6, 27)}},
          {"TallOfRankTwo", {MatrixXd(random_matrix(6, 2, 28) * random_matrix(2, dim, 29)), y, 0.2}},
          {"BlindOperator", {MatrixXd(MatrixXd::Zero(2, dim)), y.head(2), 0.5}},
          {"SmallNoise", {random_matrix(2, dim, 22), y.head(2), 1e-6}},
          {"LargeNoise", {random_matrix(2, dim, 22), y.head(2), 1e4}},
          {"FarObservation", {random_matrix(2, dim, 22), 1e6 * y.head(2), 0.3}}};
}

// log N(y; A x, R) for each row of x, R positive definite.
VectorXd log_likelihood(const LinearObservation& observation, const Points& x) {
  const MatrixXd L = linear_algebra::cholesky(observation.noise_covariance()).value();
  const MatrixXd residuals = observation.y().replicate(1, x.rows()) - observation.A() * x.transpose();
  const VectorXd squares = linear_algebra::solve_lower(L, residuals).colwise().squaredNorm().transpose();
  const double log_normaliser = L.diagonal().array().log().sum() +
                                0.5 * static_cast<double>(L.rows()) * std::log(2.0 * std::numbers::pi);
  return -0.5 * squares.array() - log_normaliser;
}

class PosteriorIdentity : public testing::TestWithParam<std::tuple<NamedPrior, NamedObservation>> {};

TEST_P(PosteriorIdentity, PriorTimesLikelihoodOverEvidenceIsThePosterior) {
  const Mixture prior = std::get<0>(GetParam()).make();
  const LinearObservation& observation = std::get<1>(GetParam()).value;
  const Posterior result = posterior(prior, observation);
  Points x(4, dim);
  x << means(), result.mixture.mean().transpose();

  const VectorXd log_prior = prior.log_pdf(x);
  const VectorXd likelihood = log_likelihood(observation, x);
  const VectorXd log_posterior = result.mixture.log_pdf(x);

  for (Index i = 0; i < x.rows(); ++i) {
    const double size =
        1.0 + std::abs(log_prior(i)) + std::abs(likelihood(i)) + std::abs(result.log_evidence);
    EXPECT_NEAR(log_prior(i) + likelihood(i) - result.log_evidence, log_posterior(i), 1e-12 * size)
        << "point " << i;
  }
}

TEST_P(PosteriorIdentity, EvidenceIsTheLogarithmOfTheWeightedLikelihoods) {
  const Mixture prior = std::get<0>(GetParam()).make();

  const Posterior result = posterior(prior, std::get<1>(GetParam()).value);

  for (Index k = 0; k < prior.num_components(); ++k) {
    const double log_weight =
        prior.log_weights()(k) + result.component_log_likelihood(k) - result.log_evidence;
    EXPECT_NEAR(result.mixture.log_weights()(k), log_weight,
                1e-12 * (1.0 + std::abs(result.component_log_likelihood(k))))
        << k;
  }
}

INSTANTIATE_TEST_SUITE_P(AllStructures, PosteriorIdentity,
                         testing::Combine(testing::ValuesIn(priors()),
                                          testing::ValuesIn(noisy_observations())),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + std::get<1>(info.param).name;
                         });

class NoiselessPosterior : public testing::TestWithParam<NamedPrior> {};

TEST_P(NoiselessPosterior, LiesOnWhatWasObserved) {
  const Mixture prior = GetParam().make();
  const VectorXd y{{0.5, -1.5}};
  const std::vector<MatrixXd> operators = {mask(), random_matrix(2, dim, 22)};
  for (const MatrixXd& A : operators) {
    const Posterior result = posterior(prior, {A, y, 0.0});

    for (Index k = 0; k < prior.num_components(); ++k) {
      EXPECT_LT((A * result.mixture.means().row(k).transpose() - y).cwiseAbs().maxCoeff(), 1e-13) << k;
      EXPECT_LT((A * result.mixture.component_covariance(k) * A.transpose()).cwiseAbs().maxCoeff(), 1e-13)
          << k;
    }
    EXPECT_NEAR(result.log_evidence,
                prior.push_forward(A, VectorXd::Zero(2)).log_pdf(Points(y.transpose()))(0), 1e-12);
  }
}

TEST_P(NoiselessPosterior, IsTheLimitOfSmallNoise) {
  const Mixture prior = GetParam().make();
  const MatrixXd A = random_matrix(2, dim, 22);
  const VectorXd y{{0.5, -1.5}};

  const Posterior noiseless = posterior(prior, {A, y, 0.0});
  const Posterior noisy = posterior(prior, {A, y, 1e-8});

  EXPECT_EQ(noiseless.mixture.covariance_type(), noisy.mixture.covariance_type());
  EXPECT_NEAR(noiseless.log_evidence, noisy.log_evidence, 1e-12);
  EXPECT_LT((noiseless.mixture.means() - noisy.mixture.means()).cwiseAbs().maxCoeff(), 1e-12);
  for (Index k = 0; k < prior.num_components(); ++k) {
    const MatrixXd difference =
        noiseless.mixture.component_covariance(k) - noisy.mixture.component_covariance(k);
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), 1e-14) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(AllStructures, NoiselessPosterior, testing::ValuesIn(priors()),
                         [](const auto& info) { return info.param.name; });

CovarianceType structure(const Mixture& prior, const LinearObservation& observation) {
  return posterior(prior, observation).mixture.covariance_type();
}

TEST(PosteriorStructure, OfCoordinateWiseObservationsIsDiag) {
  const VectorXd y = VectorXd::Zero(2);
  for (const LinearObservation& observation :
       {LinearObservation(mask(), y, 0.3), LinearObservation(mask(), y, 0.0),
        LinearObservation(mask(), y, MatrixXd{{0.1, 0.0}, {0.0, 0.0}})}) {
    EXPECT_EQ(structure(spherical(), observation), CovarianceType::diag);
    EXPECT_EQ(structure(diag(), observation), CovarianceType::diag);
    EXPECT_EQ(structure(tied(), observation), CovarianceType::tied);
    EXPECT_EQ(structure(full(), observation), CovarianceType::full);
  }
}

TEST(PosteriorStructure, OfOtherObservationsFollowsThePrior) {
  const VectorXd y = VectorXd::Zero(2);
  const MatrixXd A = random_matrix(2, dim, 22);
  for (const LinearObservation& observation :
       {LinearObservation(A, y, 0.3), LinearObservation(A, y, 0.0),
        LinearObservation(A, y, random_covariance(2, 24)),
        LinearObservation(MatrixXd(mask()), y, random_covariance(2, 24)),
        LinearObservation(random_matrix(2, 1, 33) * A.row(0), y, 1.0)}) {
    EXPECT_EQ(structure(spherical(), observation), CovarianceType::common_basis);
    EXPECT_EQ(structure(spherical({0.7, 0.7, 0.7}), observation), CovarianceType::tied);
    EXPECT_EQ(structure(diag(), observation), CovarianceType::full);
    EXPECT_EQ(structure(tied(), observation), CovarianceType::tied);
    EXPECT_EQ(structure(full(), observation), CovarianceType::full);
    EXPECT_EQ(structure(common_basis(), observation), CovarianceType::full);
  }
}

TEST(PosteriorStructure, WithSingularNoiseHasNoCommonBasis) {
  const LinearObservation observation(random_matrix(2, dim, 22), VectorXd::Zero(2),
                                      MatrixXd{{1.0, 1.0}, {1.0, 1.0}});

  EXPECT_EQ(structure(spherical(), observation), CovarianceType::full);
  EXPECT_EQ(structure(spherical({0.7, 0.7, 0.7}), observation), CovarianceType::tied);
}

TEST(PosteriorStructure, OfACoordinateSeenTwiceIsNotCoordinateWise) {
  const LinearObservation observation(MatrixXd{{1.0, 0.0, 0.0, 0.0}, {2.0, 0.0, 0.0, 0.0}}, VectorXd::Ones(2),
                                      0.5);

  EXPECT_EQ(structure(spherical(), observation), CovarianceType::common_basis);
  EXPECT_EQ(structure(diag(), observation), CovarianceType::full);
}

TEST(PosteriorTest, OfOneGaussianInOneDimensionIsTheTextbookFormula) {
  const Mixture prior({1.0}, Points{{1.0}}, Covariance::spherical({4.0}));

  const Posterior result = posterior(prior, {MatrixXd{{2.0}}, VectorXd{{5.0}}, 3.0});

  // S = 2 * 4 * 2 + 9 = 25, e = 3, mean 1 + 4 * 2 * 3 / 25, variance 4 * 9 / 25.
  EXPECT_NEAR(result.mixture.means()(0, 0), 1.96, 1e-15);
  EXPECT_NEAR(result.mixture.eigenvalues()(0, 0), 1.44, 1e-15);
  EXPECT_NEAR(result.log_evidence, -0.18 - std::log(5.0) - 0.5 * std::log(2.0 * std::numbers::pi), 1e-15);
  EXPECT_EQ(result.mixture.log_weights()(0), 0.0);
}

TEST(PosteriorTest, WithSingularNoiseIsTheTextbookFormula) {
  const LinearObservation observation(MatrixXd::Identity(2, 2), VectorXd{{1.0, 2.0}},
                                      MatrixXd{{1.0, 1.0}, {1.0, 1.0}});
  for (const Mixture& prior :
       {Mixture({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({1.0})),
        Mixture({1.0}, Points{{0.0, 0.0}}, Covariance::diag(Points{{1.0, 1.0}})),
        Mixture({1.0}, Points{{0.0, 0.0}}, Covariance::tied(MatrixXd::Identity(2, 2)))}) {
    const Posterior result = posterior(prior, observation);

    // S = [2 1; 1 2], K = S^{-1} = [2 -1; -1 2] / 3, mean K y, covariance I - K, y^T K y = 2.
    EXPECT_NEAR(result.mixture.means()(0, 0), 0.0, 1e-15);
    EXPECT_NEAR(result.mixture.means()(0, 1), 1.0, 1e-15);
    EXPECT_LT(
        (result.mixture.component_covariance(0) - MatrixXd::Constant(2, 2, 1.0 / 3.0)).cwiseAbs().maxCoeff(),
        1e-15);
    EXPECT_NEAR(result.log_evidence, -1.0 - 0.5 * std::log(3.0) - std::log(2.0 * std::numbers::pi), 1e-15);
  }
}

TEST(PosteriorTest, WithTallSingularNoiseConditionsOnWhatIsNoiseless) {
  // Two observations of x_0 with common noise, so that their difference is x_0 itself, and x_1 without noise.
  const MatrixXd A{{1.0, 0.0}, {2.0, 0.0}, {0.0, 1.0}};
  const MatrixXd R{{1.0, 1.0, 0.0}, {1.0, 1.0, 0.0}, {0.0, 0.0, 0.0}};
  const Mixture prior({0.5, 0.5}, Points{{0.0, 0.0}, {1.0, -1.0}},
                      Covariance::full({random_covariance(2, 41), random_covariance(2, 42)}));

  const Posterior result = posterior(prior, {A, VectorXd{{3.0, 3.5, 0.25}}, R});

  for (Index k = 0; k < 2; ++k) {
    EXPECT_NEAR(result.mixture.means()(k, 0), 0.5, 1e-14);
    EXPECT_NEAR(result.mixture.means()(k, 1), 0.25, 1e-14);
    EXPECT_LT(result.mixture.component_covariance(k).cwiseAbs().maxCoeff(), 1e-28);
  }
  const double log_density_of_x = prior.log_pdf(Points{{0.5, 0.25}})(0);
  EXPECT_NEAR(result.log_evidence,
              log_density_of_x - 0.5 * 2.5 * 2.5 - 0.5 * std::log(2.0 * std::numbers::pi), 1e-13);
}

TEST(PosteriorTest, DoesNotDependOnTheStructureThePriorIsGivenIn) {
  const VectorXd l{{0.25, 0.5, 1.0, 4.0}};
  const MatrixXd identity = MatrixXd::Identity(dim, dim);
  const MatrixXd prior_covariance = l.asDiagonal();
  const Points rows = l.transpose().replicate(3, 1);
  const std::vector<Mixture> same = {
      {weights, means(), Covariance::diag(rows)},
      {weights, means(), Covariance::tied(prior_covariance)},
      {weights, means(), Covariance::full({prior_covariance, prior_covariance, prior_covariance})},
      {weights, means(), Covariance::common_basis(identity, rows)}};
  for (const NamedObservation& observation : noisy_observations()) {
    const Posterior expected = posterior(same.front(), observation.value);
    for (const Mixture& prior : same) {
      const Posterior actual = posterior(prior, observation.value);

      EXPECT_NEAR(actual.log_evidence, expected.log_evidence, 1e-13 * std::abs(expected.log_evidence))
          << observation.name;
      const double scale = expected.mixture.means().cwiseAbs().maxCoeff();
      EXPECT_LT((actual.mixture.means() - expected.mixture.means()).cwiseAbs().maxCoeff(), 1e-11 * scale)
          << observation.name;
      for (Index k = 0; k < 3; ++k) {
        const MatrixXd difference =
            actual.mixture.component_covariance(k) - expected.mixture.component_covariance(k);
        EXPECT_LT(difference.cwiseAbs().maxCoeff(), 1e-13) << observation.name;
      }
    }
  }
}

TEST(PosteriorTest, OfRepeatedRowsIsThatOfTheirMean) {
  const MatrixXd A = random_matrix(1, dim, 51);
  for (const NamedPrior& prior : priors()) {
    for (const double noise_std : {0x1p-4, 0x1p-20, 0x1p-40}) {
      const VectorXd y{{1.0 - noise_std, 1.0 + noise_std}};

      const Posterior twice = posterior(prior.make(), {A.replicate(2, 1), y, noise_std});
      const Posterior once = posterior(prior.make(), {A, VectorXd::Ones(1), noise_std / std::numbers::sqrt2});

      EXPECT_LT((twice.mixture.means() - once.mixture.means()).cwiseAbs().maxCoeff(), 1e-13) << prior.name;
      // The deviations from the mean: density of N(0, 2 sigma^2) at -2 sigma, for a change of variables of
      // determinant 1.
      const double log_rest = -1.0 - std::log(noise_std) - 0.5 * std::log(4.0 * std::numbers::pi);
      const double rounding = 1e-12 + 10.0 * std::numeric_limits<double>::epsilon() / noise_std;
      EXPECT_NEAR(twice.log_evidence, once.log_evidence + log_rest, rounding)
          << prior.name << ", " << noise_std;
    }
  }
}

TEST(PosteriorTest, TallAndTightKeepsItsWeights) {
  // Far outside the range of A every log-likelihood is near -1e12; the differences between components must
  // survive.
  const MatrixXd A = random_matrix(6, dim, 26);
  const MatrixXd normal = linear_algebra::full_svd(A).U.rightCols(2);
  const VectorXd y = A * VectorXd{{0.1, 0.2, -0.3, 0.4}};
  for (const NamedPrior& prior : priors()) {
    const Posterior consistent = posterior(prior.make(), {A, y, 1e-6});
    const Posterior inconsistent = posterior(prior.make(), {A, y + normal.col(0), 1e-6});

    EXPECT_LT(inconsistent.log_evidence, -4e11);
    const VectorXd difference = consistent.mixture.log_weights() - inconsistent.mixture.log_weights();
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), 1e-9) << prior.name;
  }
}

TEST(PosteriorTest, OfASingularPriorStaysInItsSupport) {
  const MatrixXd prior_covariance{{1.0, 1.0, 0.0}, {1.0, 1.0, 0.0}, {0.0, 0.0, 2.0}};
  const Mixture prior({1.0}, Points{{1.0, 2.0, 3.0}}, Covariance::tied(prior_covariance));

  const Posterior result = posterior(prior, {MatrixXd{{1.0, 0.0, 1.0}}, VectorXd{{7.0}}, 0.5});

  EXPECT_NEAR(result.mixture.means()(0, 1) - result.mixture.means()(0, 0), 1.0, 1e-14);
  const MatrixXd covariance = result.mixture.component_covariance(0);
  EXPECT_LT((covariance.row(0) - covariance.row(1)).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(PosteriorTest, NoiseHoweverSmallIsEnoughWhereThePriorDoesNotVary) {
  const MatrixXd flat{{1.0, -1.0}, {-1.0, 1.0}};
  const Points centres{{0.0, 0.0}, {1e-20, 0.0}};
  for (const Covariance& covariance : {Covariance::tied(flat), Covariance::full({flat, flat})}) {
    const Posterior result =
        posterior(Mixture({0.5, 0.5}, centres, covariance), {MatrixXd{{1.0, 1.0}}, VectorXd{{1e-20}}, 1e-20});

    EXPECT_NEAR(result.mixture.component_covariance(0)(0, 1), -1.0, 1e-14);
    EXPECT_NEAR(result.mixture.log_weights()(0) - result.mixture.log_weights()(1), -0.5, 1e-14);
  }
}

TEST(PosteriorTest, OfAPointMassStaysThere) {
  const Mixture prior({0.5, 0.5}, Points{{0.0, 0.0}, {1.0, 1.0}}, Covariance::spherical({0.0, 0.0}));

  const Posterior result = posterior(prior, {MatrixXd{{1.0, 1.0}}, VectorXd{{2.0}}, 1.0});

  EXPECT_EQ(result.mixture.means(), prior.means());
  EXPECT_NEAR(result.mixture.log_weights()(0) - result.mixture.log_weights()(1), -2.0, 1e-14);
}

TEST(PosteriorTest, DoesNotDependOnTheUnitsOfTheObservation) {
  const MatrixXd A = random_matrix(2, dim, 22);
  const VectorXd y{{0.5, -1.5}};
  for (const NamedPrior& prior : priors()) {
    const Posterior expected = posterior(prior.make(), {A, y, 0.25});
    for (const double unit : {0x1p-300, 0x1p300}) {
      const Posterior actual = posterior(prior.make(), {unit * A, unit * y, 0.25 * unit});

      EXPECT_LT((actual.mixture.means() - expected.mixture.means()).cwiseAbs().maxCoeff(), 1e-14)
          << prior.name;
      EXPECT_NEAR(actual.log_evidence, expected.log_evidence - 2.0 * std::log(unit), 1e-12) << prior.name;
    }
  }
}

TEST(PosteriorTest, ComponentsOfWeightZeroNeedNotBeRegular) {
  const MatrixXd flat = MatrixXd::Zero(2, 2);
  const MatrixXd round = MatrixXd::Identity(2, 2);
  const Points centres{{0.0, 0.0}, {1.0, 1.0}};
  const std::vector<MatrixXd> operators = {MatrixXd{{1.0, 0.0}}, MatrixXd{{1.0, 2.0}}};
  for (const Covariance& covariance :
       {Covariance::spherical({0.0, 1.0}), Covariance::diag(Points{{0.0, 0.0}, {1.0, 1.0}}),
        Covariance::full({flat, round})}) {
    for (const MatrixXd& A : operators) {
      const Posterior result = posterior(Mixture({0.0, 1.0}, centres, covariance), {A, VectorXd{{0.5}}, 0.0});

      EXPECT_EQ(result.component_log_likelihood(0), -infinity);
      EXPECT_EQ(result.mixture.log_weights()(0), -infinity);
      EXPECT_EQ(result.mixture.log_weights()(1), 0.0);
      EXPECT_EQ(result.mixture.means().row(0), centres.row(0));
      EXPECT_EQ(result.mixture.component_covariance(0), flat);
      EXPECT_NEAR(A.row(0).dot(result.mixture.means().row(1)), 0.5, 1e-15);
      EXPECT_TRUE(std::isfinite(result.log_evidence));
    }
  }
}

TEST(PosteriorTest, AComponentOfWeightZeroStaysAtZero) {
  const Mixture prior({0.0, 1.0}, Points{{5.0, 5.0}, {0.0, 0.0}}, Covariance::spherical({1.0, 1.0}));

  const Posterior result = posterior(prior, {MatrixXd{{1.0, 1.0}}, VectorXd{{10.0}}, 0.1});

  EXPECT_EQ(result.mixture.weights()(0), 0.0);
  EXPECT_EQ(result.mixture.log_weights()(0), -infinity);
  EXPECT_TRUE(std::isfinite(result.component_log_likelihood(0)));
}

TEST(PosteriorTest, KeepsLogWeightsThatUnderflow) {
  const Mixture prior({0.5, 0.5}, Points{{0.0}, {100.0}}, Covariance::spherical({0.01, 0.01}));

  const Posterior result = posterior(prior, {MatrixXd{{1.0}}, VectorXd{{0.0}}, 0.1});

  EXPECT_EQ(result.mixture.weights()(1), 0.0);
  EXPECT_NEAR(result.mixture.log_weights()(1), -0.5 * 1e4 / 0.02, 1e-6);
}

TEST(PosteriorTest, FarAwayTheWeightsDifferByWhatTheComponentsDo) {
  // Components with one covariance: the logits are linear in y, however large the common quadratic is.
  const double far = 0x1p30;
  const Points centres{{0.0, 0.0}, {0x1p-20, 0.0}};
  const std::vector<MatrixXd> operators = {MatrixXd{{1.0, 0.0}}, MatrixXd{{1.0, 1.0}}};
  for (const Covariance& covariance :
       {Covariance::spherical({1.0, 1.0}), Covariance::tied(MatrixXd::Identity(2, 2))}) {
    for (const MatrixXd& A : operators) {
      const double S = A.squaredNorm() + 1.0;

      const Posterior result = posterior(Mixture({0.5, 0.5}, centres, covariance), {A, VectorXd{{far}}, 1.0});

      const double logit = 0x1p-20 * (far - 0x1p-21) / S;
      EXPECT_NEAR(result.mixture.log_weights()(0) - result.mixture.log_weights()(1), -logit, 1e-9);
    }
  }
}

TEST(PosteriorTest, FarAwayComponentsOfDifferentCovarianceKeepTheirLogWeights) {
  // e^2 / S with S = 2 and S = 2 + 2^-30 at e = 2^26: the logits differ by 2^19, which must not be lost in
  // 2^50.
  const double far = 0x1p26;
  const MatrixXd first = MatrixXd::Identity(1, 1);
  const MatrixXd second = (1.0 + 0x1p-30) * first;
  const Mixture prior({0.5, 0.5}, Points{{0.0}, {0.0}}, Covariance::full({first, second}));

  const Posterior result = posterior(prior, {MatrixXd{{1.0}}, VectorXd{{far}}, 1.0});

  const double S = 2.0 + 0x1p-30;
  const double logit = 0.5 * far * far * 0x1p-30 / (2.0 * S) - 0.5 * std::log1p(0x1p-31);
  EXPECT_NEAR(result.mixture.log_weights()(0), -logit, 1e-9 * logit);
}

TEST(PosteriorTest, OfAPosteriorIsThatOfBothObservations) {
  const VectorXd y{{0.5, -1.5}};
  const MatrixXd A = random_matrix(2, dim, 22);
  for (const NamedPrior& prior : priors()) {
    const Posterior together = posterior(prior.make(), {A, y, 0.3});
    const Posterior first = posterior(prior.make(), {A.topRows(1), y.head(1), 0.3});
    const Posterior second = posterior(first.mixture, {A.bottomRows(1), y.tail(1), 0.3});

    EXPECT_NEAR(first.log_evidence + second.log_evidence, together.log_evidence, 1e-13) << prior.name;
    EXPECT_LT((second.mixture.means() - together.mixture.means()).cwiseAbs().maxCoeff(), 1e-13) << prior.name;
    EXPECT_LT((second.mixture.weights() - together.mixture.weights()).cwiseAbs().maxCoeff(), 1e-13)
        << prior.name;
  }
}

TEST(PosteriorTest, OfManyObservationsIsThatOfEach) {
  const Mixture prior = full();
  std::vector<LinearObservation> observations;
  for (const NamedObservation& observation : noisy_observations()) observations.push_back(observation.value);

  const std::vector<Posterior> results = posterior(prior, observations);

  ASSERT_EQ(results.size(), observations.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Posterior single = posterior(prior, observations[i]);
    EXPECT_EQ(results[i].log_evidence, single.log_evidence);
    EXPECT_EQ(results[i].component_log_likelihood, single.component_log_likelihood);
    EXPECT_EQ(results[i].mixture.means(), single.mixture.means());
    EXPECT_EQ(results[i].mixture.eigenvalues(), single.mixture.eigenvalues());
  }
}

TEST(PosteriorTest, OfNoObservationsIsEmpty) {
  EXPECT_TRUE(posterior(full(), std::span<const LinearObservation>()).empty());
}

TEST(PosteriorTest, OfManyEntriesNeedsNoSquareMatrixOfTheirSize) {
  const Index entries = 200'000;  // a dense (dy, dy) matrix would take 320 GB
  const Mixture prior({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({1.0}));

  const Posterior result = posterior(prior, {MatrixXd::Ones(entries, 2), VectorXd::Ones(entries), 1.0});

  EXPECT_NEAR(result.mixture.means()(0, 0), 0.5, 1e-5);
  EXPECT_NEAR(result.mixture.component_covariance(0)(0, 0), 0.5, 1e-5);
}

TEST(PosteriorTest, InFourHundredDimensionsSatisfiesBayesIdentity) {
  const Index d = 400;
  const Mixture prior({0.5, 0.5}, Points(random_matrix(2, d, 61)), Covariance::spherical({0.5, 1.0}));
  const LinearObservation observation(random_matrix(4, d, 62), random_matrix(4, 1, 63), 0.1);
  const Points x = random_matrix(1, d, 64);

  const Posterior result = posterior(prior, observation);

  const double expected = prior.log_pdf(x)(0) + log_likelihood(observation, x)(0) - result.log_evidence;
  EXPECT_NEAR(result.mixture.log_pdf(x)(0), expected, 1e-12 * std::abs(expected));
}

}  // namespace
}  // namespace gmdiff
