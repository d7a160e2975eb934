#pragma once

#include <filesystem>
#include <vector>

#include <gmdiff/base/points.hpp>

namespace gmdiff::study {

/// Points of a trained sampler with their weights.
struct WeightedPoints {
  Points x;                     ///< (n, d)
  std::vector<double> weights;  ///< (n) proportional to w, the largest is 1
};

/// Reads an archive that `sample` wrote for a trained sampler.
/// @throws std::invalid_argument naming the file for other archives, for weights that are all 0, NaN or inf;
///   MemoryError.
WeightedPoints read_weighted_points(const std::filesystem::path& file);

}  // namespace gmdiff::study
