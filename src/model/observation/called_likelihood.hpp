#pragma once

#include <memory>
#include <vector>

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/custom_map.hpp>

#include "base/user_function.hpp"

// Likelihoods of maps that are functions of the calling program (mathematics.md §13.2).

namespace gmdiff::observations {

/// log N(y; Phi(x), R) without its constant, with R = L L^T. The sums of a row have an order of their own, so
/// that no row depends on the others. A row that a function forgets is NaN.
class CalledLikelihood {
 public:
  CalledLikelihood(CustomMap map, Eigen::VectorXd y, Eigen::MatrixXd L);

  /// Phi (n, dy) of points (n, d).
  Points value(const Points& x) const;
  /// J (dy, d) at one point (d).
  Eigen::MatrixXd jacobian(const Eigen::VectorXd& x) const;
  /// -|w|^2 / 2, shape (n), with L w = y - Phi.
  Eigen::VectorXd log_likelihood(const Points& x) const;
  /// J^T u, shape (n, d), with u = R^-1 (y - Phi).
  Points gradient(const Points& x) const;
  void evaluate(const Points& x, Eigen::VectorXd& log_likelihood, Points& gradient) const;
  /// -J^T R^-1 J v, plus sum_i u_i (Hess Phi_i) v where the map has a Hessian; shape (n, d).
  Points hessian_vp(const Points& x, const Points& v) const;

 private:
  Points whitened_residual(const Points& x) const;
  Points transposed_product(const Points& x, const Points& w) const;
  Points jacobians(const Points& x, const std::vector<Eigen::Index>& rows) const;
  Points jacobian_product(const Points& x, const Points& v) const;

  CustomMap map_;
  Eigen::VectorXd y_;
  Eigen::MatrixXd L_;
  std::unique_ptr<Turns> turns_;
};

}  // namespace gmdiff::observations
