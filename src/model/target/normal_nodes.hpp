#pragma once

#include <cstdint>

#include <gmdiff/base/points.hpp>

// Rules for expectations under N(0, I) (mathematics.md §15.5).

namespace gmdiff::targets {

/// E f(z) = sum_i weights_i f(z_i).
struct NormalNodes {
  Points z;                 ///< (n, d)
  Eigen::VectorXd weights;  ///< (n), with sum 1
};

/// Gauss-Hermite's rule with n points, which is exact for polynomials of degree 2 n - 1, or the product of two.
/// @param dim 1 or 2
NormalNodes gauss_hermite(Eigen::Index n, Eigen::Index dim);

/// Pairs z, -z of draws. @param n even. @param first number of the first pair
NormalNodes antithetic_draws(Eigen::Index n, Eigen::Index dim, std::uint64_t seed, std::uint64_t first);

/// Draws transformed so that their covariance is the identity: polynomials of degree 2 then have their exact
/// expectations. @throws std::invalid_argument if the draws do not span the space.
NormalNodes whitened(NormalNodes nodes);

}  // namespace gmdiff::targets
