#pragma once

#include <optional>

#include <Eigen/Core>

// Dense linear algebra of models and plans. All decompositions and large products are in this file, so that
// Eigen's heavy headers are compiled once and results do not depend on the cache sizes of the CPU
// (numerics.md §2): every function fixes the cache sizes that Eigen assumes and restores them at the end.

namespace gmdiff::linear_algebra {

/// S = U diag(l) U^T.
struct SymmetricEigen {
  Eigen::MatrixXd U;
  Eigen::VectorXd l;  ///< ascending
};
/// Eigendecomposition of a symmetric matrix; only the lower triangle is read.
SymmetricEigen symmetric_eigen(const Eigen::MatrixXd& S);
/// Eigendecomposition of B B^T from the singular values of B, which keeps the relative accuracy of small
/// eigenvalues. l >= 0; B (d, m) gives U (d, d).
SymmetricEigen factor_eigen(const Eigen::MatrixXd& B);

/// A = U diag(s) V^T with square U (m, m) and V (n, n), s (min(m, n)) descending.
struct Svd {
  Eigen::MatrixXd U;
  Eigen::VectorXd s;
  Eigen::MatrixXd V;
  /// Number of s_i > max(m, n) eps s_1.
  Eigen::Index rank() const;
};
Svd full_svd(const Eigen::MatrixXd& A);

/// A lower-triangular (m, m) factor L with L L^T = M M^T and a diagonal >= 0, for M (m, n): QR of the
/// transpose, M Theta = [L 0].
Eigen::MatrixXd triangular_factor(const Eigen::MatrixXd& M);

/// Lower Cholesky factor; empty if the matrix is not numerically positive definite.
std::optional<Eigen::MatrixXd> cholesky(const Eigen::MatrixXd& S);

/// L^{-1} B for a lower-triangular L.
Eigen::MatrixXd solve_lower(const Eigen::MatrixXd& L, const Eigen::MatrixXd& B);
/// L^{-T} B for a lower-triangular L.
Eigen::MatrixXd solve_lower_transposed(const Eigen::MatrixXd& L, const Eigen::MatrixXd& B);

Eigen::MatrixXd product(const Eigen::MatrixXd& A, const Eigen::MatrixXd& B);
/// U diag(l) U^T, exactly symmetric.
Eigen::MatrixXd reconstruct(const Eigen::MatrixXd& U, const Eigen::VectorXd& l);

}  // namespace gmdiff::linear_algebra
