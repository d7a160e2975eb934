#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/infinity.hpp"
#include "base/machine.hpp"
#include "device/cpu/dispatch.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "metrics/comparison.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"

namespace gmdiff {
namespace {

/// Replicate numbers that the exact draws of one repetition use in their streams (numerics.md §5). `draw`
/// itself uses 0.
struct Replicates {
  std::uint32_t judged;  ///< draws of p, when both sides are exact
  std::uint32_t exact;
  std::uint32_t floor_a, floor_b;
};

Replicates sample_replicates(int r) {
  const auto first = 3 * static_cast<std::uint32_t>(r) + 1;
  return {.judged = 0, .exact = first, .floor_a = first + 1, .floor_b = first + 2};
}

Replicates exact_replicates(int r) {
  const auto repetition = static_cast<std::uint32_t>(r);
  const std::uint32_t floor = (std::uint32_t{1} << 23) + 2 * repetition;
  return {.judged = 3 * repetition + 1, .exact = 3 * repetition + 2, .floor_a = floor, .floor_b = floor + 1};
}

/// Largest number of repetitions for which the replicates of the draws stay below those of the floors.
constexpr int max_repeats = ((1 << 23) - 1) / 3;

/// Makes exact draws of a law in double, one set per replicate. A new set reuses the memory of a set that
/// nobody refers to any more: the system zeroes fresh memory, which would take a third of the time.
class ExactDraws {
 public:
  ExactDraws(const ReferenceLaw& law, std::int64_t count, const JudgeOptions& options)
      : count_(count), dim_(law.dim()) {
    const std::uint64_t seed = options.seed;
    if (const TargetLaw* target = law.target()) {
      fill_ = [target, count, seed](std::uint32_t replicate, Points& points) {
        points = target->draws(count, seed, 0, replicate);
      };
    } else {
      fill_ = [plan = draw_plan({law.mixture(), 1}), session = thread_session(options.device), seed](
                  std::uint32_t replicate, Points& points) {
        draw_points(plan, seed, replicate, session->executor(), points);
      };
    }
  }

  PointSet operator()(std::uint32_t replicate) {
    const std::shared_ptr<Points> points = unused_memory();
    fill_(replicate, *points);
    return PointSet(std::shared_ptr<const Points>(points));
  }

 private:
  std::shared_ptr<Points> unused_memory() {
    for (const std::shared_ptr<Points>& points : memory_) {
      if (points.use_count() == 1) return points;
    }
    return memory_.emplace_back(std::make_shared<Points>(count_, dim_));
  }

  std::int64_t count_;
  Eigen::Index dim_;
  std::function<void(std::uint32_t replicate, Points& points)> fill_;
  std::vector<std::shared_ptr<Points>> memory_;
};

void check_options(const JudgeOptions& options, std::int64_t count) {
  require(options.repeats >= 2 && options.repeats <= max_repeats, "judge: repeats must be in [2, ",
          max_repeats, "], given ", options.repeats);
  require(options.p == 1 || options.p == 2, "judge: p must be 1 or 2, given ", options.p);
  require(options.slices >= 1, "judge: slices must be >= 1, given ", options.slices);
  require(is_sliced(options) || !options.spread, "judge: the spread is available for sw and max-sw, not for ",
          quantities(options).front());
  require(!options.bandwidth || (*options.bandwidth >= 1e-100 && *options.bandwidth <= 1e100),
          "judge: bandwidth must be in [1e-100, 1e+100], given ", options.bandwidth.value_or(0.0));
  const bool needs_two = options.metric == Metric::mmd_squared || options.metric == Metric::moments ||
                         options.metric == Metric::mmd_vsm;
  require(count >= (needs_two ? 2 : 1), "judge: ", quantities(options).front(), " needs ",
          needs_two ? "2 points" : "1 point", " or more on each side, given ", count);
  // An unavailable device is an error here, before anything is drawn.
  static_cast<void>(thread_session(options.device));
}

void check_weights(std::span<const PointSet> sets, const ReferenceLaw& law, const JudgeOptions& options) {
  const bool weighted = std::ranges::any_of(sets, [](const PointSet& set) { return !set.weights().empty(); });
  require(!weighted || takes_weights(options.metric, law.mixture() != nullptr),
          "judge: ", quantities(options).front(), " of a ", law.mixture() == nullptr ? "target" : "mixture",
          " takes no weights of points; ", weighted_metrics);
}

struct Summary {
  double mean = 0.0;
  double deviation = 0.0;
};

/// Mean and standard deviation. The deviation is exactly 0 when all values are equal. Both are infinite when
/// a value is infinite.
Summary summarise(const std::vector<double>& values) {
  if (std::find(values.begin(), values.end(), infinity) != values.end()) return {infinity, infinity};
  const auto n = static_cast<double>(values.size());
  double shift = 0.0;
  for (const double value : values) shift += value - values.front();
  const double mean = values.front() + shift / n;
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::abs(value - mean));
  const double factor = normalising_factor(largest);
  double squares = 0.0;
  for (const double value : values) squares += (factor * (value - mean)) * (factor * (value - mean));
  return {mean, std::sqrt(squares / (n - 1.0)) / factor};
}

double ratio(double value, double floor) {
  if (floor > 0.0) return value / floor;
  return value == 0.0 ? 1.0 : std::numeric_limits<double>::infinity();
}

/// The judged side: either given sets of samples, or exact draws of another law, which each repetition draws
/// anew.
class JudgedSide {
 public:
  explicit JudgedSide(std::span<const PointSet> sets) : sets_(sets.begin(), sets.end()) {}
  explicit JudgedSide(ExactDraws draws) : draws_(std::move(draws)) {}

  bool is_exact() const { return draws_.has_value(); }
  std::size_t num_sets() const { return is_exact() ? 1 : sets_.size(); }
  Replicates replicates(int r) const { return is_exact() ? exact_replicates(r) : sample_replicates(r); }

  /// Returns the sets of one repetition; the reference is valid until the next call.
  const std::vector<PointSet>& operator()(const Replicates& replicates) {
    if (!draws_) return sets_;
    sets_.clear();
    sets_.push_back((*draws_)(replicates.judged));
    return sets_;
  }

 private:
  std::vector<PointSet> sets_;
  std::optional<ExactDraws> draws_;
};

/// Values and floors of all repetitions, one list for each quantity.
struct Repetitions {
  std::vector<std::vector<double>> values;
  std::vector<std::vector<double>> floors;

  explicit Repetitions(std::size_t num_quantities) : values(num_quantities), floors(num_quantities) {}

  void append_value(const std::vector<double>& value) {
    for (std::size_t q = 0; q < value.size(); ++q) values[q].push_back(value[q]);
  }
  void append_floor(const std::vector<double>& floor) {
    // MMD^2 may be negative, so the floor takes its absolute value.
    for (std::size_t q = 0; q < floor.size(); ++q) floors[q].push_back(std::abs(floor[q]));
  }
};

/// Computes the repetitions of each judged set. All sets share the exact draws and the floor, which is drawn
/// only if `draws_floor`.
std::vector<Repetitions> repeat(JudgedSide judged, ExactDraws exact, Comparison& compare,
                                const JudgeOptions& options, bool draws_floor) {
  const bool with_law = compare.is_with_law();
  const auto measure = [&](const PointSet& a, const std::optional<PointSet>& b) {
    return with_law ? compare.with_law(a) : std::vector<double>{compare.between(a, *b)};
  };
  const auto other_side = [&](std::uint32_t replicate) {
    return with_law ? std::optional<PointSet>{} : exact(replicate);
  };
  std::vector<Repetitions> repetitions(judged.num_sets(), Repetitions(quantities(options).size()));
  std::vector<std::vector<double>> values(judged.num_sets());
  for (int r = 0; r < options.repeats; ++r) {
    const Replicates replicates = judged.replicates(r);
    // Samples compared with the law itself have one value for all repetitions.
    if (r == 0 || judged.is_exact() || !with_law) {
      const std::optional<PointSet> b = other_side(replicates.exact);
      const std::vector<PointSet>& sets = judged(replicates);
      for (std::size_t i = 0; i < sets.size(); ++i) values[i] = measure(sets[i], b);
    }
    for (std::size_t i = 0; i < values.size(); ++i) repetitions[i].append_value(values[i]);
    if (!draws_floor) continue;
    const std::vector<double> floor = measure(exact(replicates.floor_a), other_side(replicates.floor_b));
    for (Repetitions& repetition : repetitions) repetition.append_floor(floor);
  }
  return repetitions;
}

/// Bandwidth of MMD^2: the given one, or the median distance of the first points of the floor's first two
/// draws. 2000 points determine the median to about one percent; many more would cost more than the distance
/// itself.
std::optional<double> choose_bandwidth(const ReferenceLaw& law, std::int64_t count,
                                       const Replicates& replicates, const JudgeOptions& options) {
  if (options.metric != Metric::mmd_squared) return {};
  if (options.bandwidth) return options.bandwidth;
  ExactDraws exact(law, std::min<std::int64_t>(count, 1000), options);
  const double bandwidth = median_distance(exact(replicates.floor_a), exact(replicates.floor_b));
  require(bandwidth > 0.0,
          "judge: the median distance of exact draws is 0; give a bandwidth (JudgeOptions::bandwidth, "
          "--bandwidth)");
  return bandwidth;
}

/// Quantiles of the ratios of exact draws, interpolated between the order statistics.
RatioSpread ratio_spread(std::vector<double> distances, double floor) {
  for (double& distance : distances) distance = ratio(distance, floor);
  std::sort(distances.begin(), distances.end());
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(distances.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, distances.size() - 1);
    return std::lerp(distances[below], distances[above], place - std::floor(place));
  };
  return {.low = quantile(0.05), .high = quantile(0.95)};
}

std::vector<Judgement> summarise(const Repetitions& repetitions, const JudgeOptions& options,
                                 std::optional<double> bandwidth, std::optional<double> known_floor,
                                 const std::optional<SinkhornReport>& sinkhorn) {
  const std::vector<std::string> names = quantities(options);
  std::vector<Judgement> judgements;
  for (std::size_t q = 0; q < names.size(); ++q) {
    const Summary value = summarise(repetitions.values[q]);
    const std::vector<double>& floors = repetitions.floors[q];
    Summary floor = floors.empty() ? Summary{} : summarise(floors);
    if (known_floor) floor.mean = *known_floor;
    judgements.push_back(
        {.quantity = names[q],
         .value = value.mean,
         .value_sd = value.deviation,
         .floor = floor.mean,
         .floor_sd = floor.deviation,
         .ratio = ratio(value.mean, floor.mean),
         .bandwidth = bandwidth,
         .spread = options.spread ? std::optional(ratio_spread(floors, floor.mean)) : std::nullopt,
         .sinkhorn = sinkhorn});
  }
  return judgements;
}

/// Memory of two exact draws, of one of them rearranged in tiles for sums over pairs, and of both projected
/// on a tile of directions.
std::uint64_t bytes_of_draws(std::int64_t count, Eigen::Index dim) {
  return saturating_product(static_cast<std::uint64_t>(count),
                            static_cast<std::uint64_t>(3 * dim + 2 * cpu::directions_per_tile),
                            sizeof(double));
}

std::vector<std::vector<Judgement>> judge_side(JudgedSide judged, const ReferenceLaw& law, std::int64_t count,
                                               const JudgeOptions& options) {
  const std::optional<double> bandwidth = choose_bandwidth(law, count, judged.replicates(0), options);
  Comparison compare(law, options, bandwidth);
  const std::optional<double> known_floor = compare.known_floor(count);
  const bool draws_floor = !known_floor || options.spread;
  if (draws_floor || judged.is_exact())
    require_memory(bytes_of_draws(count, law.dim()), "the comparison of ", count,
                   " exact draws in dimension ", law.dim());
  std::vector<std::vector<Judgement>> judgements;
  for (const Repetitions& repetitions :
       repeat(std::move(judged), ExactDraws(law, count, options), compare, options, draws_floor)) {
    judgements.push_back(summarise(repetitions, options, bandwidth, known_floor, compare.sinkhorn_report()));
  }
  return judgements;
}

}  // namespace

std::vector<Judgement> judge(const PointSet& x, const ReferenceLaw& law, const JudgeOptions& options) {
  return judge_each(std::span(&x, 1), law, options).front();
}

std::vector<std::vector<Judgement>> judge_each(std::span<const PointSet> sets, const ReferenceLaw& law,
                                               const JudgeOptions& options) {
  require(!sets.empty(), "judge: no set of points given");
  const Eigen::Index count = sets.front().points().rows();
  for (const PointSet& set : sets) {
    check_points("judge", set.points(), law.dim());
    require(set.points().rows() == count, "judge: the sets must have equal numbers of points, given ", count,
            " and ", set.points().rows());
  }
  check_options(options, count);
  check_metric(options, law);
  check_weights(sets, law, options);
  return judge_side(JudgedSide(sets), law, count, options);
}

std::vector<Judgement> judge(const ReferenceLaw& p, const ReferenceLaw& q, std::int64_t count,
                             const JudgeOptions& options) {
  require(p.dim() == q.dim(), "judge: p has dimension ", p.dim(), " but q has dimension ", q.dim());
  check_options(options, count);
  check_metric(options, q);
  return judge_side(JudgedSide(ExactDraws(p, count, options)), q, count, options).front();
}

}  // namespace gmdiff
