#include <cstddef>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/posterior.hpp>

// The inputs of a plan have the same bits for all cache sizes that Eigen may find on a machine
// (numerics.md §2).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index dim = 80;
constexpr Index num_components = 3;

MatrixXd random_matrix(Index rows, Index cols, unsigned seed) {
  std::mt19937_64 generator(seed);
  MatrixXd matrix(rows, cols);
  for (double& entry : matrix.reshaped()) entry = static_cast<double>(generator() >> 11) * 0x1p-52 - 1.0;
  return matrix;
}

MatrixXd random_covariance(unsigned seed) {
  const MatrixXd B = random_matrix(dim, dim, seed);
  return B.lazyProduct(B.transpose());
}

// Priors of every structure, their posteriors under a wide, a tall and a correlated observation, and
// transforms of these.
std::vector<Mixture> all_models() {
  const std::vector<double> weights = {0.5, 0.3, 0.2};
  const Points means = random_matrix(num_components, dim, 1);
  const std::vector<Mixture> priors = {
      {weights, means, Covariance::spherical({0.5, 1.0, 2.0})},
      {weights, means, Covariance::diag(random_matrix(num_components, dim, 2).cwiseAbs())},
      {weights, means, Covariance::tied(random_covariance(3))},
      {weights, means, Covariance::full({random_covariance(4), random_covariance(5), random_covariance(6)})},
      {weights, means, Covariance::tied_cholesky(random_matrix(dim, dim, 7))}};
  const VectorXd y = random_matrix(2 * dim, 1, 8);
  const MatrixXd A = random_matrix(2 * dim, dim, 9);
  const MatrixXd noise = random_covariance(10) + MatrixXd::Identity(dim, dim);
  const std::vector<LinearObservation> observations = {{A.topRows(5), y.head(5), 0.1},
                                                       {A, y, 0.1},
                                                       {A.topRows(dim), y.head(dim), noise},
                                                       {A.topRows(5), y.head(5), 0.0}};
  std::vector<Mixture> models = priors;
  for (const Mixture& prior : priors) {
    for (const LinearObservation& observation : observations)
      models.push_back(posterior(prior, observation).mixture);
    models.push_back(prior.push_forward(A.topRows(dim), VectorXd::Zero(dim)));
    models.push_back(prior.diffuse({.alpha = 0.8, .sigma = 0.6}));
  }
  return models;
}

class OddCacheSizes {
 public:
  OddCacheSizes() : l1_(Eigen::l1CacheSize()), l2_(Eigen::l2CacheSize()), l3_(Eigen::l3CacheSize()) {
    Eigen::setCpuCacheSizes(4099, 20011, 50021);
  }
  ~OddCacheSizes() { Eigen::setCpuCacheSizes(l1_, l2_, l3_); }
  OddCacheSizes(const OddCacheSizes&) = delete;
  OddCacheSizes& operator=(const OddCacheSizes&) = delete;

 private:
  std::ptrdiff_t l1_;
  std::ptrdiff_t l2_;
  std::ptrdiff_t l3_;
};

TEST(DeterminismOfModels, DoesNotDependOnTheCacheSizesOfTheMachine) {
  const std::vector<Mixture> expected = all_models();

  const OddCacheSizes odd;
  const std::vector<Mixture> actual = all_models();

  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(actual[i].log_weights(), expected[i].log_weights()) << "model " << i;
    EXPECT_EQ(actual[i].means(), expected[i].means()) << "model " << i;
    EXPECT_EQ(actual[i].eigenvalues(), expected[i].eigenvalues()) << "model " << i;
    EXPECT_EQ(actual[i].bases(), expected[i].bases()) << "model " << i;
    EXPECT_EQ(actual[i].mean(), expected[i].mean()) << "model " << i;
    EXPECT_EQ(actual[i].covariance(), expected[i].covariance()) << "model " << i;
  }
}

}  // namespace
}  // namespace gmdiff
