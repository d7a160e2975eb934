#pragma once

#include <algorithm>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>

namespace gmdiff {

/// Level at which the law has responsibilities. This is the law itself, unless a component of positive weight
/// has no density: then it is the law blurred by 1e-6 of its standard deviation (by 1 when the law is a
/// single point).
Level responsibility_level(const Mixture& law);

/// Calls `use(first, rows)` with log-responsibilities of consecutive points, from number `first` on. The
/// (n, K) responsibilities of all points may not fit in memory, so they are computed for some points at a
/// time.
template <class Use>
void for_log_responsibilities(const Points& x, const Mixture& law, Use use) {
  constexpr Eigen::Index batch = 4096;
  const Level level = responsibility_level(law);
  for (Eigen::Index first = 0; first < x.rows(); first += batch)
    use(first, law.log_responsibilities(x.middleRows(first, std::min(batch, x.rows() - first)), level));
}

}  // namespace gmdiff
