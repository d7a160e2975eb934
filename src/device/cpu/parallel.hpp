#pragma once

#include <cstdint>
#include <functional>
#include <vector>

// Distances run on all processors that there are for them, or on as many threads as they are told; every sum is made of pieces that do not
// depend on their number, added in the order of the pieces.

namespace gmdiff {

/// One thread for each processor that this process may use.
int all_threads();

/// Calls body(thread, i) for i = 0 ... count - 1, on at most `threads` threads, or on the calling one alone when all pieces together have
/// few `operations`.
void for_each_piece(int threads, std::int64_t count, double operations, const std::function<void(int, std::int64_t)>& body);

/// Sum over the pieces of body(i), in ascending order.
long double sum_of_pieces(int threads, std::int64_t count, double operations, const std::function<long double(std::int64_t)>& body);

}  // namespace gmdiff
