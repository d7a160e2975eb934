#include "model/observation/posterior_parts.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using ExtendedVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

ExtendedVector product(const MatrixXd& A, const ExtendedVector& v) {
  ExtendedVector result = ExtendedVector::Zero(A.rows());
  for (Index j = 0; j < A.cols(); ++j) result += A.col(j).cast<long double>() * v(j);
  return result;
}

ExtendedVector transposed_product(const MatrixXd& A, const ExtendedVector& v) {
  ExtendedVector result(A.cols());
  for (Index j = 0; j < A.cols(); ++j) result(j) = A.col(j).cast<long double>().dot(v);
  return result;
}

// <v, Sigma_k v>, computed from the covariance as it was given.
long double prior_form(const Mixture& prior, Index k, const ExtendedVector& v) {
  const auto shared_or_own = [k](const std::vector<MatrixXd>& matrices) -> const MatrixXd& {
    return matrices[matrices.size() == 1 ? 0 : static_cast<std::size_t>(k)];
  };
  if (!prior.dense_covariances().empty()) return v.dot(product(shared_or_own(prior.dense_covariances()), v));
  const ExtendedVector z = prior.bases().empty() ? v : transposed_product(shared_or_own(prior.bases()), v);
  const Points& l = prior.eigenvalues();
  long double sum = 0.0L;
  for (Index i = 0; i < z.size(); ++i) {
    sum += static_cast<long double>(l(l.rows() == 1 ? 0 : k, l.cols() == 1 ? 0 : i)) * z(i) * z(i);
  }
  return sum;
}

// <w, R w>
long double noise_form(const LinearObservation& observation, const ExtendedVector& w) {
  if (!observation.has_noise_std()) return w.dot(product(observation.noise_covariance(), w));
  const long double std = observation.noise_std();
  return std * std * w.squaredNorm();
}

}  // namespace

long double likelihood_quadratic(const Mixture& prior, Index k, const LinearObservation& observation,
                                 const VectorXd& w) {
  const ExtendedVector mean = prior.means().row(k).transpose().cast<long double>();
  const ExtendedVector weights = w.cast<long double>();
  const ExtendedVector residual = observation.y().cast<long double>() - product(observation.A(), mean);
  const ExtendedVector back = transposed_product(observation.A(), weights);
  return 2.0L * residual.dot(weights) - prior_form(prior, k, back) - noise_form(observation, weights);
}

}  // namespace gmdiff
