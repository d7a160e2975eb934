#pragma once

#include <cstdint>

// The coverage of credible intervals over many problems, beside the band of exact samples.

namespace gmdiff::study {

/// Hits of intervals on independent problems. For exact samples their number is Binomial(problems, level).
struct Coverage {
  double level = 0.0;
  std::int64_t hits = 0;
  std::int64_t problems = 0;
  /// Band of the share of hits: for exact samples it is left with probability at most 0.005 on each side.
  double low = 0.0;
  double high = 0.0;

  double share() const { return static_cast<double>(hits) / static_cast<double>(problems); }
  /// Whether exact samples would explain the hits.
  bool is_calibrated() const { return low <= share() && share() <= high; }
};

/// Summarises `hits` of `problems` intervals of one level.
/// @throws std::invalid_argument unless 0 < level < 1, problems >= 1 and 0 <= hits <= problems.
Coverage coverage_over_problems(double level, std::int64_t hits, std::int64_t problems);

}  // namespace gmdiff::study
