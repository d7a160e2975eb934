#include "device/reference/denoiser.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "base/linear_algebra.hpp"

namespace gmdiff::reference {

namespace {

/// Below this ratio of the smallest to the largest eigenvalue, a matrix in double holds fewer than four
/// digits of the smallest one. C is then computed from U and l, which hold it in full, and not from a
/// Cholesky factor of its entries.
constexpr double smallest_ratio_for_cholesky = 1e-12;

/// Spherical and diag: all matrices are diagonal.
class DiagonalCovariance final : public DiffusedCovariance {
 public:
  DiagonalCovariance(const Model& model, Eigen::Index k, Level level) : l_(model.dim()), c_(model.dim()) {
    for (Eigen::Index i = 0; i < l_.size(); ++i) l_(i) = model.eigenvalue(k, i);
    c_ = level.alpha * level.alpha * l_.array() + level.sigma * level.sigma;
  }
  double log_determinant() const override { return c_.array().log().sum(); }

  long double quadratic(const double* v, double* /*work*/) const override {
    long double sum = 0;
    for (Eigen::Index i = 0; i < c_.size(); ++i) sum += static_cast<long double>(v[i]) * v[i] / c_(i);
    return sum;
  }

  void regress(const double* v, double p, double q, double* out, double* /*work*/) const override {
    for (Eigen::Index i = 0; i < c_.size(); ++i) out[i] = (p * l_(i) + q) / c_(i) * v[i];
  }

 private:
  Eigen::VectorXd l_, c_;
};

/// Dense Sigma: C = L L^T. Loops run down columns, the order of matrices in memory.
class CholeskyCovariance final : public DiffusedCovariance {
 public:
  CholeskyCovariance(const Eigen::MatrixXd& sigma, Eigen::MatrixXd L) : sigma_(sigma), L_(std::move(L)) {}
  double log_determinant() const override { return 2.0 * L_.diagonal().array().log().sum(); }

  long double quadratic(const double* v, double* z) const override {
    solve_lower(v, z);
    long double sum = 0;
    for (Eigen::Index i = 0; i < L_.rows(); ++i) sum += static_cast<long double>(z[i]) * z[i];
    return sum;
  }

  void regress(const double* v, double p, double q, double* out, double* y) const override {
    solve_lower(v, y);
    solve_lower_transposed(y);  // y = C^{-1} v
    const Eigen::Index d = L_.rows();
    for (Eigen::Index i = 0; i < d; ++i) out[i] = q * y[i];
    for (Eigen::Index j = 0; j < d; ++j) {
      const double* column = sigma_.col(j).data();
      for (Eigen::Index i = 0; i < d; ++i) out[i] += p * y[j] * column[i];
    }
  }

 private:
  /// z = L^{-1} v.
  void solve_lower(const double* v, double* z) const {
    const Eigen::Index d = L_.rows();
    std::copy(v, v + d, z);
    for (Eigen::Index j = 0; j < d; ++j) {
      const double* column = L_.col(j).data();
      z[j] /= column[j];
      for (Eigen::Index i = j + 1; i < d; ++i) z[i] -= column[i] * z[j];
    }
  }

  /// y <- L^{-T} y.
  void solve_lower_transposed(double* y) const {
    const Eigen::Index d = L_.rows();
    for (Eigen::Index j = d - 1; j >= 0; --j) {
      const double* column = L_.col(j).data();
      for (Eigen::Index i = j + 1; i < d; ++i) y[j] -= column[i] * y[i];
      y[j] /= column[j];
    }
  }

  const Eigen::MatrixXd& sigma_;
  Eigen::MatrixXd L_;
};

/// Dense Sigma that is numerically singular at this level: C = U diag(c) U^T.
class EigenCovariance final : public DiffusedCovariance {
 public:
  EigenCovariance(const Eigen::MatrixXd& U, Eigen::VectorXd l, Level level)
      : U_(U), l_(std::move(l)), c_(level.alpha * level.alpha * l_.array() + level.sigma * level.sigma) {}
  double log_determinant() const override { return c_.array().log().sum(); }

  long double quadratic(const double* v, double* /*work*/) const override {
    long double sum = 0;
    for (Eigen::Index i = 0; i < c_.size(); ++i) {
      const long double z = coordinate(i, v);
      sum += z * z / c_(i);
    }
    return sum;
  }

  void regress(const double* v, double p, double q, double* out, double* z) const override {
    for (Eigen::Index i = 0; i < c_.size(); ++i) z[i] = (p * l_(i) + q) / c_(i) * coordinate(i, v);
    from_basis(&U_, z, out, c_.size());
  }

 private:
  /// Coordinate i of U^T v.
  double coordinate(Eigen::Index i, const double* v) const {
    const double* column = U_.col(i).data();
    double sum = 0.0;
    for (Eigen::Index j = 0; j < c_.size(); ++j) sum += column[j] * v[j];
    return sum;
  }

  const Eigen::MatrixXd& U_;
  Eigen::VectorXd l_, c_;
};

std::shared_ptr<const DiffusedCovariance> diffuse_dense(const Model& model, Eigen::Index k, Level level) {
  const double alpha2 = level.alpha * level.alpha;
  const double sigma2 = level.sigma * level.sigma;
  Eigen::VectorXd l(model.dim());
  for (Eigen::Index i = 0; i < l.size(); ++i) l(i) = model.eigenvalue(k, i);

  const bool resolved =
      alpha2 * l.minCoeff() + sigma2 > smallest_ratio_for_cholesky * (alpha2 * l.maxCoeff() + sigma2);
  if (resolved) {
    Eigen::MatrixXd C = alpha2 * model.covariance(k);
    C.diagonal().array() += sigma2;
    if (auto L = linear_algebra::cholesky(C))
      return std::make_shared<CholeskyCovariance>(model.covariance(k), std::move(*L));
  }
  return std::make_shared<EigenCovariance>(*model.component_basis(k), std::move(l), level);
}

}  // namespace

Model::Model(const MixtureTable& table) : table_(table) {
  if (!is_dense() || !table_.covariances.empty()) return;
  const Eigen::Index matrices = table_.structure == CovarianceType::tied ? 1 : num_components();
  for (Eigen::Index k = 0; k < matrices; ++k) {
    rebuilt_.push_back(
        linear_algebra::reconstruct(*component_basis(k), table_.eigenvalues.row(k).transpose()));
  }
}

double Model::eigenvalue(Eigen::Index k, Eigen::Index i) const {
  const Points& l = table_.eigenvalues;
  return l(l.rows() == 1 ? 0 : k, l.cols() == 1 ? 0 : i);
}

const Eigen::MatrixXd& Model::covariance(Eigen::Index k) const {
  const auto& matrices = rebuilt_.empty() ? table_.covariances : rebuilt_;
  return matrices[matrices.size() == 1 ? 0 : static_cast<std::size_t>(k)];
}

const Eigen::MatrixXd* Model::component_basis(Eigen::Index k) const {
  if (!is_dense()) return nullptr;
  return &table_.bases[table_.bases.size() == 1 ? 0 : static_cast<std::size_t>(k)];
}

const Eigen::MatrixXd* Model::common_basis() const {
  const bool shared =
      table_.structure == CovarianceType::tied || table_.structure == CovarianceType::common_basis;
  return shared ? &table_.bases.front() : nullptr;
}

void from_basis(const Eigen::MatrixXd* U, const double* z, double* out, Eigen::Index dim) {
  if (U == nullptr) {
    std::copy(z, z + dim, out);
    return;
  }
  std::fill(out, out + dim, 0.0);
  for (Eigen::Index j = 0; j < dim; ++j) {
    const double* column = U->col(j).data();
    for (Eigen::Index i = 0; i < dim; ++i) out[i] += z[j] * column[i];
  }
}

DiffusedMixture::DiffusedMixture(const Model& model, Level level, bool needs_density)
    : model_(model),
      level_(level),
      covariances_(static_cast<std::size_t>(model.num_components())),
      difference_(static_cast<std::size_t>(model.dim())),
      work_(difference_.size()),
      component_mean_(difference_.size()),
      responsibilities_(covariances_.size()),
      log_factors_(covariances_.size()),
      log_terms_(covariances_.size()) {
  if (level.sigma == 0.0 && !needs_density) return;
  std::shared_ptr<const DiffusedCovariance> tied;
  for (Eigen::Index k = 0; k < model.num_components(); ++k) {
    const double log_weight = model.table().log_weights(k);
    if (std::isinf(log_weight)) continue;
    auto& covariance = covariances_[static_cast<std::size_t>(k)];
    if (!model.is_dense()) {
      covariance = std::make_shared<DiagonalCovariance>(model, k, level);
    } else if (model.table().structure == CovarianceType::tied) {
      if (!tied) tied = diffuse_dense(model, k, level);
      covariance = tied;
    } else {
      covariance = diffuse_dense(model, k, level);
    }
    log_factors_[static_cast<std::size_t>(k)] = log_weight - 0.5 * covariance->log_determinant();
  }
}

const double* DiffusedMixture::difference(Eigen::Index k, const double* x) {
  const double* mean = model_.mean(k);
  for (std::size_t i = 0; i < difference_.size(); ++i) difference_[i] = x[i] - level_.alpha * mean[i];
  return difference_.data();
}

long double DiffusedMixture::fill_log_terms(const double* x) {
  // ell_k = log w_k - 1/2 v^T C_k^{-1} v - 1/2 log det C_k
  long double maximum = -std::numeric_limits<long double>::infinity();
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    if (!covariances_[k]) continue;
    const long double quadratic =
        covariances_[k]->quadratic(difference(static_cast<Eigen::Index>(k), x), work_.data());
    log_terms_[k] = log_factors_[k] - 0.5L * quadratic;
    maximum = std::max(maximum, log_terms_[k]);
  }
  return maximum;
}

void DiffusedMixture::responsibilities(const double* x, double* r) {
  const long double maximum = fill_log_terms(x);
  // r_k = exp(ell_k - max) / sum of the same
  double sum = 0.0;
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    r[k] = covariances_[k] ? std::exp(static_cast<double>(log_terms_[k] - maximum)) : 0.0;
    sum += r[k];
  }
  for (std::size_t k = 0; k < covariances_.size(); ++k) r[k] /= sum;
}

double DiffusedMixture::log_responsibilities(const double* x, double* log_r) {
  const long double maximum = fill_log_terms(x);
  long double sum = 0.0L;
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    if (covariances_[k]) sum += std::exp(log_terms_[k] - maximum);
  }
  const long double log_sum = std::log(sum);
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    log_r[k] = covariances_[k] ? static_cast<double>(log_terms_[k] - maximum - log_sum)
                               : -std::numeric_limits<double>::infinity();
  }
  const auto dim = static_cast<long double>(difference_.size());
  return static_cast<double>(maximum + log_sum -
                             0.5L * dim * std::log(2.0L * std::numbers::pi_v<long double>));
}

void DiffusedMixture::score(const double* x, double* s) {
  const std::size_t dim = difference_.size();
  responsibilities(x, responsibilities_.data());
  std::fill(s, s + dim, 0.0);
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    if (responsibilities_[k] == 0.0) continue;
    regress(static_cast<Eigen::Index>(k), x, 0.0, 0.0, 1.0,
            component_mean_.data());  // C_k^{-1} (x - alpha mu_k)
    for (std::size_t i = 0; i < dim; ++i) s[i] -= responsibilities_[k] * component_mean_[i];
  }
}

void DiffusedMixture::regress(Eigen::Index k, const double* x, double a, double p, double q, double* out) {
  covariances_[static_cast<std::size_t>(k)]->regress(difference(k, x), p, q, out, work_.data());
  const double* mean = model_.mean(k);
  for (std::size_t i = 0; i < difference_.size(); ++i) out[i] += a * mean[i];
}

void DiffusedMixture::posterior_covariance(Eigen::Index k, const double* v, double* out) {
  covariances_[static_cast<std::size_t>(k)]->regress(v, level_.sigma * level_.sigma, 0.0, out, work_.data());
}

void DiffusedMixture::denoiser(const double* x, double* D) {
  const std::size_t dim = difference_.size();
  if (level_.sigma == 0.0) {
    for (std::size_t i = 0; i < dim; ++i) D[i] = x[i] / level_.alpha;
    return;
  }
  responsibilities(x, responsibilities_.data());
  std::fill(D, D + dim, 0.0);
  for (std::size_t k = 0; k < covariances_.size(); ++k) {
    if (responsibilities_[k] == 0.0) continue;
    regress(static_cast<Eigen::Index>(k), x, 1.0, level_.alpha, 0.0, component_mean_.data());  // m_k
    for (std::size_t i = 0; i < dim; ++i) D[i] += responsibilities_[k] * component_mean_[i];
  }
}

}  // namespace gmdiff::reference
