#pragma once

#include <limits>
#include <vector>

#include <gmdiff/base/points.hpp>

namespace gmdiff {

/// Structure of the covariances of a mixture. The first four have the names and meanings of scikit-learn.
/// With `common_basis` every Sigma_k = U diag(l_k) U^T has the same U; posteriors of spherical priors have
/// this structure.
enum class CovarianceType { spherical, diag, tied, full, common_basis };

/// Name of a structure as problem files write it ("common_basis" is written as "full").
const char* to_string(CovarianceType type);

/// Description of the covariances of K components in dimension d, from which a `Mixture` is constructed. The
/// constructor of `Mixture` checks and decomposes them.
///
/// A dense matrix resolves eigenvalues down to about `eps` times its largest; use a factor (eigenvectors and
/// eigenvalues, or Cholesky) if conditioning matters (mathematics.md §2.5).
struct Covariance {
  CovarianceType type = CovarianceType::spherical;
  /// Which numbers `rows` and `matrices` hold.
  enum class Form { values, eigen, factor } form = Form::values;

  /// `values`: spherical (K, 1), diag (K, d). `eigen`: eigenvalues, tied (1, d), full and common basis (K,
  /// d).
  Points rows = {};
  /// `values`: tied one, full K symmetric (d, d) matrices. `eigen`: orthonormal bases U (columns are
  /// eigenvectors), tied and common basis one, full K. `factor`: matrices B with Sigma = B B^T, tied one,
  /// full K.
  std::vector<Eigen::MatrixXd> matrices = {};
  /// Relative precision of the numbers, in (0, 1): eps of the type in which matrices or bases were computed
  /// or stored, e.g. `std::numeric_limits<float>::epsilon()` for numbers that were float32. It bounds how far
  /// rounding can have moved them from symmetric, positive semidefinite or orthonormal (mathematics.md §2.5).
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
  /// Sigma = L L^T for any square (d, d) factor, for example a Cholesky factor.
  static Covariance tied_cholesky(Eigen::MatrixXd factor);
  /// Sigma_k = L_k L_k^T.
  static Covariance full_cholesky(std::vector<Eigen::MatrixXd> factors);
};

}  // namespace gmdiff
