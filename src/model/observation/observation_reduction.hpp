#pragma once

#include <optional>

#include <gmdiff/model/observation.hpp>

namespace gmdiff {

/// A linear-Gaussian observation in the form from which posteriors are computed (mathematics.md §2.7): an
/// equivalent `y = A x + G e`, e ~ N(0, I), with m entries, none of which is only noise. At every x the
/// log-density of the original y is that of the reduced y plus log_constant.
struct ReducedObservation {
  Eigen::MatrixXd A;  ///< (m, d)
  Eigen::VectorXd y;  ///< (m)
  Eigen::MatrixXd G;  ///< (m, m), R = G G^T
  long double log_constant;
  /// (dy, m): y is rotation^T times the original y. Empty where a tall problem was compressed.
  Eigen::MatrixXd rotation;

  /// Set if R is positive definite or 0: A = diag(s) (V^T)_{1..m} with all s > 0, and G = noise_std I.
  struct Diagonal {
    Eigen::MatrixXd V;  ///< (d, d) orthogonal
    Eigen::VectorXd s;  ///< (m) descending
    double noise_std;
  };
  std::optional<Diagonal> diagonal;
};

/// Whitens by R where it is positive definite, compresses tall problems and rotates the observation into the
/// singular directions of A. Entries of y that are only noise, because A is rank-deficient, are dropped.
/// @throws std::invalid_argument for R = 0 and linearly dependent rows: then A Sigma A^T + R is singular
///   for every Sigma.
ReducedObservation reduce(const LinearObservation& observation);

}  // namespace gmdiff
