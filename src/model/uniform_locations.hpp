#pragma once

#include <cstdint>

#include <gmdiff/base/points.hpp>

#include "base/random.hpp"

namespace gmdiff {

/// The random locations of the benchmark laws, which have one stream each (numerics.md §5).
enum class LocationStream : std::uint64_t { gmm40, student_t_mixture };

/// Points uniform on [-half_width, half_width]^d, shape (count, d): number m of the array, row-major, is
/// -half_width + 2 half_width (U >> 11) 2^-53 of uniform number m of the stream with seed 0.
inline Points uniform_locations(LocationStream stream, Eigen::Index count, Eigen::Index dim,
                                double half_width) {
  const StreamKey key{
      .seed = 0, .index = static_cast<std::uint64_t>(stream), .purpose = Purpose::target_location};
  Points locations(count, dim);
  for (Eigen::Index m = 0; m < locations.size(); ++m) {
    const std::uint64_t U = uniform_u64(key, static_cast<std::uint64_t>(m));
    locations.data()[m] = -half_width + 2.0 * half_width * categorical_uniform(U, Precision::f64);
  }
  return locations;
}

}  // namespace gmdiff
