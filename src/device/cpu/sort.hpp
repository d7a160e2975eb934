#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gmdiff {

/// Sorts finite numbers, ascending. A radix sort by the upper 32 bits, after which only numbers that agree in them are compared: several
/// times as fast as a sort by comparisons on the hundred thousand numbers of a projection. `work` is its memory, kept between calls.
void sort_numbers(std::span<double> values, std::vector<std::uint64_t>& work);

}  // namespace gmdiff
