#pragma once

#include <memory>

#include "base/thread_pool.hpp"
#include "device/distance_sums.hpp"

namespace gmdiff {

/// Makes the sums that run on the threads of a pool. `cpu` uses them, and so does `reference`, which has none
/// of its own.
std::unique_ptr<DistanceSums> make_host_sums(std::shared_ptr<ThreadPool> pool);

}  // namespace gmdiff
