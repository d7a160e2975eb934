#pragma once

#include <gmdiff/model/quadrature.hpp>

namespace gmdiff::targets {

/// A box outside of which exp(l) is negligible, in dimension 1 or 2 (mathematics.md §15.1).
/// @throws std::invalid_argument if none is found.
QuadratureBox find_box(const Target& target);

}  // namespace gmdiff::targets
