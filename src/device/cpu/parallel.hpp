#pragma once

#include <cstdint>
#include <functional>

#include "base/thread_pool.hpp"

// Distances run on the threads of a pool. Every sum is built from pieces that do not depend on the number of
// threads and are added in their order.

namespace gmdiff {

/// Calls body(thread, i) for i = 0 ... count - 1 on the threads of the pool; uses fewer threads when all
/// pieces together have few `operations`.
void for_each_piece(ThreadPool& pool, std::int64_t count, double operations,
                    const std::function<void(int, std::int64_t)>& body);

/// Sum over the pieces of body(i), in ascending order.
long double sum_of_pieces(ThreadPool& pool, std::int64_t count, double operations,
                          const std::function<long double(std::int64_t)>& body);

}  // namespace gmdiff
