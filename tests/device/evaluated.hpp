#pragma once

#include <vector>

#include <gmdiff/base/points.hpp>

#include "device/executor.hpp"

namespace gmdiff::test {

/// All results for given points, one after the other.
using Evaluated = std::vector<double>;
inline Evaluated evaluated(const Executor& executor, const MixtureTable& problem, const Points& x,
                           Precision precision) {
  const auto n = static_cast<std::size_t>(x.rows());
  const auto d = static_cast<std::size_t>(x.cols());
  const auto K = static_cast<std::size_t>(problem.num_components());
  Evaluated values(n * (1 + K + 2 * d), -1.0);
  double* const responsibilities = values.data() + n;
  executor.evaluate({.problem = problem,
                     .level = {.alpha = 0.75, .sigma = 0.5},
                     .precision = precision,
                     .points = x.data(),
                     .count = x.rows(),
                     .log_density = values.data(),
                     .log_responsibilities = responsibilities,
                     .score = responsibilities + n * K,
                     .denoiser = responsibilities + n * (K + d),
                     .stop = {}});
  return values;
}

}  // namespace gmdiff::test
