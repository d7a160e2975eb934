#pragma once

#include <cmath>
#include <cstdint>

#include <gmdiff/base/error.hpp>

#include "base/check.hpp"

namespace gmdiff {

/// @throws NonFiniteError naming the path unless log w is finite or -inf.
inline void check_log_weights(const double* log_weights, std::int64_t first, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::isfinite(log_weights[i]) || log_weights[i] < 0.0) continue;
    throw NonFiniteError(concat("trained sampler: log w of path ", first + i, " is ", log_weights[i]));
  }
}

}  // namespace gmdiff
