#pragma once

#include <algorithm>
#include <span>

#include "particle/tables.hpp"

// Points are compared with a law on a line in two halves (particle/line_cost.hpp). These functions give the
// number of intervals (p = 1) or points (p = 2) of the lower half.

namespace gmdiff {

/// For n points of equal mass.
inline particle::Index lower_half(particle::Index n, int p) { return p == 1 ? (n + 2) / 2 : (n + 1) / 2; }

/// For the masses of the first 0 ... n points: intervals whose mass below is less than 1/2, and points of
/// which at least half lies below 1/2.
inline particle::Index lower_half(std::span<const double> mass_below, int p) {
  const auto n = static_cast<particle::Index>(mass_below.size()) - 1;
  const auto is_lower = [&](particle::Index i) {
    const auto j = static_cast<std::size_t>(i);
    return p == 1 ? mass_below[j] < 0.5 : mass_below[j] + mass_below[j + 1] <= 1.0;
  };
  particle::Index lower = 0;
  while (lower < n && is_lower(lower)) ++lower;
  return lower;
}

}  // namespace gmdiff
