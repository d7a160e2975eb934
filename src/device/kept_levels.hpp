#pragma once

#include <vector>

namespace gmdiff {

/// `history` of `levels` levels, the first of which has number `first`: as evenly spaced as integers can be,
/// both ends included.
/// @throws std::invalid_argument unless history is 2 ... levels.
std::vector<int> evenly_spaced_levels(int first, int levels, int history);

}  // namespace gmdiff
