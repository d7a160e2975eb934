#pragma once

#include <vector>

#include <gmdiff/model/covariance.hpp>

namespace gmdiff {

/// Covariances checked and decomposed (mathematics.md §2.1); shapes as in `Mixture::Data`.
struct CovarianceDecomposition {
  Points eigenvalues;
  std::vector<Eigen::MatrixXd> bases;
  std::vector<Eigen::MatrixXd> dense;
};

/// Checks and decomposes the covariances of `num_components` >= 1 components in dimension `dim` >= 1.
/// @throws std::invalid_argument for wrong shapes, entries that are not finite, negative variances,
///   matrices that are not symmetric, not positive semidefinite or, given as bases, not orthonormal; messages
///   begin with "Mixture: ".
CovarianceDecomposition decompose(const Covariance& covariance, Eigen::Index num_components,
                                  Eigen::Index dim);

}  // namespace gmdiff
