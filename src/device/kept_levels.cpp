#include "device/kept_levels.hpp"

#include <cstdint>

#include "base/check.hpp"

namespace gmdiff {

std::vector<int> evenly_spaced_levels(int first, int levels, int history) {
  require(levels >= 2, "run: a plan without steps has no history, got history ", history);
  require(history >= 2 && history <= levels, "run: history must be 0 or 2 to ", levels, " levels, got ",
          history);
  std::vector<int> kept;
  const std::int64_t gaps = history - 1;
  for (std::int64_t i = 0; i < history; ++i) {
    const std::int64_t nearest = (2 * i * (levels - 1) + gaps) / (2 * gaps);  // round(i (levels - 1) / gaps)
    kept.push_back(first + static_cast<int>(nearest));
  }
  return kept;
}

}  // namespace gmdiff
