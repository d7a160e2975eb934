#include <gmdiff/model/gaussian_fit.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/infinity.hpp"
#include "base/linear_algebra.hpp"
#include "model/target/normal_nodes.hpp"
#include "model/target/orthantwise.hpp"

// Gaussian variational approximation (mathematics.md §15.5).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using targets::NormalNodes;

constexpr Index points_of_an_axis = 64;
/// q = N(mean, L L^T)
struct Normal {
  VectorXd mean;
  MatrixXd L;  ///< lower triangular with a positive diagonal

  double log_det() const { return L.diagonal().array().log().sum(); }
  Points at(const Points& z) const {
    Points x = z.lazyProduct(L.transpose());
    x.rowwise() += mean.transpose();
    return x;
  }
};

/// l at the nodes of q, with E_q grad l and E_q grad l z^T.
struct Expectations {
  VectorXd l;
  VectorXd g;
  MatrixXd g_z;
};

Expectations expectations(const Target& target, const Normal& q, const NormalNodes& nodes) {
  Expectations found;
  Points g;
  target.evaluate(q.at(nodes.z), found.l, g);
  const Points weighted = nodes.weights.asDiagonal() * g;
  found.g = weighted.colwise().sum().transpose();
  found.g_z = weighted.transpose().lazyProduct(nodes.z);
  return found;
}

/// log q at its nodes without the part that they have in common: E_q (l - log q) has no error where l is
/// quadratic.
double mean_of_bound(const VectorXd& l, const Normal& q, const NormalNodes& nodes) {
  const VectorXd terms = l + 0.5 * nodes.z.rowwise().squaredNorm();
  return nodes.weights.dot(terms) + q.log_det() +
         0.5 * static_cast<double>(q.mean.size()) * std::log(2.0 * std::numbers::pi);
}

NormalNodes nodes_of(Index d, const GaussianFitOptions& options) {
  if (d <= 2) return targets::gauss_hermite(points_of_an_axis, d);
  require(options.draws % 2 == 0 && options.draws >= 4 * d, "gaussian_fit: draws must be even and at least ",
          4 * d, ", four for each coordinate, got ", options.draws);
  return targets::whitened(targets::antithetic_draws(options.draws, d, options.seed, 0));
}

/// The search has the parameters a and B of m = m_0 + L_0 a, L = L_0 B from a start (m_0, L_0), with the
/// logarithms of the diagonal of B.
class Search {
 public:
  Search(const Target& target, Normal start, const NormalNodes& nodes)
      : target_(target), start_(std::move(start)), nodes_(nodes) {}

  VectorXd first() const { return VectorXd::Zero(dim() + dim() * (dim() + 1) / 2); }

  Normal normal(const VectorXd& u) const {
    return {start_.mean + start_.L * u.head(dim()), start_.L.lazyProduct(factor(u))};
  }

  /// Minus the bound, and its gradient; infinite where l is not finite at a node.
  double value(const VectorXd& u, VectorXd& gradient) const {
    const MatrixXd B = factor(u);
    const Normal q = normal(u);
    gradient = VectorXd::Constant(u.size(), std::numeric_limits<double>::quiet_NaN());
    if (!q.L.allFinite()) return infinity;
    const Expectations found = expectations(target_, q, nodes_);
    if (!found.l.allFinite()) return infinity;
    gradient.head(dim()) = -(start_.L.transpose() * found.g);
    const MatrixXd by_factor = -(start_.L.transpose().lazyProduct(found.g_z));
    Index k = dim();
    for (Index i = 0; i < dim(); ++i) {
      for (Index j = 0; j < i; ++j) gradient(k++) = by_factor(i, j);
      gradient(k++) = by_factor(i, i) * B(i, i) - 1.0;
    }
    return -mean_of_bound(found.l, q, nodes_);
  }

 private:
  Index dim() const { return start_.mean.size(); }

  MatrixXd factor(const VectorXd& u) const {
    MatrixXd B = MatrixXd::Zero(dim(), dim());
    Index k = dim();
    for (Index i = 0; i < dim(); ++i) {
      for (Index j = 0; j < i; ++j) B(i, j) = u(k++);
      B(i, i) = std::exp(u(k++));
    }
    return B;
  }

  const Target& target_;
  Normal start_;
  const NormalNodes& nodes_;
};

/// The best q from one start; none if l is not finite at a node of the start.
std::optional<GaussianFit> fit_from(const Target& target, const Normal& start, const NormalNodes& nodes) {
  const Search search(target, start, nodes);
  const auto value = [&search](const VectorXd& u, VectorXd& gradient) { return search.value(u, gradient); };
  VectorXd u = search.first(), gradient;
  if (!std::isfinite(value(u, gradient)) || !gradient.allFinite()) return {};
  u = targets::lower_orthantwise(value, {.weight = 0.0, .first = 0}, u);
  const Normal q = search.normal(u);
  const double elbo = -value(u, gradient);
  return GaussianFit{.mean = q.mean,
                     .covariance = q.L.lazyProduct(q.L.transpose()),
                     .elbo = elbo,
                     .elbo_error = 0.0,
                     .slope = gradient.cwiseAbs().maxCoeff()};
}

/// @param what names the covariance in a message
MatrixXd factor_of(const MatrixXd& covariance, const std::string& what) {
  std::optional<MatrixXd> L = linear_algebra::cholesky(covariance);
  require(L.has_value(), what, " is not positive definite");
  return *std::move(L);
}

/// The bound from draws that the search has not seen: in the others the fit is better than it is.
void judge_by_new_draws(const Target& target, GaussianFit& fit, const GaussianFitOptions& options) {
  const Index n = options.draws;
  const auto first = static_cast<std::uint64_t>(n / 2);
  const NormalNodes nodes = targets::antithetic_draws(n, fit.mean.size(), options.seed, first);
  const Normal q{fit.mean, factor_of(fit.covariance, "gaussian_fit: the covariance of the fit")};
  const VectorXd l = target.log_density(q.at(nodes.z));
  fit.elbo = mean_of_bound(l, q, nodes);
  const VectorXd terms = l + 0.5 * nodes.z.rowwise().squaredNorm();
  // The draws of a pair depend on each other, their means do not.
  const VectorXd pairs = 0.5 * (terms(Eigen::seq(0, n - 2, 2)) + terms(Eigen::seq(1, n - 1, 2)));
  const auto count = static_cast<double>(pairs.size());
  fit.elbo_error = std::sqrt((pairs.array() - pairs.mean()).square().sum() / (count - 1.0) / count);
}

}  // namespace

GaussianBound gaussian_bound(const Target& target, const VectorXd& mean, const MatrixXd& covariance,
                             const GaussianFitOptions& options) {
  const Index d = target.dim();
  require(mean.size() == d && covariance.rows() == d && covariance.cols() == d,
          "gaussian_bound: mean and covariance have shapes (", mean.size(), ") and (", covariance.rows(),
          ", ", covariance.cols(), "), expected (", d, ") and (", d, ", ", d, ")");
  const NormalNodes nodes = nodes_of(d, options);
  const Normal q{mean, factor_of(covariance, "gaussian_bound: the covariance")};
  const Expectations found = expectations(target, q, nodes);
  const MatrixXd inverse = linear_algebra::solve_lower(q.L, MatrixXd::Identity(d, d));
  const MatrixXd hessian = found.g_z.lazyProduct(inverse);
  return {.elbo = mean_of_bound(found.l, q, nodes),
          .by_mean = found.g,
          .by_covariance =
              0.25 * (hessian + hessian.transpose()) + 0.5 * inverse.transpose().lazyProduct(inverse)};
}

GaussianFit gaussian_fit(const Target& target, const Mixture& starts, const GaussianFitOptions& options) {
  const Index d = target.dim();
  require(starts.dim() == d, "gaussian_fit: the starts have dimension ", starts.dim(), ", the target ", d);
  const NormalNodes nodes = nodes_of(d, options);
  std::optional<GaussianFit> best;
  for (Index k = 0; k < starts.num_components(); ++k) {
    const Normal start{
        starts.means().row(k).transpose(),
        factor_of(starts.component_covariance(k), concat("gaussian_fit: the covariance of start ", k))};
    const std::optional<GaussianFit> fit = fit_from(target, start, nodes);
    if (fit && (!best || fit->elbo > best->elbo)) best = fit;
  }
  require(best.has_value(), "gaussian_fit: the log-density is not finite at a point of the rule of every ",
          "start; a normal law needs a density that is positive everywhere");
  if (d > 2) judge_by_new_draws(target, *best, options);
  return *best;
}

}  // namespace gmdiff
