#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/mixture.hpp>

// Small mixtures and points for tests of mixtures, fixed by a seed.

namespace gmdiff::test {

/// (rows, columns) numbers in (-scale, scale).
inline Points uniform_points(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed,
                             double scale = 1.0) {
  std::mt19937_64 generator(seed);
  Points result(rows, columns);
  for (Eigen::Index i = 0; i < result.size(); ++i) {
    result.data()[i] = scale * (std::ldexp(static_cast<double>(generator() >> 11), -52) - 1.0);
  }
  return result;
}

/// A product of `reflections` reflections.
inline Eigen::MatrixXd orthogonal(Eigen::Index dim, std::uint64_t seed, int reflections = 3) {
  Eigen::MatrixXd Q = Eigen::MatrixXd::Identity(dim, dim);
  for (int i = 0; i < reflections; ++i) {
    const Eigen::VectorXd v =
        uniform_points(1, dim, seed + static_cast<std::uint64_t>(i)).row(0).normalized();
    const Eigen::RowVectorXd projections = v.transpose() * Q;
    Q.noalias() -= 2.0 * v * projections;
  }
  return Q;
}

/// U diag(l) U^T.
inline Eigen::MatrixXd dense(const Eigen::MatrixXd& U, const Eigen::VectorXd& l) {
  const Eigen::MatrixXd half = U * l.cwiseSqrt().asDiagonal();
  const Eigen::MatrixXd product = half * half.transpose();
  return 0.5 * (product + product.transpose());
}

/// Three components of dimension 3, one for each structure that a covariance can be given in.
struct NamedMixture {
  const char* name;
  Mixture mixture;
};

inline std::vector<NamedMixture> mixtures_of_every_structure() {
  const std::vector<double> weights{0.2, 0.5, 0.3};
  const Points means = uniform_points(3, 3, 11, 2.0);
  const Points variances = uniform_points(3, 3, 12, 0.4).array() + 0.7;
  const Eigen::MatrixXd U = orthogonal(3, 13);
  std::vector<Eigen::MatrixXd> bases;
  std::vector<Eigen::MatrixXd> covariances;
  std::vector<Eigen::MatrixXd> factors;
  for (Eigen::Index k = 0; k < 3; ++k) {
    bases.push_back(orthogonal(3, 20 + static_cast<std::uint64_t>(k)));
    covariances.push_back(dense(bases.back(), variances.row(k)));
    factors.emplace_back(uniform_points(3, 3, 30 + static_cast<std::uint64_t>(k)) + Points::Identity(3, 3));
  }
  return {{"spherical", Mixture(weights, means, Covariance::spherical({0.5, 1.5, 0.25}))},
          {"spherical, equal", Mixture(weights, means, Covariance::spherical({0.5, 0.5, 0.5}))},
          {"diag", Mixture(weights, means, Covariance::diag(variances))},
          {"tied", Mixture(weights, means, Covariance::tied(covariances[0]))},
          {"tied eigen", Mixture(weights, means, Covariance::tied_eigen(U, variances.row(1)))},
          {"tied Cholesky", Mixture(weights, means, Covariance::tied_cholesky(factors[0]))},
          {"full", Mixture(weights, means, Covariance::full(covariances))},
          {"full eigen", Mixture(weights, means, Covariance::full_eigen(bases, variances))},
          {"full Cholesky", Mixture(weights, means, Covariance::full_cholesky(factors))},
          {"common basis", Mixture(weights, means, Covariance::common_basis(U, variances))}};
}

/// Every entry within `relative` of the largest expected one, or of 1 where that is less.
inline void expect_near(const Eigen::MatrixXd& actual, const Eigen::MatrixXd& expected, double relative,
                        const std::string& what) {
  ASSERT_EQ(actual.rows(), expected.rows()) << what;
  ASSERT_EQ(actual.cols(), expected.cols()) << what;
  const double scale = std::max(1.0, expected.cwiseAbs().maxCoeff());
  EXPECT_LE((actual - expected).cwiseAbs().maxCoeff(), relative * scale) << what;  // also fails for NaN
}

}  // namespace gmdiff::test
