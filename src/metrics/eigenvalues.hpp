#pragma once

#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// Eigenvalue i of the covariance of component k, for every structure.
inline double eigenvalue(const Mixture& mixture, Eigen::Index k, Eigen::Index i) {
  const Points& rows = mixture.eigenvalues();
  return rows(rows.rows() == 1 ? 0 : k, rows.cols() == 1 ? 0 : i);
}

/// Eigenvalues of the covariance of component k, shape (d).
inline Eigen::VectorXd component_eigenvalues(const Mixture& mixture, Eigen::Index k) {
  return Eigen::VectorXd::NullaryExpr(mixture.dim(),
                                      [&](Eigen::Index i) { return eigenvalue(mixture, k, i); });
}

}  // namespace gmdiff
