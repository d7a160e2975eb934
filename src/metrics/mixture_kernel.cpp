#include "metrics/mixture_kernel.hpp"

#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "base/linear_algebra.hpp"
#include "metrics/eigenvalues.hpp"

namespace gmdiff {
namespace {

/// Axes in which all covariances of a mixture are diagonal: any axes (spherical), the coordinate axes (diag),
/// the columns of a matrix (tied, common basis), or none (full).
struct Axes {
  enum class Kind { any, coordinates, basis, none } kind;
  const Eigen::MatrixXd* basis = nullptr;
};

Axes axes_of(const Mixture& mixture) {
  switch (mixture.covariance_type()) {
    case CovarianceType::spherical:
      return {Axes::Kind::any};
    case CovarianceType::diag:
      return {Axes::Kind::coordinates};
    case CovarianceType::tied:
    case CovarianceType::common_basis:
      return {Axes::Kind::basis, &mixture.bases().front()};
    case CovarianceType::full:
      break;
  }
  return {Axes::Kind::none};
}

/// Axes in which the covariances of both mixtures are diagonal; kind `none` when no such axes are known.
Axes shared_axes(const Axes& a, const Axes& b) {
  if (a.kind == Axes::Kind::any) return b;
  if (b.kind == Axes::Kind::any) return a;
  if (a.kind != b.kind || a.kind == Axes::Kind::none) return {Axes::Kind::none};
  if (a.kind == Axes::Kind::basis && a.basis != b.basis && *a.basis != *b.basis) return {Axes::Kind::none};
  return a;
}

/// log E k(X, Y) of two Gaussians. S + S' + l^2 I is given by its Cholesky factor in units of l, or by its
/// eigenvectors and eigenvalues where it is too ill-conditioned for Cholesky.
class DenseKernel {
 public:
  DenseKernel(const Eigen::MatrixXd& covariance_sum, double bandwidth) : bandwidth_(bandwidth) {
    const auto dim = covariance_sum.rows();
    const Eigen::MatrixXd scaled = covariance_sum / (bandwidth * bandwidth);
    factor_ = linear_algebra::cholesky(scaled + Eigen::MatrixXd::Identity(dim, dim));
    if (factor_) {
      log_determinant_ = 2.0 * factor_->diagonal().array().log().sum();
      return;
    }
    eigen_ = linear_algebra::symmetric_eigen(scaled);
    eigen_.l = eigen_.l.cwiseMax(0.0).array() + 1.0;
    log_determinant_ = eigen_.l.array().log().sum();
  }

  double log_value(const Eigen::VectorXd& difference) const {
    const Eigen::VectorXd scaled = difference / bandwidth_;
    const double quadratic =
        factor_ ? linear_algebra::solve_lower(*factor_, scaled).squaredNorm()
                : ((eigen_.U.transpose() * scaled).array().square() / eigen_.l.array()).sum();
    return -0.5 * (log_determinant_ + quadratic);
  }

 private:
  double bandwidth_;
  std::optional<Eigen::MatrixXd> factor_;
  linear_algebra::SymmetricEigen eigen_;
  double log_determinant_;
};

/// Sum over pairs of components of w_k w'_l exp(log_value(k, l)). For a mixture with itself, each symmetric
/// pair is evaluated once.
template <class LogValue>
double sum_over_pairs(const Mixture& p, const Mixture& q, LogValue&& log_value) {
  const bool itself = &p == &q;
  double total = 0.0;
  for (Eigen::Index k = 0; k < p.num_components(); ++k) {
    for (Eigen::Index l = itself ? k : 0; l < q.num_components(); ++l) {
      const double weight = p.weights()(k) * q.weights()(l) * (itself && l > k ? 2.0 : 1.0);
      if (weight > 0.0) total += weight * std::exp(log_value(k, l));
    }
  }
  return total;
}

double kernel_mean_on_axes(const Mixture& p, const Mixture& q, const Axes& axes, double bandwidth) {
  const double square = bandwidth * bandwidth;
  const auto means_on_axes = [&](const Mixture& mixture) -> Eigen::MatrixXd {
    return axes.basis ? linear_algebra::product(mixture.means(), *axes.basis)
                      : Eigen::MatrixXd(mixture.means());
  };
  const Eigen::MatrixXd means_p = means_on_axes(p);
  const Eigen::MatrixXd means_q = means_on_axes(q);
  return sum_over_pairs(p, q, [&](Eigen::Index k, Eigen::Index l) {
    const Eigen::ArrayXd variances =
        (component_eigenvalues(p, k) + component_eigenvalues(q, l)).array() / square;
    const Eigen::ArrayXd difference = (means_p.row(k) - means_q.row(l)).transpose().array() / bandwidth;
    return -0.5 * (variances.log1p() + difference.square() / (1.0 + variances)).sum();
  });
}

/// The dense covariances of a mixture: one when tied, otherwise K.
std::vector<Eigen::MatrixXd> dense_covariances(const Mixture& mixture) {
  const bool tied = mixture.covariance_type() == CovarianceType::tied;
  std::vector<Eigen::MatrixXd> result;
  for (Eigen::Index k = 0; k < (tied ? 1 : mixture.num_components()); ++k)
    result.push_back(mixture.component_covariance(k));
  return result;
}

double kernel_mean_dense(const Mixture& p, const Mixture& q, double bandwidth) {
  const std::vector<Eigen::MatrixXd> sigmas_p = dense_covariances(p);
  const std::vector<Eigen::MatrixXd> sigmas_q = dense_covariances(q);
  const bool one_sum = sigmas_p.size() == 1 && sigmas_q.size() == 1;
  const auto at = [](const std::vector<Eigen::MatrixXd>& sigmas, Eigen::Index k) -> const Eigen::MatrixXd& {
    return sigmas[sigmas.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  };
  std::optional<DenseKernel> kernel;
  return sum_over_pairs(p, q, [&](Eigen::Index k, Eigen::Index l) {
    if (!kernel || !one_sum) kernel.emplace(at(sigmas_p, k) + at(sigmas_q, l), bandwidth);
    return kernel->log_value((p.means().row(k) - q.means().row(l)).transpose());
  });
}

}  // namespace

Eigen::VectorXd kernel_means(const Points& x, const Mixture& law, double bandwidth) {
  // Up to a constant, the kernel is a Gaussian density of variance l^2, so its mean is the density of the law
  // blurred by l.
  const auto dim = static_cast<double>(law.dim());
  const double log_constant = dim * (0.5 * std::log(2.0 * std::numbers::pi) + std::log(bandwidth));
  return (law.log_pdf(x, {.alpha = 1.0, .sigma = bandwidth}).array() + log_constant).exp();
}

double kernel_mean(const Mixture& p, const Mixture& q, double bandwidth) {
  const Axes axes = shared_axes(axes_of(p), axes_of(q));
  return axes.kind == Axes::Kind::none ? kernel_mean_dense(p, q, bandwidth)
                                       : kernel_mean_on_axes(p, q, axes, bandwidth);
}

}  // namespace gmdiff
