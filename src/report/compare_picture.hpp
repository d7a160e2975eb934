#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmdiff/study/comparison_record.hpp>

#include "report/figure.hpp"

// Pictures of a comparison's records: what a sampler reaches for what it costs.

namespace gmdiff::report {

enum class Cost { evaluations, seconds };

/// The figures of one sampler in one quantity, over its problems and seeds.
struct SamplerFigures {
  std::string sampler;
  std::size_t runs = 0;                         ///< runs with figures
  std::size_t failed = 0;                       ///< runs without
  double value = 0.0, least = 0.0, most = 0.0;  ///< mean and range of the distance
  double floor = 0.0;                           ///< mean
  double evaluations = 0.0, seconds = 0.0;      ///< means per run
};

/// The quantities of the records, in the order of their first appearance.
std::vector<std::string> quantities_of(const std::vector<ComparisonRecord>& records);

/// One entry a sampler, in the order of their first appearance. Samplers without figures have 0 runs.
std::vector<SamplerFigures> figures_of(const std::vector<ComparisonRecord>& records,
                                       const std::string& quantity);

/// The distance of every sampler over its cost, with the range over problems and seeds, and the floor.
/// @throws std::invalid_argument when no record has figures in the quantity.
Picture compare_picture(const std::vector<ComparisonRecord>& records, const std::string& quantity, Cost cost,
                        double width);

}  // namespace gmdiff::report
