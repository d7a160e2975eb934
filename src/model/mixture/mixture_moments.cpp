#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "model/mixture/mixture_at_level.hpp"
#include "model/mixture/mixture_data.hpp"

// Moments and affine images of a mixture (mathematics.md §2.6). Images are computed from factors Sigma_k =
// B_k B_k^T with B_k = U_k diag(sqrt l_k), so that they are positive semidefinite despite rounding and small
// eigenvalues keep their relative accuracy.

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd eigenvalue_row(const Mixture& mixture, Index k) {
  const Points& l = mixture.eigenvalues();
  const auto row = l.row(l.rows() == 1 ? 0 : k);
  return l.cols() == 1 ? VectorXd::Constant(mixture.dim(), row(0)) : VectorXd(row.transpose());
}

// A U diag(sqrt l), where l is row k of the eigenvalues.
MatrixXd image_factor(const Mixture& mixture, const MatrixXd& A, Index k) {
  const std::vector<MatrixXd>& bases = mixture.bases();
  const MatrixXd rotated =
      bases.empty() ? A
                    : linear_algebra::product(A, bases[bases.size() == 1 ? 0 : static_cast<std::size_t>(k)]);
  return rotated * eigenvalue_row(mixture, k).cwiseSqrt().asDiagonal();
}

// Sigma_k -> A Sigma_k A^T with a basis for each component.
Covariance full_image(const Mixture& mixture, const MatrixXd& A) {
  std::vector<MatrixXd> bases;
  Points eigenvalues(mixture.num_components(), A.rows());
  for (Index k = 0; k < mixture.num_components(); ++k) {
    linear_algebra::SymmetricEigen eigen = linear_algebra::factor_eigen(image_factor(mixture, A, k));
    eigenvalues.row(k) = eigen.l.transpose();
    bases.push_back(std::move(eigen.U));
  }
  return Covariance::full_eigen(std::move(bases), std::move(eigenvalues));
}

// A one-dimensional image is spherical and needs no basis.
Covariance scalar_image(const Mixture& mixture, const MatrixXd& A) {
  std::vector<double> variances;
  for (Index k = 0; k < mixture.num_components(); ++k)
    variances.push_back(image_factor(mixture, A, k).squaredNorm());
  return Covariance::spherical(std::move(variances));
}

bool all_variances_equal(const Mixture& mixture) {
  return mixture.eigenvalues().maxCoeff() == mixture.eigenvalues().minCoeff();
}

// Sigma_k = v_k A A^T has the same basis for all components.
Covariance spherical_image(const Mixture& mixture, const MatrixXd& A) {
  linear_algebra::SymmetricEigen eigen = linear_algebra::factor_eigen(A);
  const auto variances = mixture.eigenvalues().col(0);
  if (all_variances_equal(mixture)) return Covariance::tied_eigen(std::move(eigen.U), variances(0) * eigen.l);
  return Covariance::common_basis(std::move(eigen.U), variances * eigen.l.transpose());
}

// Whether each row and each column of A has at most one nonzero entry, so that A only selects, scales and
// reorders coordinates.
bool picks_coordinates(const MatrixXd& A) {
  const auto nonzero = (A.array() != 0.0).cast<Index>();
  return nonzero.rowwise().sum().maxCoeff() <= 1 && nonzero.colwise().sum().maxCoeff() <= 1;
}

// Diagonal covariances under such an A stay diagonal.
Covariance picked_image(const Mixture& mixture, const MatrixXd& A) {
  const MatrixXd squares = A.cwiseAbs2();
  Points variances(mixture.num_components(), A.rows());
  for (Index k = 0; k < variances.rows(); ++k)
    variances.row(k) = (squares * eigenvalue_row(mixture, k)).transpose();
  const bool spherical = mixture.covariance_type() == CovarianceType::spherical &&
                         squares.rowwise().sum().maxCoeff() == squares.rowwise().sum().minCoeff();
  if (!spherical) return Covariance::diag(std::move(variances));
  return Covariance::spherical({variances.col(0).begin(), variances.col(0).end()});
}

// The factor a when A is a times an orthogonal matrix up to rounding. Such a map keeps every structure but
// `diag`.
std::optional<double> similarity_factor(const MatrixXd& A) {
  if (A.rows() != A.cols()) return std::nullopt;
  const VectorXd lengths = A.colwise().norm();
  const double a = lengths(0);
  const double tolerance = 16.0 * static_cast<double>(A.cols()) * std::numeric_limits<double>::epsilon();
  if (!(a > 0.0) || (lengths.array() / a - 1.0).abs().maxCoeff() > tolerance) return std::nullopt;
  const MatrixXd unit = A / a;
  const double error =
      (linear_algebra::product(unit.transpose(), unit) - MatrixXd::Identity(A.rows(), A.rows()))
          .cwiseAbs()
          .maxCoeff();
  return error <= tolerance ? std::optional(a) : std::nullopt;
}

Covariance similar_image(const Mixture& mixture, const MatrixXd& A, double a) {
  const Points eigenvalues = a * a * mixture.eigenvalues();
  std::vector<MatrixXd> bases;
  for (const MatrixXd& U : mixture.bases()) bases.push_back(linear_algebra::product(A / a, U));
  switch (mixture.covariance_type()) {
    case CovarianceType::spherical:
      return Covariance::spherical({eigenvalues.data(), eigenvalues.data() + eigenvalues.size()});
    case CovarianceType::tied:
      return Covariance::tied_eigen(std::move(bases.front()), eigenvalues.row(0).transpose());
    case CovarianceType::common_basis:
      return Covariance::common_basis(std::move(bases.front()), eigenvalues);
    case CovarianceType::full:
      return Covariance::full_eigen(std::move(bases), eigenvalues);
    case CovarianceType::diag:
      break;  // the only structure that a rotation changes
  }
  fail("Mixture: ", to_string(mixture.covariance_type()),
       " covariances have no image of their own kind under a rotation");
}

// The cheapest structure that A Sigma_k A^T has for all k.
Covariance image(const Mixture& mixture, const MatrixXd& A) {
  const CovarianceType type = mixture.covariance_type();
  const bool diagonal = type == CovarianceType::spherical || type == CovarianceType::diag;
  if (A.rows() == 1) return scalar_image(mixture, A);
  if (diagonal && picks_coordinates(A)) return picked_image(mixture, A);
  if (type != CovarianceType::diag) {
    if (const std::optional<double> a = similarity_factor(A)) return similar_image(mixture, A, *a);
  }
  if (type == CovarianceType::spherical) return spherical_image(mixture, A);
  if (type != CovarianceType::tied) return full_image(mixture, A);
  linear_algebra::SymmetricEigen eigen = linear_algebra::factor_eigen(image_factor(mixture, A, 0));
  return Covariance::tied_eigen(std::move(eigen.U), std::move(eigen.l));
}

Points image_of_means(const Points& means, const MatrixXd& A, const VectorXd& b) {
  Points result = linear_algebra::product(means, A.transpose());
  result.rowwise() += b.transpose();
  return result;
}

}  // namespace

VectorXd Mixture::mean() const { return data_->centre; }

MatrixXd Mixture::covariance() const {
  // The spread of the means about the mean, plus the mean of the covariances: a form without overflow and
  // cancellation.
  const MatrixXd spread =
      data_->weights.cwiseSqrt().asDiagonal() * (data_->means.rowwise() - data_->centre.transpose());
  MatrixXd result = linear_algebra::product(spread.transpose(), spread);
  if (data_->type == CovarianceType::tied) return result + component_covariance(0);
  for (Index k = 0; k < num_components(); ++k) {
    if (data_->weights(k) > 0.0) result += data_->weights(k) * component_covariance(k);
  }
  return result;
}

Mixture Mixture::marginal(std::span<const Index> coordinates) const {
  require(!coordinates.empty(), "Mixture: marginal of no coordinates, expected at least one");
  MatrixXd selection = MatrixXd::Zero(static_cast<Index>(coordinates.size()), dim());
  std::vector<bool> taken(static_cast<std::size_t>(dim()), false);
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    const Index coordinate = coordinates[i];
    require(coordinate >= 0 && coordinate < dim(), "Mixture: marginal of coordinate ", coordinate,
            ", expected 0 <= coordinate < ", dim());
    require(!taken[static_cast<std::size_t>(coordinate)], "Mixture: marginal takes coordinate ", coordinate,
            " twice");
    taken[static_cast<std::size_t>(coordinate)] = true;
    selection(static_cast<Index>(i), coordinate) = 1.0;
  }
  return push_forward(selection, VectorXd::Zero(selection.rows()));
}

Mixture Mixture::push_forward(const MatrixXd& A, const VectorXd& b) const {
  require(A.rows() > 0, "Mixture: push-forward by a matrix without rows");
  require(A.cols() == dim(), "Mixture: push-forward by a ", A.rows(), "x", A.cols(),
          " matrix but the dimension is ", dim());
  require(b.size() == A.rows(), "Mixture: push-forward by a ", A.rows(), "x", A.cols(), " matrix but b has ",
          b.size(), " entries");
  require(A.allFinite(), "Mixture: push-forward by a matrix with entries that are not finite");
  require(b.allFinite(), "Mixture: push-forward by a vector b with entries that are not finite");
  const Mixture pushed =
      from_log_weights(data_->log_weights, image_of_means(data_->means, A, b), image(*this, A));
  Data data = *pushed.data_;
  data.weights = data_->weights;  // taken over as they are, to avoid a second rounding
  data.log_weights = data_->log_weights;
  return Mixture(std::make_shared<const Data>(std::move(data)));
}

Mixture Mixture::project(const VectorXd& u) const {
  require(u.size() == dim(), "Mixture: projection on a vector with ", u.size(),
          " entries but the dimension is ", dim());
  require(u.allFinite(), "Mixture: projection on a vector with entries that are not finite");
  return push_forward(u.transpose(), VectorXd::Zero(1));
}

Mixture Mixture::diffuse(Level level) const {
  check_level(level);
  const double squared_alpha = level.alpha * level.alpha;
  const double squared_sigma = level.sigma * level.sigma;
  Data data = *data_;
  data.means *= level.alpha;
  data.rotated_means *= level.alpha;
  data.centre *= level.alpha;
  data.centred_means *= level.alpha;
  data.eigenvalues = squared_alpha * data.eigenvalues.array() + squared_sigma;
  for (MatrixXd& dense : data.dense) {
    dense *= squared_alpha;
    dense.diagonal().array() += squared_sigma;
  }
  return Mixture(std::make_shared<const Data>(std::move(data)));
}

}  // namespace gmdiff
