#pragma once

#include <functional>
#include <string>

#include <Eigen/Core>

// Maps of nonlinear observations that the calling program supplies (mathematics.md §13.2).

namespace gmdiff {

/// A map Phi and the products with its derivatives, as functions of rows. A function gets rows of a batch, and
/// must give a row the same result whichever other rows come with it; only then does a chain not depend on
/// the others of its run. All arrays are row-major, in host memory and in double whatever the run's
/// precision; the device cuda copies its rows to the host. A run passes on an exception of a function
/// unchanged.
struct CustomMap {
  static constexpr const char* name = "custom";
  int dim = 1;      ///< d >= 1
  int outputs = 1;  ///< dy >= 1
  /// Writes Phi of each of n rows x (n, dim) to phi (n, outputs).
  std::function<void(Eigen::Index n, const double* x, double* phi)> value = {};
  /// Writes J^T w, with J = dPhi/dx at x, of each of n rows x (n, dim) and w (n, outputs) to product
  /// (n, dim).
  std::function<void(Eigen::Index n, const double* x, const double* w, double* product)> transposed_product =
      {};
  /// Writes J v of each of n rows x (n, dim) and v (n, dim) to product (n, outputs). Without it J v is made of
  /// `outputs` products J^T e_i.
  std::function<void(Eigen::Index n, const double* x, const double* v, double* product)> product = {};
  /// Writes sum_i w_i (Hess Phi_i) v of each of n rows x (n, dim), w (n, outputs) and v (n, dim) to product
  /// (n, dim). Without it the Hessian of the log-likelihood is approximated by -J^T R^-1 J (Gauss-Newton).
  std::function<void(Eigen::Index n, const double* x, const double* w, const double* v, double* product)>
      hessian = {};
  /// Whether several threads may call the functions at once; otherwise the calls follow each other.
  bool concurrent = true;
  /// Identifies the map in the plan's hash and in the provenance of results. Not empty.
  std::string id = {};
};

}  // namespace gmdiff
