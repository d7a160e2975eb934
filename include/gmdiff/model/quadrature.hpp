#pragma once

#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/target.hpp>

// Integrals of targets in one or two dimensions by the trapezoid rule (mathematics.md §15.1).

namespace gmdiff {

/// A box [lower, upper]. An empty box stands for one that is found from the target.
struct QuadratureBox {
  Eigen::VectorXd lower = {}, upper = {};  ///< (d) finite, lower < upper
};

/// Density of one coordinate, normalised in the box.
struct MarginalDensity {
  Eigen::VectorXd points, density;  ///< (n)
};

/// Absolute differences of results with all points and with every second point of each axis.
struct QuadratureErrors {
  double log_normalizer;
  Eigen::VectorXd mean;        ///< (d)
  Eigen::MatrixXd covariance;  ///< (d, d)
};

/// Integrals over a box.
struct Quadrature {
  QuadratureBox box;
  double log_normalizer;                   ///< log of the integral of exp(l)
  Eigen::VectorXd mean;                    ///< (d)
  Eigen::MatrixXd covariance;              ///< (d, d)
  std::vector<MarginalDensity> marginals;  ///< one for each coordinate
  /// For smooth densities the error itself is far smaller.
  QuadratureErrors error;
  /// Share of the mass within 1 % of the width from a side. A box is large enough if it is 1e-8 or less.
  double edge_mass;
};

/// Integrates exp(l) by the trapezoid rule, in dimension 1 with 4096 intervals, in dimension 2 with 1024 on
/// each axis. Points where l is NaN or -inf are outside the support. Without a box, the sides are placed
/// where the marginal density of a coordinate falls below e^-40 of its maximum. Equal arguments give equal
/// bits.
/// @throws std::invalid_argument for a dimension above 2; for a box of another dimension, with a side that
///   is not finite or with lower >= upper; if l is +inf at a point, or the box has no mass; without a box, if
///   exp(l) does not fall off in every direction, or if no point with a finite l is found.
Quadrature quadrature(const Target& target, const QuadratureBox& box = {});

/// The denoiser D(x) = E[x_0 | alpha x_0 + sigma z = x] of a target p(x_0) = exp(l) / Z, by the same rule: the
/// exact one of a posterior, against which guided denoisers can be judged.
/// @param x (n, d) points at the level
/// @returns (n, d); x / alpha at sigma = 0
/// @throws std::invalid_argument also for points of another dimension or that are not finite, alpha <= 0, and
///   a noise sigma / alpha > 0 below two intervals of the rule, which cannot resolve it.
Points quadrature_denoiser(const Target& target, const Points& x, Level level, const QuadratureBox& box = {});

}  // namespace gmdiff
