#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "report/axis.hpp"
#include "report/panel.hpp"

namespace gmdiff::report {

/// A histogram as a density: heights of equal bins over the axis. @param total number of values to normalise by.
std::vector<double> histogram(const std::vector<double>& sorted, const Axis& axis, std::int64_t total);

/// Corners of the bars of a histogram; bins without values have none.
std::vector<std::pair<Place, Place>> bars_of(const std::vector<double>& heights, const Axis& axis);

}  // namespace gmdiff::report
