#pragma once

#include <algorithm>
#include <cstddef>

namespace gmdiff::cuda {

/// One piece of a long copy, and the number of the buffer that it goes through.
struct Piece {
  std::size_t begin, size;  ///< bytes
  int buffer;               ///< 0 and 1 alternately
};

/// Calls begin(piece) and finish(piece) for the pieces of `bytes` bytes, in their order. Each piece begins
/// before the previous one is finished, and a buffer is reused only when its piece is finished.
template <class Begin, class Finish>
void in_two_buffers(std::size_t bytes, std::size_t most, Begin begin, Finish finish) {
  const std::size_t pieces = (bytes + most - 1) / most;
  const auto piece = [&](std::size_t i) {
    return Piece{
        .begin = i * most, .size = std::min(most, bytes - i * most), .buffer = static_cast<int>(i % 2)};
  };
  if (pieces > 0) begin(piece(0));
  for (std::size_t i = 0; i < pieces; ++i) {
    if (i + 1 < pieces) begin(piece(i + 1));
    finish(piece(i));
  }
}

}  // namespace gmdiff::cuda
