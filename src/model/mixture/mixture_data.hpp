#pragma once

#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// Data of a `Mixture`, which its constructor checks, normalises and decomposes (mathematics.md §2.1).
struct Mixture::Data {
  Eigen::VectorXd weights;
  Eigen::VectorXd log_weights;
  Points means;
  CovarianceType type;
  Points eigenvalues;                  ///< spherical (K, 1), tied (1, d), otherwise (K, d); all >= 0
  std::vector<Eigen::MatrixXd> bases;  ///< none, one (tied, common basis) or K (full)
  std::vector<Eigen::MatrixXd> dense;  ///< dense matrices Sigma as given (tied 1, full K), otherwise empty
  Points rotated_means;    ///< means in the common basis (tied, common basis), otherwise equal to `means`
  Eigen::VectorXd centre;  ///< sum_k w_k mu_k, (d)
  Points centred_means;    ///< U_k^T (mu_k - centre), (K, d); U_k = I without bases

  /// l_{k,i}, for every structure.
  double eigenvalue(Eigen::Index k, Eigen::Index i) const {
    return eigenvalues(eigenvalues.rows() == 1 ? 0 : k, eigenvalues.cols() == 1 ? 0 : i);
  }
};

}  // namespace gmdiff
