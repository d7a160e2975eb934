#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/law_moments.hpp"
#include "metrics/point_set.hpp"

namespace gmdiff {
namespace {

/// U_k; the identity for structures without a basis.
Eigen::MatrixXd basis(const Mixture& mixture) {
  return mixture.bases().empty() ? Eigen::MatrixXd::Identity(mixture.dim(), mixture.dim())
                                 : mixture.bases().front();
}

/// Diagonal of U^T Sigma_1 U, where U holds the eigenvectors of q: the variances of p along the axes of q.
/// Both mixtures have one component.
Eigen::VectorXd variances_along(const Mixture& p, const Mixture& q) {
  const Eigen::VectorXd l = component_eigenvalues(p, 0);
  if (p.bases().empty() && (q.bases().empty() || p.covariance_type() == CovarianceType::spherical)) return l;
  return linear_algebra::product(basis(q).transpose(), basis(p)).cwiseAbs2() * l;
}

}  // namespace

MomentErrors moment_errors(const PointSet& x, const Mixture& law) {
  check_points("moment_errors", x.points(), law, 2);
  return LawMoments(law).errors(x.points());
}

KlEstimate kl_divergence(const PointSet& samples_of_p, const Mixture& p, const Mixture& q) {
  check_points("kl_divergence", samples_of_p.points(), p, 2);
  require(p.dim() == q.dim(), "kl_divergence: p has dimension ", p.dim(), " but q has dimension ", q.dim());
  const Eigen::VectorXd log_p = p.log_pdf(samples_of_p.points());
  for (Eigen::Index i = 0; i < log_p.size(); ++i) {
    if (!std::isfinite(log_p(i))) {
      throw std::domain_error(concat("kl_divergence: log p of point ", i, " is ", log_p(i),
                                     ": a point this far from p is no sample of p"));
    }
  }
  const Eigen::VectorXd terms = log_p - q.log_pdf(samples_of_p.points());
  const auto n = static_cast<double>(terms.size());
  const double value = terms.mean();
  if (std::isinf(value)) return {.value = value, .standard_error = value};
  const double variance = (terms.array() - value).square().sum() / (n - 1.0);
  return {.value = value, .standard_error = std::sqrt(variance / n)};
}

double kl_gaussian(const Mixture& p, const Mixture& q) {
  require(p.num_components() == 1, "kl_gaussian: p must have one component, given ", p.num_components());
  require(q.num_components() == 1, "kl_gaussian: q must have one component, given ", q.num_components());
  require(p.dim() == q.dim(), "kl_gaussian: p has dimension ", p.dim(), " but q has dimension ", q.dim());

  // In the axes of q, with v the variances of p along them: 1/2 sum_i [ (v_i + z_i^2) / l_i - 1 + log l_i ] -
  // 1/2 log|S_1|.
  const Eigen::VectorXd difference = (q.means().row(0) - p.means().row(0)).transpose();
  const Eigen::VectorXd z =
      q.bases().empty() ? difference : Eigen::VectorXd(q.bases().front().transpose() * difference);
  const Eigen::VectorXd v = variances_along(p, q);
  double sum = 0.0;
  for (Eigen::Index i = 0; i < p.dim(); ++i) {
    const double l = eigenvalue(q, 0, i);
    require(l > 0.0, "kl_gaussian: the covariance of q is singular (eigenvalue ", i, " is 0)");
    if (eigenvalue(p, 0, i) == 0.0) return std::numeric_limits<double>::infinity();
    const double square = z(i) * z(i);
    const double ratio = z(i) / std::sqrt(l);  // squared after the division: z(i)^2 may overflow
    const double terms = std::isfinite(square) ? (v(i) + square) / l : v(i) / l + ratio * ratio;
    sum += terms - 1.0 + std::log(l) - std::log(eigenvalue(p, 0, i));
  }
  return 0.5 * sum;
}

}  // namespace gmdiff
