#pragma once

#include "network/paths/path_sweep.hpp"

namespace gmdiff::network {

/// Random numbers of paths (numerics.md §5): purposes 1, 2 and 3 for paths from the start law, purpose 14 for
/// paths back from the target. The index is the path, the replicate the iteration of a training, or 0.
struct PathStreams {
  std::uint64_t seed;
  std::uint32_t replicate;

  /// Components, e_0 and xi of the paths first ... first + 63; first is a multiple of 64.
  template <class Real>
  void fill_forward(std::uint64_t first, PathBlock<Real>& block) const;
  /// The first two alone: components (block_paths) and e_0 (d, block_paths).
  void fill_components(std::uint64_t first, const PathModel& model, Eigen::Index* component) const;
  void fill_start(std::uint64_t first, const PathModel& model, const PathUnit& unit, double* noise) const;
  /// xi of backward paths.
  template <class Real>
  void fill_backward(std::uint64_t first, PathBlock<Real>& block) const;
};

}  // namespace gmdiff::network
