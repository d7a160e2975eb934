#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "device/executor.hpp"
#include "metrics/host_sums.hpp"
#include "metrics/point_set.hpp"
#include "model/check.hpp"

namespace gmdiff {
namespace {

/// Replicates of the streams of the exact draws of one repetition (numerics.md §5); 0 is that of `draw`.
struct Replicates {
  std::uint32_t judged;  ///< of p, when both sides are exact
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

/// Largest number of repetitions whose replicates stay below those of the exact floors.
constexpr int max_repeats = ((1 << 23) - 1) / 3;

/// Exact draws of a law, by replicate.
class ExactDraws {
 public:
  ExactDraws(const Mixture& law, std::int64_t count, std::uint64_t seed) : plan_(draw_plan({&law, 1})) {
    options_.count = count;
    options_.seed = seed;
    options_.device = Device::reference();
    options_.precision = Precision::f64;
  }

  PointSet operator()(std::uint32_t replicate) const { return run(plan_, options_, replicate); }

 private:
  Plan plan_;
  Options options_;
};

std::vector<std::string> quantities(const JudgeOptions& options) {
  const std::string order = std::to_string(options.p);
  switch (options.metric) {
    case Metric::sliced_wasserstein:
      return {"sw_" + order};
    case Metric::max_sliced_wasserstein:
      return {"max_sw_" + order};
    case Metric::mmd_squared:
      return {"mmd_squared"};
    case Metric::energy_distance:
      return {"energy_distance"};
    case Metric::moments:
      return {"mean_error", "covariance_error"};
    case Metric::modes:
      return {"total_variation"};
  }
  fail("judge: unknown metric");
}

void check_options(const JudgeOptions& options, std::int64_t count) {
  require(options.repeats >= 2 && options.repeats <= max_repeats, "judge: repeats must be in [2, ", max_repeats, "], given ",
          options.repeats);
  require(options.p == 1 || options.p == 2, "judge: p must be 1 or 2, given ", options.p);
  require(options.slices >= 1, "judge: slices must be >= 1, given ", options.slices);
  require(!options.bandwidth || (*options.bandwidth >= 1e-100 && *options.bandwidth <= 1e100),
          "judge: bandwidth must be in [1e-100, 1e+100], given ", options.bandwidth.value_or(0.0));
  const bool needs_two = options.metric == Metric::mmd_squared || options.metric == Metric::moments;
  require(count >= (needs_two ? 2 : 1), "judge: ", quantities(options).front(), " needs ", needs_two ? "2 points" : "1 point",
          " or more on each side, given ", count);
  static_cast<void>(make_distance_sums(options.device));  // one that is not there is an error before anything is drawn
}

/// The metric of the options with everything that all repetitions share: directions, bandwidth, law.
class Comparison {
 public:
  Comparison(const Mixture& law, const JudgeOptions& options, std::optional<double> bandwidth)
      : law_(law), options_(options), bandwidth_(bandwidth) {
    const bool sliced = options.metric == Metric::sliced_wasserstein || options.metric == Metric::max_sliced_wasserstein;
    if (sliced) directions_ = random_directions(law.dim(), options.slices, options.seed);
  }

  /// Between two sets, for all metrics but those that compare with the law itself.
  double between(const PointSet& a, const PointSet& b) const {
    switch (options_.metric) {
      case Metric::sliced_wasserstein:
        return gmdiff::sliced_wasserstein(a, b, directions_, options_.p, options_.device);
      case Metric::max_sliced_wasserstein:
        return gmdiff::max_sliced_wasserstein(a, b, directions_, options_.p, options_.device);
      case Metric::mmd_squared:
        return gmdiff::mmd_squared(a, b, bandwidth_, options_.device);
      default:
        return gmdiff::energy_distance(a, b, EnergyForm::v, options_.device);
    }
  }

  /// One value for each quantity, of moments and modes.
  std::vector<double> with_law(const PointSet& a) const {
    if (options_.metric == Metric::modes) return {mode_frequencies(a, law_).total_variation};
    const MomentErrors errors = moment_errors(a, law_);
    return {errors.mean, errors.covariance};
  }

 private:
  const Mixture& law_;
  const JudgeOptions& options_;
  std::optional<double> bandwidth_;
  Points directions_;
};

struct Summary {
  double mean;
  double deviation;
};

/// Mean and standard deviation; exact (deviation 0) when all values are equal.
Summary summarise(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double shift = 0.0;
  for (const double value : values) shift += value - values.front();
  const double mean = values.front() + shift / n;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (n - 1.0))};
}

double ratio(double value, double floor) {
  if (floor > 0.0) return value / floor;
  return value == 0.0 ? 1.0 : std::numeric_limits<double>::infinity();
}

/// The judged side: given samples, or draws of another law, new ones in each repetition.
class JudgedSide {
 public:
  explicit JudgedSide(const PointSet& samples) : samples_(&samples) {}
  explicit JudgedSide(ExactDraws draws) : draws_(std::move(draws)) {}

  bool is_exact() const { return draws_.has_value(); }
  Replicates replicates(int r) const { return is_exact() ? exact_replicates(r) : sample_replicates(r); }

  /// The side in one repetition, valid until the next call.
  const PointSet& operator()(const Replicates& replicates) {
    if (!draws_) return *samples_;
    drawn_ = (*draws_)(replicates.judged);
    return *drawn_;
  }

 private:
  const PointSet* samples_ = nullptr;
  std::optional<ExactDraws> draws_;
  std::optional<PointSet> drawn_;
};

/// Values and floors of all repetitions, one list for each quantity.
struct Repetitions {
  std::vector<std::vector<double>> values;
  std::vector<std::vector<double>> floors;

  explicit Repetitions(std::size_t num_quantities) : values(num_quantities), floors(num_quantities) {}

  void append(const std::vector<double>& value, const std::vector<double>& floor) {
    for (std::size_t q = 0; q < value.size(); ++q) {
      values[q].push_back(value[q]);
      // The floor of an estimator of either sign is its size.
      floors[q].push_back(std::abs(floor[q]));
    }
  }
};

Repetitions repeat(JudgedSide judged, const ExactDraws& exact, const Comparison& compare, const JudgeOptions& options) {
  const bool with_law = options.metric == Metric::moments || options.metric == Metric::modes;
  const auto measure = [&](const PointSet& a, std::uint32_t replicate_of_b) {
    return with_law ? compare.with_law(a) : std::vector<double>{compare.between(a, exact(replicate_of_b))};
  };
  Repetitions repetitions(quantities(options).size());
  std::vector<double> value;
  for (int r = 0; r < options.repeats; ++r) {
    const Replicates replicates = judged.replicates(r);
    // Samples compared with the law itself have one value for all repetitions.
    if (r == 0 || judged.is_exact() || !with_law) value = measure(judged(replicates), replicates.exact);
    repetitions.append(value, measure(exact(replicates.floor_a), replicates.floor_b));
  }
  return repetitions;
}

/// The bandwidth of MMD^2: given, or the median distance of the first points of the floor's first two draws. A median over 2000 points is
/// known to a percent or so; one over many more would cost more than the distance itself.
std::optional<double> choose_bandwidth(const Mixture& law, std::int64_t count, const Replicates& replicates, const JudgeOptions& options) {
  if (options.metric != Metric::mmd_squared) return {};
  if (options.bandwidth) return options.bandwidth;
  const ExactDraws exact(law, std::min<std::int64_t>(count, 1000), options.seed);
  const double bandwidth = median_distance(exact(replicates.floor_a), exact(replicates.floor_b));
  require(bandwidth > 0.0, "judge: the median distance of exact draws is 0; give a bandwidth");
  return bandwidth;
}

std::vector<Judgement> judge_side(JudgedSide judged, const Mixture& law, std::int64_t count, const JudgeOptions& options) {
  const std::vector<std::string> names = quantities(options);
  const std::optional<double> bandwidth = choose_bandwidth(law, count, judged.replicates(0), options);
  const Comparison compare(law, options, bandwidth);
  const Repetitions repetitions = repeat(std::move(judged), ExactDraws(law, count, options.seed), compare, options);

  std::vector<Judgement> judgements;
  for (std::size_t q = 0; q < names.size(); ++q) {
    const Summary value = summarise(repetitions.values[q]);
    const Summary floor = summarise(repetitions.floors[q]);
    judgements.push_back({.quantity = names[q],
                          .value = value.mean,
                          .value_sd = value.deviation,
                          .floor = floor.mean,
                          .floor_sd = floor.deviation,
                          .ratio = ratio(value.mean, floor.mean),
                          .bandwidth = bandwidth});
  }
  return judgements;
}

}  // namespace

std::vector<Judgement> judge(const PointSet& x, const Mixture& law, const JudgeOptions& options) {
  check_points("judge", x.points(), law);
  check_options(options, x.points().rows());
  return judge_side(JudgedSide(x), law, x.points().rows(), options);
}

std::vector<Judgement> judge(const Mixture& p, const Mixture& q, std::int64_t count, const JudgeOptions& options) {
  require(p.dim() == q.dim(), "judge: p has dimension ", p.dim(), " but q has dimension ", q.dim());
  check_options(options, count);
  return judge_side(JudgedSide(ExactDraws(p, count, options.seed)), q, count, options);
}

}  // namespace gmdiff
