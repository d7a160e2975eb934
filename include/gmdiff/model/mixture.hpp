#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/covariance.hpp>

namespace gmdiff {

/// Gaussian mixture `p_0(x) = sum_k w_k N(x; mu_k, Sigma_k)` (mathematics.md §2); immutable, cheap to copy.
///
/// Every function that takes a `Level` computes with the diffused law `p_t` of `x_t = alpha x_0 + sigma eps`,
/// whose components are `N(alpha mu_k, C_k)`, `C_k = alpha^2 Sigma_k + sigma^2 I`. Points are rows of an (n,
/// d) array; n = 0 is allowed. These functions compute in double on the calling thread. They throw
/// std::invalid_argument when the dimension of the points differs from `dim()`, when a point is not finite,
/// when alpha or sigma is neither 0 nor a positive number whose square is a normal double, or when both are
/// 0. Densities and scores throw std::domain_error if p_t has no density (sigma = 0 and a singular Sigma_k of
/// weight > 0).
class Mixture {
 public:
  /// @param weights (K) finite, >= 0, not all zero; normalised here. A component of weight 0 is allowed and
  ///   never occurs.
  /// @param means (K, d) finite.
  /// @param covariance K components in dimension d; see `Covariance`. Eigenvalues of dense matrices up to
  ///   `d eps l_max` count as 0, and so do negative ones that rounding explains. An asymmetry or a negative
  ///   eigenvalue that rounding does not explain (mathematics.md §2.5) is an error.
  /// @throws std::invalid_argument naming the argument, with index, expected and given value.
  Mixture(const std::vector<double>& weights, Points means, const Covariance& covariance);
  /// Constructs a mixture from log-weights (K), which are normalised here: < inf, not all -inf; -inf is a
  /// zero weight. Weights too small for a double keep their log-weight.
  static Mixture from_log_weights(const Eigen::VectorXd& log_weights, Points means,
                                  const Covariance& covariance);

  Eigen::Index dim() const;
  Eigen::Index num_components() const;
  /// Normalised weights (K).
  const Eigen::VectorXd& weights() const;
  /// log weights (K), -inf for a zero weight.
  const Eigen::VectorXd& log_weights() const;
  /// mu_k, shape (K, d).
  const Points& means() const;
  CovarianceType covariance_type() const;
  /// Eigenvalues l: spherical (K, 1), tied (1, d), otherwise (K, d).
  const Points& eigenvalues() const;
  /// Eigenvectors U (columns): none for spherical and diag, one for tied and common basis, K for full.
  const std::vector<Eigen::MatrixXd>& bases() const;
  /// The dense matrices Sigma (d, d) that the mixture was given: one for tied, K for full; none when it was
  /// given eigenvalues or factors.
  const std::vector<Eigen::MatrixXd>& dense_covariances() const;
  /// Dense Sigma_k (d, d): the given matrix, or U diag(l) U^T.
  Eigen::MatrixXd component_covariance(Eigen::Index k) const;

  /// log p_t(x), shape (n) (§2.2).
  Eigen::VectorXd log_pdf(const Points& x, Level level = {}) const;
  /// p_t(x), shape (n).
  Eigen::VectorXd pdf(const Points& x, Level level = {}) const;
  /// log P(component k | x_t = x), shape (n, K) (§2.2).
  Points log_responsibilities(const Points& x, Level level = {}) const;
  /// P(component k | x_t = x), shape (n, K).
  Points responsibilities(const Points& x, Level level = {}) const;
  /// grad_x log p_t(x), shape (n, d) (§2.2).
  Points score(const Points& x, Level level = {}) const;
  /// D = E[x_0 | x_t = x], shape (n, d) (§2.3); finite at every level, alpha = 0 and sigma = 0 included.
  Points denoiser(const Points& x, Level level) const;
  /// J v, J = dD/dx, for tangents v of shape (n, d) (§2.4).
  Points denoiser_jvp(const Points& x, const Points& v, Level level) const;
  /// H v, H = Hessian of log p_t, for tangents v of shape (n, d) (§2.4).
  Points hessian_vp(const Points& x, const Points& v, Level level = {}) const;
  /// Cov[x_0 | x_t = x], n matrices (d, d) (§2.4).
  std::vector<Eigen::MatrixXd> posterior_covariance(const Points& x, Level level) const;

  /// P(X <= x) of a mixture with d = 1, shape (n) (§2.6); x may be infinite.
  /// This function and the next four throw std::invalid_argument unless dim() == 1, and for NaN.
  Eigen::VectorXd cdf(const Eigen::VectorXd& x) const;
  /// P(X > x), computed from Phi(-z) and therefore accurate where cdf is 1.
  Eigen::VectorXd survival(const Eigen::VectorXd& x) const;
  /// log P(X <= x), accurate far into the tail.
  Eigen::VectorXd log_cdf(const Eigen::VectorXd& x) const;
  /// log P(X > x).
  Eigen::VectorXd log_survival(const Eigen::VectorXd& x) const;
  /// Smallest x with cdf(x) >= u, for u in [0, 1] (0 and 1 give -inf and inf): safeguarded Newton on the log
  /// of the smaller tail.
  Eigen::VectorXd quantile(const Eigen::VectorXd& u) const;

  /// E[X], shape (d) (§2.6).
  Eigen::VectorXd mean() const;
  /// Cov[X], shape (d, d).
  Eigen::MatrixXd covariance() const;

  /// Law of the given coordinates in the given order. There must be at least one; all are different and in
  /// [0, d). The covariance structure is that of `push_forward`.
  Mixture marginal(std::span<const Eigen::Index> coordinates) const;
  /// Law of `A x + b`: A (m, d), b (m), both finite, m >= 1. The weights do not change.
  ///
  /// The result has the cheapest structure that represents it. m = 1 gives spherical. A multiple of an
  /// orthogonal matrix keeps spherical, tied, full and common basis. An A with at most one nonzero entry in
  /// each row and column keeps diag. Otherwise spherical gives tied (equal variances) or common basis, tied
  /// gives tied, and the others give full.
  Mixture push_forward(const Eigen::MatrixXd& A, const Eigen::VectorXd& b) const;
  /// Law of `alpha x + sigma eps` (§2.1); keeps the covariance structure.
  Mixture diffuse(Level level) const;
  /// Law of `<u, x>`, a 1-D mixture; u (d) need not have length 1.
  Mixture project(const Eigen::VectorXd& u) const;

  struct Data;  // the checked and decomposed arguments of the constructor; src/model/mixture/mixture_data.hpp

 private:
  explicit Mixture(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

}  // namespace gmdiff
