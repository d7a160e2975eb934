#pragma once

#include <cmath>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"

namespace gmdiff::fokker_planck {

/// Requires one finite value for each of `size` cells.
inline void check_values(const Eigen::VectorXd& values, Eigen::Index size, const char* what) {
  require(values.size() == size, what, ": expected one value for each of the ", size, " cells, got ",
          values.size());
  for (Eigen::Index i = 0; i < size; ++i)
    require(std::isfinite(values(i)), what, ": expected finite values, got ", values(i), " in cell ", i);
}

/// Requires one finite mass >= 0 for each of `size` cells.
inline void check_masses(const Eigen::VectorXd& P, Eigen::Index size, const char* what) {
  check_values(P, size, what);
  for (Eigen::Index i = 0; i < size; ++i)
    require(P(i) >= 0.0, what, ": expected masses >= 0, got ", P(i), " in cell ", i);
}

inline void check_duration(double tau, const char* what) {
  require(std::isfinite(tau) && tau >= 0.0, what, ": expected a finite tau >= 0, got ", tau);
}

/// exp of each entry by the standard library: Eigen's own differs between instruction sets and is not 0 at
/// -inf.
inline Eigen::VectorXd exp_of(const Eigen::VectorXd& x) {
  return x.unaryExpr([](double entry) { return std::exp(entry); });
}

}  // namespace gmdiff::fokker_planck
