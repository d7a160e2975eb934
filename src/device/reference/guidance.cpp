#include "device/reference/guidance.hpp"

#include <cmath>
#include <limits>

#include "base/linear_algebra.hpp"

namespace gmdiff::reference {

Eigen::MatrixXd posterior_covariance(const Model& model, DiffusedMixture& law, double alpha, const double* x,
                                     const Eigen::VectorXd& D) {
  const Eigen::Index d = model.dim();
  Eigen::VectorXd r(model.num_components());
  law.responsibilities(x, r.data());
  Eigen::MatrixXd C = Eigen::MatrixXd::Zero(d, d);
  Eigen::VectorXd m(d);
  Eigen::VectorXd column(d);
  for (Eigen::Index k = 0; k < r.size(); ++k) {
    if (r(k) == 0.0) continue;
    law.regress(k, x, 1.0, alpha, 0.0, m.data());
    m -= D;
    C += r(k) * m * m.transpose();
    for (Eigen::Index j = 0; j < d; ++j) {
      const Eigen::VectorXd unit = Eigen::VectorXd::Unit(d, j);
      law.posterior_covariance(k, unit.data(), column.data());
      C.col(j) += r(k) * column;
    }
  }
  return C;
}

Residual residual_at(const GuidanceTable& table, const Eigen::VectorXd& D) {
  return table.map ? residual_at(*table.map, D) : Residual{table.A, table.y - table.A * D};
}

Residual residual_at(const MapRows& rows, const Eigen::VectorXd& D) {
  const NonlinearObservation& observation = rows.observation;
  const Eigen::MatrixXd J = observation.jacobian(D);
  const Eigen::VectorXd r = observation.y() - observation.value(Points(D.transpose())).row(0).transpose();
  if (!rows.whitened) return {J, r};
  const Eigen::MatrixXd L = linear_algebra::cholesky(observation.noise_covariance()).value();
  return {linear_algebra::solve_lower(L, J), linear_algebra::solve_lower(L, r)};
}

double MapPotential::log_value(const Eigen::VectorXd& x, const Eigen::VectorXd* denoised) {
  const double sigma = map_.levels[number_].sigma;
  Eigen::VectorXd D(x.size());
  if (denoised != nullptr && sigma > 0.0) {
    D = *denoised;
  } else {
    law_.denoiser(x.data(), D.data());
  }
  const Residual residual = residual_at(map_.rows, D);
  Eigen::MatrixXd Q = Eigen::MatrixXd::Identity(residual.r.size(), residual.r.size());
  if (sigma > 0.0) Q += MapPotentials::widening * residual.A * covariance(x, D) * residual.A.transpose();
  const auto L = linear_algebra::cholesky(Q);
  if (!L) return std::numeric_limits<double>::quiet_NaN();
  const Eigen::VectorXd z = linear_algebra::solve_lower(*L, residual.r);
  const double log_determinant = L->diagonal().array().log().sum();
  if (sigma == 0.0) return -0.5 * z.squaredNorm() - log_determinant;
  return -0.5 * static_cast<double>(z.size() + 1) * std::log1p(z.squaredNorm()) - log_determinant;
}

/// C, or r^2 I for a custom denoiser (§10.5).
Eigen::MatrixXd MapPotential::covariance(const Eigen::VectorXd& x, const Eigen::VectorXd& D) {
  if (!map_.variances.empty()) return map_.variances[number_] * Eigen::MatrixXd::Identity(x.size(), x.size());
  return posterior_covariance(model_, law_, map_.levels[number_].alpha, x.data(), D);
}

}  // namespace gmdiff::reference
