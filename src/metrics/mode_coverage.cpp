#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "base/check.hpp"
#include "metrics/point_set.hpp"
#include "metrics/responsibilities.hpp"

// Entropy of mode coverage (mathematics.md §9).

namespace gmdiff {
namespace {

using Eigen::Index;
using Counts = std::vector<std::int64_t>;

/// -sum p log p / log M of counts, of which those of empty modes may be missing.
double coverage_of(std::span<const std::int64_t> counts, double log_modes) {
  double sum = 0.0, total = 0.0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  for (const std::int64_t count : counts) {
    const double share = static_cast<double>(count) / total;
    if (share > 0.0) sum += share * std::log(share);
  }
  return std::abs(sum) / log_modes;  // no -0 for one mode
}

double coverage_of(const Points& x, const ManyWell& target) {
  require(target.delta > 0.0, "mode_coverage: the wells have two modes only for delta > 0, given ",
          target.delta);
  std::map<std::vector<bool>, std::int64_t> signs;
  std::vector<bool> pattern(static_cast<std::size_t>(target.wells));
  for (Index i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < pattern.size(); ++j) pattern[j] = x(i, static_cast<Index>(j)) < 0.0;
    ++signs[pattern];
  }
  Counts counts;
  counts.reserve(signs.size());
  for (const auto& [signs_of_mode, count] : signs) counts.push_back(count);
  return coverage_of(counts, static_cast<double>(target.wells) * std::log(2.0));
}

double coverage_of(const Points& x, const StudentTMixture& target) {
  const Points locations = student_t_locations(target);
  Counts counts(static_cast<std::size_t>(locations.rows()), 0);
  for (Index i = 0; i < x.rows(); ++i) {
    Index nearest = 0;
    const Points offsets = locations.rowwise() - x.row(i);
    (offsets.array().square() / target.nu).log1p().rowwise().sum().minCoeff(&nearest);
    ++counts[static_cast<std::size_t>(nearest)];
  }
  return mode_coverage(counts);
}

}  // namespace

double mode_coverage(std::span<const std::int64_t> counts) {
  require(counts.size() >= 2, "mode_coverage: expected counts of 2 modes or more, given ", counts.size());
  bool has_points = false;
  for (std::size_t m = 0; m < counts.size(); ++m) {
    require(counts[m] >= 0, "mode_coverage: count ", m, " must be >= 0, given ", counts[m]);
    has_points = has_points || counts[m] > 0;
  }
  require(has_points, "mode_coverage: all counts are 0");
  return coverage_of(counts, std::log(static_cast<double>(counts.size())));
}

double mode_coverage(const PointSet& x, const Mixture& law) {
  check_points("mode_coverage", x.points(), law);
  std::vector<Index> components;
  components.reserve(static_cast<std::size_t>(law.num_components()));
  for (Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) > 0.0) components.push_back(k);
  }
  require(components.size() >= 2, "mode_coverage: the mixture has one component, expected 2 or more");
  Counts counts(components.size(), 0);
  for_log_responsibilities(x.points(), law, [&](Index, const Points& log_responsibilities) {
    for (Index i = 0; i < log_responsibilities.rows(); ++i) {
      std::size_t mode = 0;
      double largest = -std::numeric_limits<double>::infinity();
      for (std::size_t m = 0; m < components.size(); ++m) {
        // the log-density of the component, up to a constant
        const double density =
            log_responsibilities(i, components[m]) - std::log(law.weights()(components[m]));
        if (density > largest) {
          largest = density;
          mode = m;
        }
      }
      ++counts[mode];
    }
  });
  return mode_coverage(counts);
}

double mode_coverage(const PointSet& x, const Target& target) {
  check_points("mode_coverage", x.points(), target.dim());
  if (const auto* wells = std::get_if<ManyWell>(&target.description()))
    return coverage_of(x.points(), *wells);
  const auto* mixture = std::get_if<StudentTMixture>(&target.description());
  require(mixture != nullptr, "mode_coverage: the modes of a target of type ", name_of(target.description()),
          " are not known; those of ", ManyWell::name, " and ", StudentTMixture::name, " are");
  require(mixture->components >= 2, "mode_coverage: the mixture has one component, expected 2 or more");
  return coverage_of(x.points(), *mixture);
}

}  // namespace gmdiff
