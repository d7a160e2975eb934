#pragma once

#include <cstdint>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target.hpp>

// Local maxima of targets and Laplace's approximation (mathematics.md §15.3).

namespace gmdiff {

/// Points from which maxima are searched: the given ones, and draws of N(0, spread^2 I).
struct ModeOptions {
  Points starts = {};   ///< (n, d), or empty
  int draws = 16;       ///< >= 0
  double spread = 1.0;  ///< > 0
  std::uint64_t seed = 0;
};

/// A local maximum. Where a `Regularised` target has no smoothing, l has a kink at most maxima and Laplace's
/// approximation does not exist: `hessian` is empty and `log_mass` is NaN.
struct Mode {
  Eigen::VectorXd x;        ///< (d)
  double log_density;       ///< l at x
  Eigen::MatrixXd hessian;  ///< (d, d) of l at x, negative definite
  /// Laplace's approximation of the log of the mass around x: l + (d/2) log(2 pi) - 1/2 log det(-H).
  double log_mass;
};

/// All maxima that were found, the highest first, and the ends of the other starts.
struct Modes {
  std::vector<Mode> maxima;  ///< more than 1e-4 apart from each other
  /// Logarithm of the sum of the masses, an estimate of the normaliser; -inf without maxima, NaN without
  /// masses.
  double log_normalizer;
  int saddles = 0;     ///< starts that end where the Hessian is not negative definite
  int unfinished = 0;  ///< starts that reach the limit of iterations
  int outside = 0;     ///< starts at which l is not finite
  /// The Hessians are Gauss-Newton's, because the `CustomMap` of the observation gives none: masses are
  /// approximate beyond Laplace's approximation, and an end may be a saddle.
  bool is_gauss_newton = false;
};

/// Searches maxima by Newton's method with backtracking. For a `Regularised` target without smoothing the
/// orthant-wise quasi-Newton method precedes it, and what is 0 of F x at a maximum is exactly 0.
/// @throws std::invalid_argument for d > 200, starts of another dimension or with values that are not finite,
///   no starts at all, a spread that is not positive, and a `Regularised` target without smoothing whose
///   operator is neither identity nor gradient.
Modes modes(const Target& target, const ModeOptions& options = {});

/// Laplace's approximation as a mixture: a component for each maximum, with a weight proportional to the mass
/// and `scale` times the inverse of -H as covariance.
/// @param scale > 0; above 1 for a proposal with heavier tails.
/// @throws std::invalid_argument without maxima, for maxima without a Hessian, and for other scales.
Mixture laplace_mixture(const Modes& modes, double scale = 1.0);

}  // namespace gmdiff
