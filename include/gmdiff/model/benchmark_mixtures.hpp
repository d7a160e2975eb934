#pragma once

#include <gmdiff/model/mixture.hpp>

// Mixtures on which papers compare samplers.

namespace gmdiff {

/// 40 components of equal weight with unit covariances, whose means are uniform on [-40, 40]^dim
/// (mathematics.md §13.5). As a target of samplers it has log Z = 0.
/// @param dim >= 1
/// @throws std::invalid_argument for another dimension.
Mixture gmm40(int dim = 2);

}  // namespace gmdiff
