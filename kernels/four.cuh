#pragma once

#include <cstring>

#include "particle/arithmetic.hpp"

namespace gmdiff::kernels {

/// Four consecutive numbers, read at once where the hardware can.
template <class Real>
struct Four {
  Real numbers[4];
  /// @param from aligned to 16 bytes
  GMDIFF_PARTICLE explicit Four(const Real* from) {
    std::memcpy(numbers, __builtin_assume_aligned(from, 16), sizeof(numbers));
  }
  GMDIFF_PARTICLE Real operator[](int i) const { return numbers[i]; }
};

/// Whether all rows of a contiguous table begin at aligned addresses if the table does.
template <class Integer>
GMDIFF_PARTICLE bool has_rows_of_fours(Integer row) {
  return row % 4 == 0;
}

}  // namespace gmdiff::kernels
