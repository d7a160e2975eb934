#pragma once

#include <limits>

namespace gmdiff {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace gmdiff
