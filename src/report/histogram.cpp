#include "report/histogram.hpp"

#include <cmath>
#include <cstddef>

namespace gmdiff::report {

std::vector<double> histogram(const std::vector<double>& sorted, const Axis& axis, std::int64_t total) {
  const std::size_t bins = sorted.size() >= 1000 ? 48 : 24;
  const double bin = (axis.high - axis.low) / static_cast<double>(bins);
  std::vector<double> heights(bins, 0.0);
  for (const double value : sorted) {
    const double place = std::floor((value - axis.low) / bin);
    if (place >= 0.0 && place < static_cast<double>(bins))
      heights[static_cast<std::size_t>(place)] += 1.0 / (bin * static_cast<double>(total));
  }
  return heights;
}

std::vector<std::pair<Place, Place>> bars_of(const std::vector<double>& heights, const Axis& axis) {
  const double bin = (axis.high - axis.low) / static_cast<double>(heights.size());
  std::vector<std::pair<Place, Place>> bars;
  for (std::size_t i = 0; i < heights.size(); ++i) {
    const double low = axis.low + bin * static_cast<double>(i);
    if (heights[i] > 0.0) bars.push_back({{low, 0.0}, {low + bin, heights[i]}});
  }
  return bars;
}

}  // namespace gmdiff::report
