#include <gmdiff/model/importance.hpp>

#include <cmath>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/infinity.hpp"
#include "base/random.hpp"

// Self-normalised importance sampling (mathematics.md §15.2).

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// log of the weights before they are normalised; -inf outside the support.
VectorXd log_weights(const VectorXd& l, const VectorXd& log_proposal) {
  VectorXd values(l.size());
  for (Index n = 0; n < l.size(); ++n) {
    require(!(l(n) == infinity), "importance: the log-density is inf at draw ", n);
    require(std::isfinite(log_proposal(n)), "importance: log_proposal[", n, "] must be finite, got ",
            log_proposal(n));
    values(n) = std::isnan(l(n)) ? -infinity : l(n) - log_proposal(n);
  }
  return values;
}

/// Standard errors of self-normalised means of the columns of phi.
VectorXd standard_errors(const VectorXd& weights, const Points& phi, const VectorXd& mean) {
  VectorXd errors(phi.cols());
  for (Index j = 0; j < phi.cols(); ++j)
    errors(j) = weights.cwiseProduct((phi.col(j).array() - mean(j)).matrix()).norm();
  return errors;
}

/// F_k with Sigma_k = F_k F_k^T, from eigenvalues and eigenvectors, which keep small variances.
MatrixXd factor(const Mixture& proposal, Index k) {
  const Points& eigenvalues = proposal.eigenvalues();
  const auto& bases = proposal.bases();
  VectorXd l(proposal.dim());
  for (Index j = 0; j < l.size(); ++j) {
    l(j) = eigenvalues(eigenvalues.rows() == 1 ? 0 : k, eigenvalues.cols() == 1 ? 0 : j);
    require(l(j) > 0.0, "importance: the covariance of component ", k,
            " of the proposal is not positive definite");
  }
  if (bases.empty()) return l.cwiseSqrt().asDiagonal();
  return bases[bases.size() == 1 ? 0 : static_cast<std::size_t>(k)] * l.cwiseSqrt().asDiagonal();
}

std::vector<MatrixXd> factors(const Mixture& proposal) {
  std::vector<MatrixXd> result;
  for (Index k = 0; k < proposal.num_components(); ++k) result.push_back(factor(proposal, k));
  return result;
}

/// The component whose interval of the cumulated weights contains u.
Index component(const VectorXd& weights, double u) {
  double sum = 0.0;
  Index last = 0;
  for (Index k = 0; k < weights.size(); ++k) {
    if (!(weights(k) > 0.0)) continue;
    last = k;
    sum += weights(k);
    if (u < sum) return k;
  }
  return last;
}

Points draws(const Mixture& proposal, std::int64_t count, std::uint64_t seed) {
  const std::vector<MatrixXd> F = factors(proposal);
  Points x(count, proposal.dim());
  VectorXd z(proposal.dim());
  for (Index n = 0; n < x.rows(); ++n) {
    const auto index = static_cast<std::uint64_t>(n);
    const std::uint64_t U =
        uniform_u64({.seed = seed, .index = index, .purpose = Purpose::proposal_component}, 0);
    const Index k = component(proposal.weights(), categorical_uniform(U, Precision::f64));
    NormalStream normals({.seed = seed, .index = index, .purpose = Purpose::proposal_noise}, Precision::f64);
    for (Index j = 0; j < z.size(); ++j) z(j) = normals(static_cast<std::uint64_t>(j));
    x.row(n) = proposal.means().row(k) + (F[static_cast<std::size_t>(k)] * z).transpose();
  }
  return x;
}

}  // namespace

ImportanceResult importance(const Target& target, Points x, const VectorXd& log_proposal) {
  require(x.rows() >= 1, "importance: expected at least one draw");
  require(log_proposal.size() == x.rows(), "importance: ", x.rows(), " draws but ", log_proposal.size(),
          " values of log_proposal");
  const VectorXd values = log_weights(target.log_density(x), log_proposal);
  const double largest = values.maxCoeff();
  require(largest > -infinity, "importance: the density of the target is 0 at all ", x.rows(), " draws");
  const VectorXd terms = (values.array() - largest).exp();
  const auto n = static_cast<double>(x.rows());
  ImportanceResult result{};
  result.weights = terms / terms.sum();
  const double squares = result.weights.squaredNorm();
  result.log_normalizer = largest + std::log(terms.sum() / n);
  result.log_normalizer_error = std::sqrt(std::max(squares - 1.0 / n, 0.0));
  const Points square = x.cwiseAbs2();
  result.mean = x.transpose() * result.weights;
  result.mean_error = standard_errors(result.weights, x, result.mean);
  result.second_moment = square.transpose() * result.weights;
  result.second_moment_error = standard_errors(result.weights, square, result.second_moment);
  result.ess = 1.0 / squares;
  result.largest_weight = result.weights.maxCoeff();
  result.points = std::move(x);
  return result;
}

ImportanceResult importance(const Target& target, const Mixture& proposal, std::int64_t count,
                            std::uint64_t seed) {
  require(proposal.dim() == target.dim(), "importance: the proposal has dimension ", proposal.dim(),
          ", the target ", target.dim());
  require(count >= 1, "importance: count must be at least 1, got ", count);
  Points x = draws(proposal, count, seed);
  const VectorXd log_proposal = proposal.log_pdf(x);
  return importance(target, std::move(x), log_proposal);
}

ImportanceResult importance(const Target& target, const VectorXd& mean, const MatrixXd& covariance,
                            std::int64_t count, std::uint64_t seed) {
  const Mixture proposal({1.0}, Points(mean.transpose()), Covariance::full({covariance}));
  return importance(target, proposal, count, seed);
}

}  // namespace gmdiff
