#pragma once

#include <limits>
#include <vector>

#include <gmdiff/base/points.hpp>

namespace gmdiff {

/// Structure of the covariances of a mixture; the first four are scikit-learn's names.
/// `common_basis`: every Sigma_k = U diag(l_k) U^T with one U, the posterior of a spherical or tied prior.
enum class CovarianceType { spherical, diag, tied, full, common_basis };

/// Name of a structure as problem files write it ("common_basis" is written as "full").
const char* to_string(CovarianceType type);

/// Description of the covariances of K components in dimension d: what `Mixture` is built from.
/// Nothing is checked or decomposed here; `Mixture` does both.
///
/// A dense matrix resolves eigenvalues down to about `eps` times its largest; give a factor
/// (eigenvectors and eigenvalues, or Cholesky) where conditioning matters (mathematics.md §2.5).
struct Covariance {
  CovarianceType type = CovarianceType::spherical;
  enum class Form { values, eigen, factor } form = Form::values;

  /// `values`: spherical (K, 1), diag (K, d). `eigen`: eigenvalues, tied (1, d), full and common basis (K, d).
  Points rows = {};
  /// `values`: tied one, full K symmetric (d, d) matrices. `eigen`: orthonormal bases U (columns are eigenvectors),
  /// tied and common basis one, full K. `factor`: matrices B with Sigma = B B^T, tied one, full K.
  std::vector<Eigen::MatrixXd> matrices = {};
  /// Relative precision of the numbers, in (0, 1): eps of the type in which matrices or bases were computed or stored, so
  /// `std::numeric_limits<float>::epsilon()` for what was float32 once. It says how far from symmetric, positive semidefinite or
  /// orthonormal rounding can have left them (mathematics.md §2.5).
  double relative_precision = std::numeric_limits<double>::epsilon();

  /// Sigma_k = variances[k] I.
  static Covariance spherical(std::vector<double> variances);
  /// Sigma_k = diag(variances.row(k)), shape (K, d).
  static Covariance diag(Points variances);
  /// One symmetric positive semidefinite (d, d) matrix for all components.
  static Covariance tied(Eigen::MatrixXd covariance);
  /// K symmetric positive semidefinite (d, d) matrices.
  static Covariance full(std::vector<Eigen::MatrixXd> covariances);

  /// Sigma = U diag(l) U^T: `basis` U (d, d) with orthonormal columns, `eigenvalues` l (d) >= 0.
  static Covariance tied_eigen(Eigen::MatrixXd basis, Eigen::VectorXd eigenvalues);
  /// Sigma_k = U_k diag(l_k) U_k^T: K bases (d, d), eigenvalues (K, d).
  static Covariance full_eigen(std::vector<Eigen::MatrixXd> bases, Points eigenvalues);
  /// Sigma_k = U diag(l_k) U^T: one basis (d, d), eigenvalues (K, d).
  static Covariance common_basis(Eigen::MatrixXd basis, Points eigenvalues);
  /// Sigma = L L^T; any square (d, d) factor serves, a Cholesky factor among them.
  static Covariance tied_cholesky(Eigen::MatrixXd factor);
  /// Sigma_k = L_k L_k^T.
  static Covariance full_cholesky(std::vector<Eigen::MatrixXd> factors);
};

}  // namespace gmdiff
