#pragma once

#include <gmdiff/plan/smc_plan.hpp>

#include "device/reference/denoiser.hpp"

// Quantities that guidance and the potentials of SMC need at a point, from dense matrices (mathematics.md
// §10).

namespace gmdiff::reference {

/// C = Cov[x_0 | x_t = x] = sum_k r_k [S_k + (m_k - D)(m_k - D)^T].
Eigen::MatrixXd posterior_covariance(const Model& model, DiffusedMixture& law, double alpha, const double* x,
                                     const Eigen::VectorXd& D);

/// A and r = y - A D.
struct Residual {
  Eigen::MatrixXd A;
  Eigen::VectorXd r;
};
Residual residual_at(const GuidanceTable& table, const Eigen::VectorXd& D);
/// With a map Phi, A is its Jacobian at D and r = y - Phi(D), both whitened where the method needs it
/// (§10.3).
Residual residual_at(const MapRows& rows, const Eigen::VectorXd& D);

/// The potential of a map at one level, without its constants (§10.4).
class MapPotential {
 public:
  MapPotential(const MapPotentials& map, const Model& model, std::size_t level)
      : map_(map), model_(model), number_(level), law_(model, map.levels[level]) {}
  /// @param denoised D of a custom denoiser at x, or null
  /// @returns NaN where the map is not defined
  double log_value(const Eigen::VectorXd& x, const Eigen::VectorXd* denoised);

 private:
  Eigen::MatrixXd covariance(const Eigen::VectorXd& x, const Eigen::VectorXd& D);

  const MapPotentials& map_;
  const Model& model_;
  std::size_t number_;
  DiffusedMixture law_;
};

}  // namespace gmdiff::reference
