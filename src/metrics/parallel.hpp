#pragma once

#include <cstdint>
#include <functional>
#include <vector>

// Distances run on all cores; every sum is made of pieces that do not depend on their number, added in the order of the pieces.

namespace gmdiff {

/// Calls body(thread, i) for i = 0 ... count - 1, on as many threads as there are cores, or on the calling one alone when all pieces
/// together have few `operations`.
void for_each_piece(std::int64_t count, double operations, const std::function<void(int, std::int64_t)>& body);

/// Threads that `for_each_piece` may use.
int most_threads();

/// Sum over the pieces of body(i), in ascending order.
long double sum_of_pieces(std::int64_t count, double operations, const std::function<long double(std::int64_t)>& body);

}  // namespace gmdiff
