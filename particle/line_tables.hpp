#pragma once

#include "particle/tables.hpp"

// Arguments of distances between points and a law on a line (mathematics.md §9.1), as plain data. A law is
// given around a centre, so that its numbers have the size of its extent.

namespace gmdiff::particle {

/// A law of X - centre. Every component has a positive weight.
struct LineLaw {
  const double* weights;     ///< (K)
  const double* means;       ///< (K) relative to the centre
  const double* deviations;  ///< (K)
  const double* rates;       ///< (K) 1 / deviation, at most `largest_rate`
  Index num_components;
  double centre;
  double second_moment;  ///< E (X - centre)^2
  double radius;         ///< the law has all its mass, as far as a double can tell, in centre +- radius
};

/// In units of the deviation; e^(-t^2/2) is 0 from here on (`exp_nonpositive`).
inline constexpr double lower_end = 40.0;
/// A component without variance is a step: with this rate, points one rounding away from it are at infinity.
inline constexpr double largest_rate = 1e300;

/// The points and their masses.
struct LinePoints {
  const double* sorted;  ///< (n)
  Index count;
  /// Mass of the first j points from below and from above, (n + 1) each; null for equal masses.
  const double* mass_below;
  const double* mass_above;
  Index lower;  ///< intervals or points that are compared from below
};

/// Runs evaluate the law at this many points: a multiple of the lanes of every pack.
inline constexpr int line_run_values = 64;
/// Intervals (p = 1) or points (p = 2) of a run; its ends are shared with the neighbours.
inline constexpr Index line_run = line_run_values - 1;

/// Runs of both halves: first those of the lower half, then those of the upper half.
constexpr Index num_line_runs(const LinePoints& points, int p) {
  const Index all = p == 1 ? points.count + 1 : points.count;
  return (points.lower + line_run - 1) / line_run + (all - points.lower + line_run - 1) / line_run;
}

}  // namespace gmdiff::particle
