#include "base/linear_algebra.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace gmdiff::linear_algebra {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Largest entry of the difference, relative to the largest expected entry.
double relative_error(const MatrixXd& actual, const MatrixXd& expected) {
  const double scale = expected.size() > 0 ? expected.cwiseAbs().maxCoeff() : 0.0;
  const double error = expected.size() > 0 ? (actual - expected).cwiseAbs().maxCoeff() : 0.0;
  return scale > 0.0 ? error / scale : error;
}

double orthonormality_error(const MatrixXd& U) {
  return relative_error(U.transpose() * U, MatrixXd::Identity(U.cols(), U.cols()));
}

MatrixXd random_matrix(Index rows, Index cols, unsigned seed = 1) {
  std::mt19937_64 generator(seed);
  MatrixXd matrix(rows, cols);
  for (double& entry : matrix.reshaped()) entry = static_cast<double>(generator() >> 11) * 0x1p-52 - 1.0;
  return matrix;
}

MatrixXd from_svd(const Svd& svd) {
  const Index k = svd.s.size();
  return svd.U.leftCols(k) * svd.s.asDiagonal() * svd.V.leftCols(k).transpose();
}

using CacheSizes = std::array<std::ptrdiff_t, 3>;

CacheSizes cache_sizes() { return {Eigen::l1CacheSize(), Eigen::l2CacheSize(), Eigen::l3CacheSize()}; }

// Sets the host program's cache sizes for the duration of a test.
class HostCacheSizes {
 public:
  explicit HostCacheSizes(const CacheSizes& sizes) : saved_(cache_sizes()) { set(sizes); }
  ~HostCacheSizes() { set(saved_); }
  HostCacheSizes(const HostCacheSizes&) = delete;
  HostCacheSizes& operator=(const HostCacheSizes&) = delete;

 private:
  static void set(const CacheSizes& sizes) { Eigen::setCpuCacheSizes(sizes[0], sizes[1], sizes[2]); }
  CacheSizes saved_;
};

constexpr CacheSizes odd_sizes = {4099, 20011, 50021};

TEST(SymmetricEigenTest, OfATwoByTwoMatrixIsAscendingWithTheLargestEntryPositive) {
  const SymmetricEigen eigen = symmetric_eigen(MatrixXd{{2.0, -1.0}, {-1.0, 2.0}});

  EXPECT_NEAR(eigen.l(0), 1.0, 1e-15);
  EXPECT_NEAR(eigen.l(1), 3.0, 1e-15);
  for (Index j = 0; j < 2; ++j) EXPECT_GT(eigen.U.col(j).maxCoeff(), 0.7);
}

TEST(SymmetricEigenTest, RebuildsTheMatrix) {
  for (const Index n : {1, 2, 7, 40, 130}) {
    const MatrixXd B = random_matrix(n, n);
    const MatrixXd S = B + B.transpose();

    const SymmetricEigen eigen = symmetric_eigen(S);

    EXPECT_LT(relative_error(reconstruct(eigen.U, eigen.l), S), 1e-13) << n;
    EXPECT_LT(orthonormality_error(eigen.U), 1e-13) << n;
  }
}

TEST(SymmetricEigenTest, ReadsTheLowerTriangleOnly) {
  const SymmetricEigen eigen = symmetric_eigen(MatrixXd{{2.0, 100.0}, {1.0, 2.0}});

  EXPECT_NEAR(eigen.l(1), 3.0, 1e-15);
}

TEST(FactorEigenTest, OfASquareAWideAndATallFactor) {
  for (const auto& [d, m] :
       std::vector<std::pair<Index, Index>>{{1, 1}, {5, 5}, {3, 8}, {8, 3}, {90, 90}, {90, 70}, {70, 140}}) {
    const MatrixXd B = random_matrix(d, m);

    const SymmetricEigen eigen = factor_eigen(B);

    ASSERT_EQ(eigen.U.rows(), d);
    ASSERT_EQ(eigen.U.cols(), d);
    ASSERT_EQ(eigen.l.size(), d);
    EXPECT_GE(eigen.l.minCoeff(), 0.0);
    for (Index i = 1; i < d; ++i) EXPECT_LE(eigen.l(i - 1), eigen.l(i));
    EXPECT_LT(orthonormality_error(eigen.U), 1e-13) << d << "x" << m;
    EXPECT_LT(relative_error(reconstruct(eigen.U, eigen.l), B * B.transpose()), 1e-13) << d << "x" << m;
  }
}

TEST(FactorEigenTest, SmallEigenvaluesKeepTheirRelativeAccuracy) {
  // B = diag(1, 1e-9) Q with a rotation Q: eigenvalues 1 and 1e-18, far below the rounding of B B^T.
  const MatrixXd B{{0.6, 0.8}, {-0.8e-9, 0.6e-9}};

  const SymmetricEigen eigen = factor_eigen(B);

  EXPECT_NEAR(eigen.l(0) / 1e-18, 1.0, 1e-14);
  EXPECT_NEAR(eigen.l(1), 1.0, 1e-15);
}

TEST(FullSvdTest, RebuildsTheMatrixWithSquareBases) {
  for (const auto& [m, n] : std::vector<std::pair<Index, Index>>{
           {1, 1}, {1, 6}, {6, 1}, {4, 4}, {3, 9}, {9, 3}, {64, 64}, {65, 65}, {80, 200}, {150, 100}}) {
    const MatrixXd A = random_matrix(m, n);

    const Svd svd = full_svd(A);

    ASSERT_EQ(svd.U.rows(), m);
    ASSERT_EQ(svd.U.cols(), m);
    ASSERT_EQ(svd.V.rows(), n);
    ASSERT_EQ(svd.V.cols(), n);
    ASSERT_EQ(svd.s.size(), std::min(m, n));
    for (Index i = 1; i < svd.s.size(); ++i) EXPECT_GE(svd.s(i - 1), svd.s(i));
    EXPECT_EQ(svd.rank(), std::min(m, n));
    EXPECT_LT(orthonormality_error(svd.U), 1e-13) << m << "x" << n;
    EXPECT_LT(orthonormality_error(svd.V), 1e-13) << m << "x" << n;
    EXPECT_LT(relative_error(from_svd(svd), A), 1e-13) << m << "x" << n;
  }
}

TEST(FullSvdTest, SignsMakeTheLargestEntryOfEachRightVectorPositive) {
  for (const Index n : {3, 80}) {
    const Svd svd = full_svd(random_matrix(n, n + 2));

    for (Index j = 0; j < svd.V.cols(); ++j)
      EXPECT_EQ(svd.V.col(j).maxCoeff(), svd.V.col(j).cwiseAbs().maxCoeff()) << n << ", " << j;
  }
}

TEST(FullSvdTest, FindsTheRankOfDeficientMatrices) {
  for (const Index n : {6, 100}) {
    const MatrixXd A = random_matrix(n, 3, 1) * random_matrix(3, n, 2);

    const Svd svd = full_svd(A);

    EXPECT_EQ(svd.rank(), 3) << n;
    EXPECT_LT(relative_error(from_svd(svd), A), 1e-13) << n;
    EXPECT_LT(orthonormality_error(svd.U), 1e-13) << n;
    EXPECT_LT(orthonormality_error(svd.V), 1e-13) << n;
  }
  EXPECT_EQ(full_svd(MatrixXd{{1.0, 2.0}, {1.0, 2.0}}).rank(), 1);
}

TEST(FullSvdTest, DoesNotDependOnTheUnits) {
  for (const Index n : {5, 80}) {
    const MatrixXd A = random_matrix(n, n + 3);
    const Svd expected = full_svd(A);
    for (const double unit : {0x1p-700, 0x1p700}) {
      const Svd actual = full_svd(unit * A);

      EXPECT_EQ(actual.U, expected.U) << n;
      EXPECT_EQ(actual.s, unit * expected.s) << n;
      EXPECT_EQ(actual.V, expected.V) << n;
    }
  }
}

TEST(FullSvdTest, OfZeroHasRankZeroAndOrthonormalBases) {
  const Svd svd = full_svd(MatrixXd::Zero(2, 5));

  EXPECT_EQ(svd.rank(), 0);
  EXPECT_EQ(orthonormality_error(svd.U), 0.0);
  EXPECT_EQ(orthonormality_error(svd.V), 0.0);
}

TEST(FullSvdTest, SingularValuesOfGradedColumnsOrRowsKeepTheirRelativeAccuracy) {
  // Orthogonal columns of lengths 5, 5e-7, 5e-14, ...: the singular values are known.
  const MatrixXd Q = 5.0 * full_svd(random_matrix(6, 6)).U;
  VectorXd scale(6);
  for (Index i = 0; i < 6; ++i) scale(i) = std::pow(10.0, -4.0 * static_cast<double>((3 * i + 1) % 7));
  VectorXd expected = 5.0 * scale;
  std::sort(expected.begin(), expected.end(), std::greater<>());

  const VectorXd by_columns = full_svd(Q * scale.asDiagonal()).s;
  const VectorXd by_rows = full_svd(scale.asDiagonal() * Q).s;

  for (Index i = 0; i < 6; ++i) {
    EXPECT_NEAR(by_columns(i) / expected(i), 1.0, 1e-13) << i;
    EXPECT_NEAR(by_rows(i) / expected(i), 1.0, 1e-13) << i;
  }
}

TEST(TriangularFactorTest, HasTheSameGramMatrixAndADiagonalThatIsNotNegative) {
  for (const auto& [m, n] : std::vector<std::pair<Index, Index>>{{1, 1}, {4, 4}, {4, 9}, {5, 2}, {60, 130}}) {
    const MatrixXd M = random_matrix(m, n);

    const MatrixXd L = triangular_factor(M);

    ASSERT_EQ(L.rows(), m);
    ASSERT_EQ(L.cols(), m);
    EXPECT_TRUE(L.isLowerTriangular(0.0));
    EXPECT_GE(L.diagonal().minCoeff(), 0.0);
    EXPECT_LT(relative_error(L * L.transpose(), M * M.transpose()), 1e-14) << m << "x" << n;
  }
}

TEST(TriangularFactorTest, DoesNotDependOnTheUnits) {
  const MatrixXd M = random_matrix(5, 9);

  for (const double unit : {0x1p-700, 0x1p700})
    EXPECT_EQ(triangular_factor(unit * M), unit * triangular_factor(M));
}

TEST(TriangularFactorTest, OfOneRowIsItsLength) {
  const MatrixXd L = triangular_factor(MatrixXd{{-3.0, 4.0}});

  EXPECT_NEAR(L(0, 0), 5.0, 1e-15);
}

TEST(CholeskyTest, OfAPositiveDefiniteMatrix) {
  const std::optional<MatrixXd> L = cholesky(MatrixXd{{4.0, 2.0}, {2.0, 5.0}});

  ASSERT_TRUE(L.has_value());
  EXPECT_EQ(*L, (MatrixXd{{2.0, 0.0}, {1.0, 2.0}}));
}

TEST(CholeskyTest, DoesNotDependOnTheUnitsOfTheRows) {
  EXPECT_TRUE(cholesky(MatrixXd{{1e-30, 0.0}, {0.0, 1e30}}).has_value());
}

TEST(CholeskyTest, OfOtherMatricesIsNothing) {
  EXPECT_FALSE(cholesky(MatrixXd{{1.0, 1.0}, {1.0, 1.0}}).has_value());
  EXPECT_FALSE(cholesky(MatrixXd{{1.0, 2.0}, {2.0, 1.0}}).has_value());
  EXPECT_FALSE(cholesky(MatrixXd{{0.0}}).has_value());
  EXPECT_FALSE(cholesky(MatrixXd{{std::numeric_limits<double>::quiet_NaN()}}).has_value());
  const MatrixXd B = random_matrix(9, 4);
  EXPECT_FALSE(cholesky(B * B.transpose()).has_value());
}

TEST(TriangularSolveTest, WithTheFactorAndItsTranspose) {
  const MatrixXd L{{2.0, 0.0}, {1.0, 4.0}};
  const MatrixXd B{{2.0, 4.0}, {9.0, 6.0}};

  EXPECT_EQ(solve_lower(L, B), (MatrixXd{{1.0, 2.0}, {2.0, 1.0}}));
  EXPECT_EQ(solve_lower_transposed(L, B), (MatrixXd{{-0.125, 1.25}, {2.25, 1.5}}));
}

TEST(TriangularSolveTest, OfNothingIsNothing) {
  EXPECT_EQ(solve_lower(MatrixXd(0, 0), MatrixXd(0, 3)).cols(), 3);
  EXPECT_EQ(solve_lower_transposed(MatrixXd(0, 0), MatrixXd(0, 3)).rows(), 0);
}

TEST(ProductTest, OfSmallMatrices) {
  EXPECT_EQ(product(MatrixXd{{1.0, 2.0}}, MatrixXd{{3.0}, {4.0}}), (MatrixXd{{11.0}}));
  EXPECT_EQ(product(MatrixXd(2, 0), MatrixXd(0, 3)), (MatrixXd::Zero(2, 3)));
}

TEST(ReconstructTest, IsExactlySymmetric) {
  const SymmetricEigen eigen = factor_eigen(random_matrix(30, 30));

  const MatrixXd S = reconstruct(eigen.U, eigen.l);

  EXPECT_EQ(S, S.transpose());
  EXPECT_LT(relative_error(S, eigen.U * eigen.l.asDiagonal() * eigen.U.transpose()), 1e-14);
}

// Every result of the library for matrices large enough to be blocked, one after the other.
std::vector<MatrixXd> all_results() {
  const MatrixXd A = random_matrix(150, 310, 3);
  const MatrixXd S = product(A, A.transpose());
  const SymmetricEigen eigen = symmetric_eigen(random_matrix(200, 200, 4).selfadjointView<Eigen::Lower>());
  const SymmetricEigen factor = factor_eigen(A);
  const Svd svd = full_svd(A);
  const MatrixXd L = triangular_factor(A);
  return {eigen.U,
          eigen.l,
          factor.U,
          factor.l,
          svd.U,
          svd.s,
          svd.V,
          L,
          *cholesky(S),
          solve_lower(L, A),
          solve_lower_transposed(L, A),
          product(A.transpose(), A),
          reconstruct(eigen.U, eigen.l)};
}

TEST(PinnedCacheSizesTest, ResultsDoNotDependOnThoseOfTheHost) {
  const std::vector<MatrixXd> expected = all_results();

  const HostCacheSizes host(odd_sizes);
  const std::vector<MatrixXd> actual = all_results();

  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(actual[i], expected[i]) << "result " << i;
}

TEST(PinnedCacheSizesTest, WithoutThemProductsDoDepend) {
  const MatrixXd A = random_matrix(310, 310, 3);
  const MatrixXd expected = product(A, A);

  const HostCacheSizes host(odd_sizes);
  const MatrixXd unpinned = A * A;

  EXPECT_NE(unpinned, expected);
}

TEST(PinnedCacheSizesTest, AreThoseOfTheHostAgainAfterwards) {
  const HostCacheSizes host(odd_sizes);

  all_results();

  EXPECT_EQ(cache_sizes(), odd_sizes);
}

TEST(PinnedCacheSizesTest, AreSafeFromSeveralThreads) {
  const HostCacheSizes host(odd_sizes);
  const MatrixXd A = random_matrix(120, 120);
  const MatrixXd expected = product(A, A);
  std::array<MatrixXd, 4> results;

  {
    std::vector<std::jthread> threads;
    threads.reserve(results.size());
    for (MatrixXd& result : results) {
      threads.emplace_back([&A, &result] {
        for (int repetition = 0; repetition < 20; ++repetition) result = product(A, A);
      });
    }
  }

  for (const MatrixXd& result : results) EXPECT_EQ(result, expected);
  EXPECT_EQ(cache_sizes(), odd_sizes);
}

}  // namespace
}  // namespace gmdiff::linear_algebra
