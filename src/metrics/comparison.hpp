#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

#include "metrics/law_moments.hpp"

// The metrics of `judge`: what each is called, what it compares with, and its value.

namespace gmdiff {

/// Names of the values of a metric.
std::vector<std::string> quantities(const JudgeOptions& options);
bool is_sliced(const JudgeOptions& options);
/// Whether a metric has no value between two sets of points.
bool needs_law(Metric metric);
/// Whether a metric compares a set with the law itself instead of with exact draws. Projections of targets
/// have no closed form.
bool compares_with_law(const JudgeOptions& options, const ReferenceLaw& law);
/// Whether a metric takes the weights of a set (`PointSet::with_weights`).
bool takes_weights(Metric metric, bool is_mixture);
/// For messages about weights.
inline constexpr const char* weighted_metrics =
    "moments does, and with a mixture sw, max-sw and mode-weights";
/// @throws std::invalid_argument where the law lacks what the metric compares with.
void check_metric(const JudgeOptions& options, const ReferenceLaw& law);

/// Says that a Sinkhorn divergence is not yet its limit; empty for other judgements.
std::vector<std::string> warnings_of(const Judgement& judgement);

/// The metric of the options between two sets, with the values that all calls share: directions and bandwidth.
/// Keeps a reference to the options.
class SetDistance {
 public:
  /// @param dim Dimension of the points.
  /// @param bandwidth Of MMD^2; by default the median distance of each pair of sets.
  SetDistance(Eigen::Index dim, const JudgeOptions& options, std::optional<double> bandwidth);

  /// For metrics that need no law.
  double operator()(const PointSet& a, const PointSet& b);
  /// The directions of the sliced metrics, (slices, d); empty for other metrics.
  const Points& directions() const { return directions_; }
  /// The iterations of all Sinkhorn divergences so far.
  const std::optional<SinkhornReport>& sinkhorn_report() const { return report_; }

 private:
  double sinkhorn(const PointSet& a, const PointSet& b);

  const JudgeOptions& options_;
  std::optional<double> bandwidth_;
  Points directions_;
  std::optional<SinkhornReport> report_;
};

/// The metric of the options between sets and a law. Keeps references to law and options.
class Comparison {
 public:
  Comparison(const ReferenceLaw& law, const JudgeOptions& options, std::optional<double> bandwidth);

  /// Whether `with_law` measures a set, or else `between`.
  bool is_with_law() const { return compares_with_law(options_, law_); }
  /// Distance between two sets, where sets are compared with draws.
  double between(const PointSet& a, const PointSet& b) { return between_(a, b); }
  /// Compares a set with the law itself; one value per quantity.
  std::vector<double> with_law(const PointSet& a) const;
  /// The floor where it is known without draws.
  std::optional<double> known_floor(std::int64_t count) const;
  const std::optional<SinkhornReport>& sinkhorn_report() const { return between_.sinkhorn_report(); }

 private:
  const Mixture& mixture() const { return *law_.mixture(); }

  const ReferenceLaw& law_;
  const JudgeOptions& options_;
  SetDistance between_;
  std::optional<LawMoments> moments_;
};

}  // namespace gmdiff
