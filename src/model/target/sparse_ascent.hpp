#pragma once

#include "model/target/ascent.hpp"

// Maxima of posteriors of sparse priors without smoothing (mathematics.md §15.3).

namespace gmdiff::targets {

/// Whether a target is a `Regularised` without smoothing: l has no derivative where a coordinate of F x is 0.
bool has_kinks(const Target& target);

/// @throws std::invalid_argument for an operator other than identity and gradient, of a target with kinks.
void check_kinks(const Target& target);

/// Climbs from `start` (d) to a local maximum of a target with kinks whose operator is identity or gradient.
/// The end is stationary if the subgradient of least norm vanishes, and a maximum if, besides, the Hessian
/// along the coordinates that are not 0 or have no penalty is negative definite. `g` is that subgradient with
/// respect to u (§15.3), and `H` is empty.
Ascent ascend_with_kinks(const Target& target, const Eigen::VectorXd& start);

}  // namespace gmdiff::targets
