#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "metrics/eigenvalues.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

/// Level at which the law has responsibilities. This is the law itself, unless a component of positive weight
/// has no density: then it is the law blurred by 1e-6 of its standard deviation (by 1 when the law is a
/// single point).
Level responsibility_level(const Mixture& law) {
  const Eigen::RowVectorXd mean = law.mean().transpose();
  double variance = 0.0;
  bool singular = false;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) == 0.0) continue;
    const Eigen::VectorXd l = component_eigenvalues(law, k);
    singular = singular || l.minCoeff() == 0.0;
    variance += law.weights()(k) * (l.sum() + (law.means().row(k) - mean).squaredNorm());
  }
  const double deviation = std::sqrt(variance / static_cast<double>(law.dim()));
  return {.alpha = 1.0, .sigma = !singular ? 0.0 : deviation > 0.0 ? 1e-6 * deviation : 1.0};
}

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
  const Eigen::MatrixXd covariance = law.covariance();
  if (!covariance.allFinite())
    throw std::domain_error("moment_errors: the covariance of the law has entries beyond the largest double");
  const double unit = normalising_factor(x.points().cwiseAbs().maxCoeff());
  Points centred = x.points();
  if (unit != 1.0) centred *= unit;
  const Eigen::RowVectorXd sample_mean = centred.colwise().mean();
  centred.rowwise() -= sample_mean;

  // Rescales so that neither squares of the points nor variances of the law overflow or underflow.
  const double deviation = unit * std::sqrt(covariance.diagonal().cwiseAbs().maxCoeff());
  const double factor = normalising_factor(std::max(centred.cwiseAbs().maxCoeff(), deviation));
  if (factor != 1.0) centred *= factor;
  const double to_unit = unit * factor;
  const auto n = static_cast<double>(x.points().rows());
  const Eigen::MatrixXd sample_covariance = centred.transpose() * centred / (n - 1.0);
  const double error = safe_norm(sample_covariance - covariance * to_unit * to_unit);
  const double scale = safe_norm(covariance);
  return {.mean = safe_norm(sample_mean.transpose() / unit - law.mean()),
          .covariance = (scale > 0.0 ? error / scale : error) / to_unit / to_unit};
}

ModeFrequencies mode_frequencies(const PointSet& x, const Mixture& law) {
  check_points("mode_frequencies", x.points(), law);
  const Level level = responsibility_level(law);

  // The (n, K) responsibilities of all points may not fit in memory, so they are computed for some points at
  // a time.
  constexpr Eigen::Index batch = 4096;
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(law.num_components());
  for (Eigen::Index first = 0; first < x.points().rows(); first += batch) {
    const Points chunk = x.points().middleRows(first, std::min(batch, x.points().rows() - first));
    const Points log_responsibilities = law.log_responsibilities(chunk, level);
    for (Eigen::Index i = 0; i < chunk.rows(); ++i) {
      Eigen::Index mode = 0;
      log_responsibilities.row(i).maxCoeff(&mode);
      counts(mode) += 1.0;
    }
  }
  const Eigen::VectorXd frequencies = counts / static_cast<double>(x.points().rows());
  return {.frequencies = frequencies,
          .weights = law.weights(),
          .total_variation = 0.5 * (frequencies - law.weights()).lpNorm<1>()};
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
