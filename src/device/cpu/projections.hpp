#pragma once

#include <vector>

#include <gmdiff/base/points.hpp>

#include "base/thread_pool.hpp"

namespace gmdiff {

/// Most directions on which points are projected at a time, so that their projections take some 64 MiB: a
/// number of whole tiles, at least one. `points` is the number of points of all sets.
Eigen::Index directions_at_once(Eigen::Index points, Eigen::Index directions);

/// Projects points on directions [first, first + count). The projections on one direction are contiguous.
void project_points(const Points& points, const Points& directions, Eigen::Index first, Eigen::Index count,
                    ThreadPool& pool, std::vector<double>& out);

}  // namespace gmdiff
