#pragma once

#include <algorithm>
#include <span>

#include "base/extended.hpp"

namespace gmdiff {

/// Logarithm of the mean of exp(values), for at least one value. It averages the evidences of chains
/// (mathematics.md §6). Computed in extended precision and rounded once.
inline double log_mean_exp(std::span<const double> values) {
  const double largest = *std::max_element(values.begin(), values.end());
  long double sum = 0.0L;
  for (const double value : values) sum += extended::exp(static_cast<long double>(value) - largest);
  return largest + static_cast<double>(extended::log(sum / static_cast<long double>(values.size())));
}

}  // namespace gmdiff
