#pragma once

#include <gmdiff/metrics/distances.hpp>

namespace gmdiff {

/// `median_distance` with the zero distances of each point to itself among the values. n + m >= 4.
double median_distance_with_zeros(const PointSet& x, const PointSet& y);

}  // namespace gmdiff
