#pragma once

#include <cstdint>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/options.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/plan/plan.hpp>

// Moments over the paths of a run at every time that it keeps (mathematics.md §16.5).

namespace gmdiff {

/// Moments of the states of n paths at each of M times, in double, without the paths themselves.
struct PathMoments {
  static constexpr Eigen::Index largest_covariance = 32;  ///< largest d with covariances
  std::int64_t count = 0;                                 ///< n
  std::vector<double> times = {};                         ///< (M)
  Points mean = {};                                       ///< (M, d)
  Points variance = {};                                   ///< (M, d), with the divisor n - 1
  /// (M, d d), row-major, with the divisor n - 1; (M, 0) for d > 32
  Points covariance = {};
  Provenance provenance = {};  ///< as of a run of all paths, with the time of the paths alone
};

/// Runs a plan with one problem and finds the moments over its paths at the levels that `options.history`
/// keeps, all of them if it is 0. The paths are those of `run` with the same options. They are produced in
/// parts of a few megabytes and enter the sums one after the other, so the memory does not grow with their
/// number, and the bits depend on the paths and their order alone, not on threads and parts.
/// @throws std::invalid_argument for fewer than two paths, several problems, a plan without levels, and as
///   `run`; NonFiniteError for states that are not finite, of which it counts those of one part; Interrupted
///   when asked to stop, with the paths of the last part.
PathMoments path_moments(const Plan& plan, const Options& options = {});

}  // namespace gmdiff
