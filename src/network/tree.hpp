#pragma once

#include <cstddef>
#include <vector>

namespace gmdiff::network {

/// Sets [begin, end) of the first buffer to the sum over all, in a fixed tree: the pairs (0, 1), (2, 3), ...,
/// then pairs of these sums.
template <class Real>
void sum_tree(std::vector<std::vector<Real>>& buffers, std::size_t begin, std::size_t end) {
  for (std::size_t stride = 1; stride < buffers.size(); stride *= 2) {
    for (std::size_t b = 0; b + stride < buffers.size(); b += 2 * stride) {
      Real* to = buffers[b].data();
      const Real* from = buffers[b + stride].data();
      for (std::size_t i = begin; i < end; ++i) to[i] += from[i];
    }
  }
}

}  // namespace gmdiff::network
