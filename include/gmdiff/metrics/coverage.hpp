#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/observation.hpp>

// Coverage of credible intervals (mathematics.md §9). A user of posterior samples reads intervals off their
// marginals. If the samples have the law of the posterior, an interval of level 0.9 contains the truth on 90 %
// of the problems. Here the truth is an exact draw of the posterior, so this holds exactly for exact samples
// of any size.

namespace gmdiff {

/// The interval [x_(i), x_(n + 1 - i)] of sorted values.
struct CredibleInterval {
  double low;
  double high;
  /// (n + 1 - 2 i) / (n + 1): the probability that a further value of the same continuous law lies in it
  double level;

  bool contains(double value) const { return low <= value && value <= high; }
};

/// The fewest values that have a central interval of this level in (0, 1).
std::int64_t least_interval_count(double level);

/// Central interval of n values (in any order): i is the integer nearest to (1 - level) / 2 * (n + 1), so the
/// interval's level is the nearest that n values permit.
/// @param level in (0, 1)
/// @throws std::invalid_argument for a value that is not finite, and where `n` is so small that i = 0.
CredibleInterval credible_interval(std::span<const double> values, double level);

struct CoverageOptions {
  double level = 0.9;      ///< in (0, 1)
  std::uint64_t seed = 0;  ///< seed of truth and directions
};

/// Whether intervals of the samples' marginals contain the truth, along one direction of each kind. Along
/// several directions hits are dependent; along one of each problem, the hits on independent problems have
/// exactly a binomial law.
struct CoverageHits {
  double level;  ///< of the intervals, as in `CredibleInterval`
  /// along a right singular vector of A with a singular value > 0, chosen with equal probabilities
  std::optional<bool> observed;
  /// along a direction uniform on the unit sphere of the null space of A
  std::optional<bool> null_space;
};

/// Checks intervals of samples `x` of a posterior, `law`, against a truth that is drawn from it. Truth and
/// directions have streams of their own (numerics.md §5), independent of a run, and of exact draws, with the
/// same seed.
///
/// A direction in which some component does not vary (its deviation is at most 1e-6 of the law's) is not
/// chosen, because values there may be equal: the observed directions of a noiseless observation. A kind
/// without directions is absent.
/// @throws std::invalid_argument for samples, law and observation of different dimensions, and as
///   `credible_interval`.
CoverageHits coverage_hits(const PointSet& x, const Mixture& law, const LinearObservation& observation,
                           const CoverageOptions& options = {});

/// `coverage_hits` of several sets with the same number of samples, which share truth and directions.
std::vector<CoverageHits> coverage_hits_each(std::span<const PointSet> sets, const Mixture& law,
                                             const LinearObservation& observation,
                                             const CoverageOptions& options = {});

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

}  // namespace gmdiff
