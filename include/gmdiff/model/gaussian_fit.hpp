#pragma once

#include <cstdint>

#include <Eigen/Core>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>

// The normal law with the largest evidence lower bound of a target (mathematics.md §15.5).

namespace gmdiff {

/// The rule for expectations under q: Gauss-Hermite's with 64 points on each axis in dimension 1 and 2,
/// otherwise the fixed draws of the search and as many new ones for the bound itself.
struct GaussianFitOptions {
  int draws = 1000;  ///< even, >= 4 d; not read in dimension 1 and 2
  std::uint64_t seed = 0;
};

/// A normal law q = N(mean, covariance) and its bound.
struct GaussianFit {
  Eigen::VectorXd mean;        ///< (d)
  Eigen::MatrixXd covariance;  ///< (d, d)
  /// E_q (l - log q) <= log Z; the difference is KL(q, p).
  double elbo;
  double elbo_error;  ///< standard error of the draws; 0 in dimension 1 and 2
  /// Largest derivative of the bound by the parameters of the search, in which the covariance of the start is
  /// the identity; near 0 at a maximum.
  double slope;
};

/// The bound of given normal laws, and its derivatives (Bonnet's and Price's theorems).
struct GaussianBound {
  double elbo;                    ///< E_q (l - log q)
  Eigen::VectorXd by_mean;        ///< (d) E_q grad l
  Eigen::MatrixXd by_covariance;  ///< (d, d) (E_q Hess l + S^-1) / 2, with the Hessian from gradients
};

/// @param mean (d). @param covariance (d, d), positive definite
/// @throws std::invalid_argument for other shapes and a covariance that is not positive definite.
GaussianBound gaussian_bound(const Target& target, const Eigen::VectorXd& mean,
                             const Eigen::MatrixXd& covariance, const GaussianFitOptions& options = {});

/// Maximises the bound from each component of `starts`, for example of `laplace_mixture`, by a quasi-Newton
/// method, and returns the best end. The bound has several local maxima where the target has several modes.
/// @throws std::invalid_argument for starts of another dimension, a component whose covariance is not positive
///   definite, draws out of range, and if l is not finite at a point of the rule of every start: the density
///   must be positive everywhere.
GaussianFit gaussian_fit(const Target& target, const Mixture& starts, const GaussianFitOptions& options = {});

}  // namespace gmdiff
