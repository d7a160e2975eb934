#pragma once

#include <algorithm>
#include <cstddef>

#include <gmdiff/base/points.hpp>

#include "device/cuda/gpu.hpp"
#include "kernels/distances.hpp"

// Points in a GPU's memory, and their sorted projections, for distances.

namespace gmdiff::cuda {

using kernels::Index;
using kernels::Rows;

inline std::size_t to_size(Index number) { return static_cast<std::size_t>(number); }

/// The rest is left for allocations of others in the meantime.
inline std::size_t usable_memory(const Gpu& gpu) { return gpu.free_memory() / 10 * 9; }

/// Some points of a set in a GPU's memory.
class Piece {
 public:
  Piece(Gpu& gpu, Index most, Index dim) : values_(gpu, to_size(most * dim)), most_(most) {}

  Index most() const { return most_; }
  Rows upload(const Points& from, Index first) {
    const Index count = std::min(most_, from.rows() - first);
    values_.upload(from.row(first).data(), to_size(count * from.cols()));
    return {.values = values_.data(), .count = count};
  }

 private:
  Buffer<double> values_;
  Index most_;
};

/// Points of a set that are uploaded at a time to be projected, at most n.
inline Index points_per_upload(const Gpu& gpu, Index n, Index dim) {
  constexpr std::size_t preferred = std::size_t{64} << 20;  // bytes
  const std::size_t bytes = std::min(preferred, usable_memory(gpu) / 8);
  const auto fit = static_cast<Index>(bytes / (sizeof(double) * to_size(dim)));
  return std::min(std::max(fit, kernels::tile_side), n);
}

/// Sorted projections of a set on some directions; the projections on one direction are contiguous.
class SortedProjections {
 public:
  SortedProjections(Gpu& gpu, const Points& points, Index most_slices)
      : gpu_(gpu),
        points_(points),
        numbers_(gpu, to_size(points.rows() * most_slices)),
        sorted_(gpu, numbers_.size()) {}

  const double* compute(const Rows& directions, Piece& piece) {
    for (Index first = 0; first < points_.rows(); first += piece.most()) {
      gpu_.launch(kernels::ProjectionJob{.points = piece.upload(points_, first),
                                         .directions = directions,
                                         .dim = points_.cols(),
                                         .out = numbers_.data() + first,
                                         .stride = points_.rows()});
    }
    gpu_.launch(kernels::SortJob{.numbers = numbers_.data(),
                                 .sorted = sorted_.data(),
                                 .segments = directions.count,
                                 .length = points_.rows()});
    return sorted_.data();
  }

 private:
  Gpu& gpu_;
  const Points& points_;
  Buffer<double> numbers_, sorted_;
};

/// Gives memory back at the end of a sum.
class Resting {
 public:
  explicit Resting(Gpu& gpu) : gpu_(gpu) {}
  ~Resting() { gpu_.rest(); }
  Resting(const Resting&) = delete;
  Resting& operator=(const Resting&) = delete;

 private:
  Gpu& gpu_;
};

}  // namespace gmdiff::cuda
