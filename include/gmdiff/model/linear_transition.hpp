#pragma once

#include <Eigen/Core>

#include <gmdiff/model/mixture.hpp>

// Exact transitions of linear SDEs (mathematics.md §16.2).

namespace gmdiff {

/// The law of X_{t+h} = F X_t + shift + factor z with standard normals z.
struct LinearTransition {
  Eigen::MatrixXd F;      ///< (d, d)
  Eigen::VectorXd shift;  ///< (d)
  Eigen::MatrixXd
      factor;  ///< (d, d) lower triangular: the covariance of X_{t+h} given X_t is factor factor^T

  /// factor factor^T.
  Eigen::MatrixXd covariance() const;
  /// The law of X_{t+h} if X_t has the law `start`. @throws std::invalid_argument for another dimension.
  Mixture law(const Mixture& start) const;
};

/// The transition over the time h of dX = (A X + b) dt + dW, where W has the covariance S per unit of time.
/// It is computed in extended precision and rounded once.
/// @param A (d, d), d >= 1.
/// @param b (d).
/// @param S (d, d) symmetric and positive semidefinite; coordinates without noise have rows of zeros.
/// @param h >= 0.
/// @throws std::invalid_argument for shapes that do not agree, numbers that are not finite, a negative h, an
///   S that is not symmetric, and a transition that exceeds the range of a double.
LinearTransition linear_transition(const Eigen::MatrixXd& A, const Eigen::VectorXd& b,
                                   const Eigen::MatrixXd& S, double h);

}  // namespace gmdiff
