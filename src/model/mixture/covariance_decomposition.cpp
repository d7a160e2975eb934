#include "model/mixture/covariance_decomposition.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/covariance_check.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

struct Shape {
  Index num_components;
  Index dim;
};

// Name in messages: "covariance 3" when there are several, otherwise "covariance".
std::string numbered(const char* what, Index k, Index count) {
  return count == 1 ? what : concat(what, " ", k);
}

void check_rows(const Points& rows, Index num_rows, Index num_columns, const char* what) {
  require(rows.rows() == num_rows && rows.cols() == num_columns, "Mixture: ", what, " have shape ",
          rows.rows(), "x", rows.cols(), ", expected ", num_rows, "x", num_columns);
  for (Index k = 0; k < rows.rows(); ++k) {
    for (Index i = 0; i < rows.cols(); ++i) {
      require(rows(k, i) >= 0.0 && std::isfinite(rows(k, i)), "Mixture: entry (", k, ", ", i, ") of the ",
              what, " is ", rows(k, i), ", expected finite and >= 0");
    }
  }
}

void check_matrices(const std::vector<MatrixXd>& matrices, Index count, Index dim, const char* what) {
  require(static_cast<Index>(matrices.size()) == count, "Mixture: ", matrices.size(), " ", what,
          " matrices given, expected ", count);
  for (Index k = 0; k < count; ++k) {
    const MatrixXd& matrix = matrices[static_cast<std::size_t>(k)];
    require(matrix.rows() == dim && matrix.cols() == dim, "Mixture: ", numbered(what, k, count), " is ",
            matrix.rows(), "x", matrix.cols(), " but the dimension is ", dim);
    for (Index j = 0; j < dim; ++j) {
      for (Index i = 0; i < dim; ++i) {
        require(std::isfinite(matrix(i, j)), "Mixture: entry (", i, ", ", j, ") of ",
                numbered(what, k, count), " is ", matrix(i, j), ", expected a finite number");
      }
    }
  }
}

// Sets eigenvalues to 0 that a dense matrix does not resolve from 0.
void clip_eigenvalues(Eigen::VectorXd& l) {
  const double resolved =
      static_cast<double>(l.size()) * std::numeric_limits<double>::epsilon() * l.cwiseAbs().maxCoeff();
  l = (l.array() > resolved).select(l, 0.0);
}

CovarianceDecomposition from_dense(const Covariance& covariance, Index count, Index dim) {
  check_matrices(covariance.matrices, count, dim, "covariance");
  CovarianceDecomposition result{.eigenvalues = Points(count, dim), .bases = {}, .dense = {}};
  for (Index k = 0; k < count; ++k) {
    const MatrixXd& given = covariance.matrices[static_cast<std::size_t>(k)];
    MatrixXd S = symmetrised(given);
    linear_algebra::SymmetricEigen eigen = linear_algebra::symmetric_eigen(S);
    check_covariance(given, eigen.l, covariance.relative_precision,
                     concat("Mixture: ", numbered("covariance", k, count)));
    const bool stands_for_itself = is_semidefinite_in_double(eigen.l);
    clip_eigenvalues(eigen.l);
    result.dense.push_back(stands_for_itself ? std::move(S) : linear_algebra::reconstruct(eigen.U, eigen.l));
    result.eigenvalues.row(k) = eigen.l.transpose();
    result.bases.push_back(std::move(eigen.U));
  }
  return result;
}

CovarianceDecomposition from_factors(const std::vector<MatrixXd>& matrices, Index count, Index dim) {
  check_matrices(matrices, count, dim, "factor");
  CovarianceDecomposition result{.eigenvalues = Points(count, dim), .bases = {}, .dense = {}};
  for (Index k = 0; k < count; ++k) {
    linear_algebra::SymmetricEigen eigen =
        linear_algebra::factor_eigen(matrices[static_cast<std::size_t>(k)]);
    result.eigenvalues.row(k) = eigen.l.transpose();
    result.bases.push_back(std::move(eigen.U));
  }
  // Squares of large singular values may overflow.
  check_rows(result.eigenvalues, count, dim, "eigenvalues");
  return result;
}

double orthonormality_error(const MatrixXd& U) {
  return (linear_algebra::product(U.transpose(), U) - MatrixXd::Identity(U.rows(), U.cols()))
      .cwiseAbs()
      .maxCoeff();
}

// The nearest orthonormal basis: two Newton steps U (3 I - U^T U) / 2 take an error of 1e-5 to the rounding
// of doubles (Higham, Functions of Matrices, §8.3).
MatrixXd orthonormalised(MatrixXd U) {
  const MatrixXd identity = MatrixXd::Identity(U.rows(), U.cols());
  for (int step = 0; step < 2; ++step) {
    U = linear_algebra::product(U, 1.5 * identity - 0.5 * linear_algebra::product(U.transpose(), U));
  }
  return U;
}

CovarianceDecomposition from_eigen(const Covariance& covariance, Index num_bases, Index num_rows, Index dim) {
  check_matrices(covariance.matrices, num_bases, dim, "basis");
  check_rows(covariance.rows, num_rows, dim, "eigenvalues");
  CovarianceDecomposition result{.eigenvalues = covariance.rows, .bases = covariance.matrices, .dense = {}};
  for (Index k = 0; k < num_bases; ++k) {
    MatrixXd& U = result.bases[static_cast<std::size_t>(k)];
    const double error = orthonormality_error(U);
    require(error <= largest_orthonormality_error(dim, covariance.relative_precision),
            "Mixture: ", numbered("basis", k, num_bases),
            " is not orthonormal (largest entry of |U^T U - I| is ", scientific(error), ")");
    if (error > largest_orthonormality_error(dim, std::numeric_limits<double>::epsilon()))
      U = orthonormalised(std::move(U));
  }
  return result;
}

CovarianceDecomposition from_variances(const Points& variances, Index num_components, Index num_columns) {
  check_rows(variances, num_components, num_columns, "variances");
  return {.eigenvalues = variances, .bases = {}, .dense = {}};
}

CovarianceDecomposition from_matrices(const Covariance& covariance, const Shape& shape) {
  const Index count = covariance.type == CovarianceType::full ? shape.num_components : 1;
  const Index num_rows = covariance.type == CovarianceType::common_basis ? shape.num_components : count;
  switch (covariance.form) {
    case Covariance::Form::values:
      return from_dense(covariance, count, shape.dim);
    case Covariance::Form::factor:
      return from_factors(covariance.matrices, count, shape.dim);
    case Covariance::Form::eigen:
      return from_eigen(covariance, count, num_rows, shape.dim);
  }
  fail("Mixture: unknown form of covariances");
}

}  // namespace

CovarianceDecomposition decompose(const Covariance& covariance, Index num_components, Index dim) {
  const bool eigen_form = covariance.form == Covariance::Form::eigen;
  switch (covariance.type) {
    case CovarianceType::spherical:
    case CovarianceType::diag:
      require(covariance.form == Covariance::Form::values, "Mixture: ", to_string(covariance.type),
              " covariances are given as values, not as eigenvectors or factors");
      return from_variances(covariance.rows, num_components,
                            covariance.type == CovarianceType::spherical ? 1 : dim);
    case CovarianceType::common_basis:
      require(eigen_form,
              "Mixture: covariances with a common basis are given as eigenvectors and eigenvalues");
      break;
    case CovarianceType::tied:
    case CovarianceType::full:
      break;
  }
  return from_matrices(covariance, {num_components, dim});
}

}  // namespace gmdiff
