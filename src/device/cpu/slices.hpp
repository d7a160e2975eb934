#pragma once

#include <span>

#include <gmdiff/base/points.hpp>

#include "base/thread_pool.hpp"

namespace gmdiff {

/// W_p^p of sorted sets (mathematics.md §9), p = 1 or 2.
double sorted_wasserstein(std::span<const double> x, std::span<const double> y, int p);

/// `DistanceSums::slices` on the threads of a pool.
Eigen::VectorXd host_slices(const Points& x, const Points& y, const Points& directions, int p,
                            ThreadPool& pool);

}  // namespace gmdiff
