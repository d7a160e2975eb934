#pragma once

#include <cstdint>

#include <gmdiff/model/target.hpp>

#include "base/thread_pool.hpp"

// The target of paths, which the host evaluates, since its functions may be those of the calling program. A
// target sees the same rows together as on the device cpu, because their number may affect the rounding of
// products inside a mixture.

namespace gmdiff::cuda {

/// Scores at the states x (count, d) of the paths number first, first + 1, ...
/// @param log_rho receives the log-densities (count), or null.
Points target_scores(const Target& target, ThreadPool& pool, const Points& x, std::int64_t first,
                     Eigen::VectorXd* log_rho);

/// Products of the Hessian at the rows of x with factor v, for the paths number 0, 1, ...
Points hessian_products(const Target& target, ThreadPool& pool, const Points& x, double factor,
                        const Points& v);

}  // namespace gmdiff::cuda
