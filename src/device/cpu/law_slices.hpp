#pragma once

#include <gmdiff/base/points.hpp>

#include "base/thread_pool.hpp"
#include "device/line_laws.hpp"

namespace gmdiff {

/// `DistanceSums::law_slices` on the threads of a pool.
Eigen::VectorXd host_law_slices(const Points& x, const Eigen::VectorXd& weights, const LineLaws& laws,
                                const Points& directions, int p, ThreadPool& pool);

}  // namespace gmdiff
