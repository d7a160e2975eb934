#pragma once

#include <cstdint>

#include <gmdiff/model/target.hpp>

#include "base/thread_pool.hpp"

namespace gmdiff {

/// Exact draws of a target, as `Target::draws`, computed on the threads of a pool, or on the calling thread
/// without one.
Points host_draws(const Target& target, std::int64_t count, std::uint64_t seed, std::int64_t first,
                  std::uint32_t replicate, ThreadPool* pool);

}  // namespace gmdiff
