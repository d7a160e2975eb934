#pragma once

#include <array>
#include <stdexcept>
#include <utility>

#include <gmdiff/metrics/distances.hpp>

namespace gmdiff {

/// Short names of the metrics of `judge`: in flags and in the keys of recorded comparisons.
inline constexpr std::array metric_names{
    std::pair{"sw", Metric::sliced_wasserstein},     std::pair{"max-sw", Metric::max_sliced_wasserstein},
    std::pair{"mmd", Metric::mmd_squared},           std::pair{"energy", Metric::energy_distance},
    std::pair{"moments", Metric::moments},           std::pair{"modes", Metric::modes},
    std::pair{"mode-weights", Metric::mode_weights}, std::pair{"sinkhorn", Metric::sinkhorn},
    std::pair{"emc", Metric::mode_coverage},         std::pair{"mmd-vsm", Metric::mmd_vsm}};

inline const char* metric_name(Metric metric) {
  for (const auto& [name, known] : metric_names) {
    if (known == metric) return name;
  }
  throw std::logic_error("a metric has no name in metrics/metric_names.hpp");
}

}  // namespace gmdiff
