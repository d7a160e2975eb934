#include <gmdiff/model/covariance.hpp>

#include <utility>

namespace gmdiff {

const char* to_string(CovarianceType type) {
  switch (type) {
    case CovarianceType::spherical:
      return "spherical";
    case CovarianceType::diag:
      return "diag";
    case CovarianceType::tied:
      return "tied";
    case CovarianceType::full:
    case CovarianceType::common_basis:
      return "full";
  }
  return "unknown";
}

Covariance Covariance::spherical(std::vector<double> variances) {
  const auto num_components = static_cast<Eigen::Index>(variances.size());
  return {.type = CovarianceType::spherical,
          .form = Form::values,
          .rows = Eigen::Map<const Points>(variances.data(), num_components, 1)};
}

Covariance Covariance::diag(Points variances) {
  return {.type = CovarianceType::diag, .form = Form::values, .rows = std::move(variances)};
}

Covariance Covariance::tied(Eigen::MatrixXd covariance) {
  return {.type = CovarianceType::tied, .form = Form::values, .matrices = {std::move(covariance)}};
}

Covariance Covariance::full(std::vector<Eigen::MatrixXd> covariances) {
  return {.type = CovarianceType::full, .form = Form::values, .matrices = std::move(covariances)};
}

Covariance Covariance::tied_eigen(Eigen::MatrixXd basis, Eigen::VectorXd eigenvalues) {
  return {.type = CovarianceType::tied,
          .form = Form::eigen,
          .rows = eigenvalues.transpose(),
          .matrices = {std::move(basis)}};
}

Covariance Covariance::full_eigen(std::vector<Eigen::MatrixXd> bases, Points eigenvalues) {
  return {.type = CovarianceType::full,
          .form = Form::eigen,
          .rows = std::move(eigenvalues),
          .matrices = std::move(bases)};
}

Covariance Covariance::common_basis(Eigen::MatrixXd basis, Points eigenvalues) {
  return {.type = CovarianceType::common_basis,
          .form = Form::eigen,
          .rows = std::move(eigenvalues),
          .matrices = {std::move(basis)}};
}

Covariance Covariance::tied_cholesky(Eigen::MatrixXd factor) {
  return {.type = CovarianceType::tied, .form = Form::factor, .matrices = {std::move(factor)}};
}

Covariance Covariance::full_cholesky(std::vector<Eigen::MatrixXd> factors) {
  return {.type = CovarianceType::full, .form = Form::factor, .matrices = std::move(factors)};
}

}  // namespace gmdiff
