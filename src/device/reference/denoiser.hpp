#pragma once

#include <memory>
#include <vector>

#include <gmdiff/plan/plan.hpp>

// The mixture at one level, straight from the definitions: densities and D by Cholesky factors of
// C_k = alpha^2 Sigma_k + sigma^2 I (mathematics.md §2.1-2.3). Vectors are plain arrays of d doubles.

namespace gmdiff::reference {

/// The mixture of a plan, with dense Sigma_k if the structure has them: the data that all levels share.
class Model {
 public:
  explicit Model(const MixtureTable& table);

  Eigen::Index dim() const { return table_.dim(); }
  Eigen::Index num_components() const { return table_.num_components(); }
  const MixtureTable& table() const { return table_; }
  /// tied, full, common basis: Sigma_k are matrices; spherical, diag: rows of variances.
  bool is_dense() const { return !table_.bases.empty(); }
  const double* mean(Eigen::Index k) const { return table_.means.row(k).data(); }
  /// Eigenvalue i of Sigma_k; for spherical and diag the variance of coordinate i.
  double eigenvalue(Eigen::Index k, Eigen::Index i) const;
  /// Dense Sigma_k, as given or rebuilt from its eigenvectors.
  const Eigen::MatrixXd& covariance(Eigen::Index k) const;
  /// Coordinates of the noise for component k: U_k, or null if they are the coordinates of the data
  /// (spherical, diag).
  const Eigen::MatrixXd* component_basis(Eigen::Index k) const;
  /// Coordinates of the noise of the plan: the U that all components share (tied, common basis), else null.
  const Eigen::MatrixXd* common_basis() const;

 private:
  const MixtureTable& table_;
  std::vector<Eigen::MatrixXd> rebuilt_;  // one (tied) or K; empty when the table holds them or none is dense
};

/// out = U z, or z itself without a basis.
void from_basis(const Eigen::MatrixXd* U, const double* z, double* out, Eigen::Index dim);

/// The covariance C = alpha^2 Sigma + sigma^2 I of one component at one level with sigma > 0.
class DiffusedCovariance {
 public:
  virtual ~DiffusedCovariance() = default;
  virtual double log_determinant() const = 0;
  /// v^T C^{-1} v. `work` has room for d. In long double a square of a huge but finite coordinate does not
  /// overflow.
  virtual long double quadratic(const double* v, double* work) const = 0;
  /// out = (p Sigma + q I) C^{-1} v, for regressions on x_t. `work` has room for d.
  virtual void regress(const double* v, double p, double q, double* out, double* work) const = 0;
};

/// The diffused mixture p_t = sum_k w_k N(alpha mu_k, C_k) at one level.
class DiffusedMixture {
 public:
  /// @param needs_density at sigma = 0: whether the law has a density and the caller needs it.
  DiffusedMixture(const Model& model, Level level, bool needs_density = false);

  /// r_k = P(component k | x_t = x), shape (K), for sigma > 0 (§2.2).
  void responsibilities(const double* x, double* r);
  /// log r_k (K), for levels where the law has a density. @returns log p_t(x).
  double log_responsibilities(const double* x, double* log_r);
  /// grad log p_t(x) = -sum_k r_k C_k^{-1} (x - alpha mu_k) (§2.2), for levels where the law has a density.
  void score(const double* x, double* s);
  /// D = E[x_0 | x_t = x] = sum_k r_k m_k, m_k = mu_k + alpha Sigma_k C_k^{-1} (x - alpha mu_k); x / alpha at
  /// sigma = 0 (§2.3).
  void denoiser(const double* x, double* D);
  /// out = Cov[x_0 | x_t, component k] v = sigma^2 Sigma_k C_k^{-1} v, for a component of weight > 0 and
  /// sigma > 0.
  void posterior_covariance(Eigen::Index k, const double* v, double* out);
  /// out = a mu_k + (p Sigma_k + q I) C_k^{-1} (x - alpha mu_k), for a component of weight > 0 and sigma > 0.
  void regress(Eigen::Index k, const double* x, double a, double p, double q, double* out);

 private:
  const double* difference(Eigen::Index k, const double* x);  // x - alpha mu_k
  long double fill_log_terms(const double* x);                // ell_k without d/2 log(2 pi); their maximum

  const Model& model_;
  Level level_;
  // (K); null for a component of weight 0 and at sigma = 0
  std::vector<std::shared_ptr<const DiffusedCovariance>> covariances_;
  std::vector<double> difference_, work_, component_mean_;  // (d) each
  std::vector<double> responsibilities_;                    // (K)
  std::vector<double> log_factors_;                         // (K): log w_k - 1/2 log det C_k
  std::vector<long double> log_terms_;                      // (K)
};

}  // namespace gmdiff::reference
