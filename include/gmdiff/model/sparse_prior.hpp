#pragma once

#include <optional>
#include <vector>

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>

// Priors that favour sparse signals, signals with few jumps or smooth signals (mathematics.md §13.3).

namespace gmdiff {

/// The operator F of a `SparsePrior`.
enum class AnalysisOperator {
  identity,     ///< F x = x
  gradient,     ///< x_{i+1} - x_i: total variation
  gradient_2d,  ///< the differences along both directions of an image: anisotropic total variation
  matrix,       ///< any matrix
};

/// The function psi of a `SparsePrior`.
enum class Smoothing {
  none,          ///< abs(u)
  pseudo_huber,  ///< sqrt(u^2 + e^2) - e, in [-e, 0] from abs(u)
  huber,         ///< u^2 / (2 e) for abs(u) <= e, else abs(u) - e/2; in [-e/2, 0] from abs(u)
  quadratic,     ///< u^2 / 2, which is not near abs(u): the density is a normal one
};

/// The density exp(-weight sum_i psi((F x)_i)), which is improper where F has a kernel.
struct SparsePrior {
  double weight = 1.0;  ///< > 0
  AnalysisOperator analysis = AnalysisOperator::identity;
  std::vector<int> shape = {};  ///< of `gradient_2d`: height and width, >= 2; the image is given row by row
  Eigen::MatrixXd matrix = {};  ///< of `matrix`: F (m, d), finite
  Smoothing smoothing = Smoothing::none;
  std::optional<double> width = {};  ///< of `pseudo_huber` and `huber`: e > 0; by default 0.01 / weight
};

/// The proximal map of each row y of `points` (n, d): the point x that minimises
/// |x - y|^2 / 2 + strength |F x|_1.
/// @param prior `analysis` is identity or gradient, without smoothing. @param strength >= 0, finite
/// @throws std::invalid_argument for another prior.
Points proximal_map(const SparsePrior& prior, const Points& points, double strength);

}  // namespace gmdiff
