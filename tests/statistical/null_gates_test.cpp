#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/metrics/coverage.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/posterior.hpp>

#include "planted_bias.hpp"
#include "support/golden.hpp"
#include "support/statistics.hpp"

// Every metric passes exact samples at its level and fails on the biases that it is said to see: the table of
// docs/guide.md, whose every number is measured here.
//
// A set raises an alarm if its value is above the 10th largest of 199 independent exact sets, so an exact
// set does with probability 10 / 200 = 5 %, whatever the law of the metric. All sets are
// judged in one call and share its exact draws, given which they are independent. The number of alarms of
// exact sets is then that of `exceedance_band`. A metric sees a bias if at least 80 % of biased sets raise
// an alarm, and is blind to it if there are no more alarms than exact sets may have.
//
// The coverage over 100 problems raises an alarm outside its 99 % band.

namespace gmdiff::test {
namespace {

constexpr int points_of_set = 1400;
constexpr int points_of_pairs = 700;  // where the time grows with the square
constexpr int calibration_sets = 199;
constexpr int threshold_rank = 10;
constexpr int exact_sets = 400;
constexpr int biased_sets = 100;
constexpr int problems = 100;  // of one coverage
constexpr int points_of_problem = 200;
constexpr int biased_coverages = 100;
constexpr double outside = 0.01;     // probability of a count outside a band
constexpr double least_power = 0.8;  // of a metric that sees a bias

// --- the table of the guide --------------------------------------------------------------------------------

/// A count of alarms, and the band of exact sets.
struct Alarms {
  int count, sets;
  CountBand exact;

  long percent() const { return std::lround(100.0 * count / sets); }
  /// The cell of the table: bold where the metric sees the bias.
  std::string cell() const {
    const std::string rate = std::to_string(percent()) + " %";
    if (count <= exact.high) return "blind (" + rate + ")";
    return count >= least_power * sets ? "**" + rate + "**" : rate;
  }
};

/// Cells of the line of docs/guide.md that begins with this cell.
std::vector<std::string> documented_row(const std::string& first_cell) {
  std::ifstream guide(std::string(GMDIFF_TEST_DIR) + "/../docs/guide.md");
  for (std::string line; std::getline(guide, line);) {
    if (!line.starts_with("| " + first_cell + " |")) continue;
    std::vector<std::string> cells;
    std::istringstream text(line.substr(1));
    for (std::string cell; std::getline(text, cell, '|');) cells.push_back(cell.substr(1, cell.size() - 2));
    return cells;
  }
  return {};
}

/// Expects that exact sets raise alarms at their level, and that the guide says what was measured.
void expect_documented(const std::string& name, const Alarms& exact, const std::vector<Alarms>& biased) {
  EXPECT_TRUE(exact.exact.contains(exact.count))
      << name << ": " << exact.count << " alarms of " << exact.sets << " exact sets, expected "
      << exact.exact.low << " to " << exact.exact.high;
  std::vector<std::string> measured{"`" + name + "`", std::to_string(exact.percent()) + " %"};
  for (const Alarms& alarms : biased) measured.push_back(alarms.cell());
  std::string row = "|";
  for (const std::string& cell : measured) row += " " + cell + " |";
  EXPECT_EQ(documented_row(measured.front()), measured) << "docs/guide.md must have the row\n" << row;
}

// --- metrics of one problem --------------------------------------------------------------------------------

/// Appends sets of exact draws of a law.
void append_sets(const Mixture& law, int count, int points, std::uint64_t seed, std::vector<PointSet>& sets) {
  const Options options{.count = std::int64_t{count} * points, .seed = seed, .precision = Precision::f64};
  const Points all = draw(law, options).to_double();
  for (Eigen::Index i = 0; i < count; ++i) sets.emplace_back(Points(all.middleRows(i * points, points)));
}

/// Sets for calibration, exact sets, and sets of each bias, in this order.
std::vector<PointSet> gate_sets(int points) {
  std::vector<PointSet> sets;
  std::uint64_t seed = 0;
  append_sets(gate_law(), calibration_sets, points, ++seed, sets);
  append_sets(gate_law(), exact_sets, points, ++seed, sets);
  for (const PlantedBias& bias : planted_biases)
    append_sets(bias.plant(gate_law()), biased_sets, points, ++seed, sets);
  return sets;
}

/// Counts alarms among values in the order of `gate_sets`: exact sets first, then each bias.
std::vector<Alarms> count_alarms(const std::vector<double>& values) {
  std::vector<double> calibration(values.begin(), values.begin() + calibration_sets);
  std::ranges::sort(calibration);
  const double threshold = calibration[calibration_sets - threshold_rank];
  std::vector<Alarms> alarms;
  auto first = values.begin() + calibration_sets;
  while (first != values.end()) {
    const int sets = alarms.empty() ? exact_sets : biased_sets;
    const auto count = std::count_if(first, first + sets, [&](double value) { return value > threshold; });
    alarms.push_back(
        {static_cast<int>(count), sets, exceedance_band(calibration_sets, threshold_rank, sets, outside)});
    first += sets;
  }
  return alarms;
}

/// A metric, named as its test.
struct Gate {
  const char* name;
  Metric metric;
  int p = 1;
  int points = points_of_set;
};
void PrintTo(const Gate& gate, std::ostream* out) { *out << gate.name; }

class NullGate : public testing::TestWithParam<Gate> {};

TEST_P(NullGate, PassesExactSetsAndSeesWhatTheGuideSays) {
  // One thread: many small sets.
  const JudgeOptions options{
      .metric = GetParam().metric, .p = GetParam().p, .slices = 20, .repeats = 2, .device = Device::cpu(1)};
  const std::vector<std::vector<Judgement>> judgements =
      judge_each(gate_sets(GetParam().points), gate_law(), options);

  for (std::size_t q = 0; q < judgements.front().size(); ++q) {
    std::vector<double> values;
    for (const std::vector<Judgement>& judgement : judgements) values.push_back(judgement[q].value);
    const std::vector<Alarms> alarms = count_alarms(values);
    expect_documented(judgements.front()[q].quantity, alarms.front(), {alarms.begin() + 1, alarms.end()});
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, NullGate,
                         testing::Values(Gate{"sw_1", Metric::sliced_wasserstein, 1},
                                         Gate{"sw_2", Metric::sliced_wasserstein, 2},
                                         Gate{"max_sw_1", Metric::max_sliced_wasserstein},
                                         Gate{"mmd", Metric::mmd_squared, 1, points_of_pairs},
                                         Gate{"energy", Metric::energy_distance, 1, points_of_pairs},
                                         Gate{"moments", Metric::moments}, Gate{"modes", Metric::modes},
                                         Gate{"mode_weights", Metric::mode_weights}),
                         [](const auto& gate) { return std::string(gate.param.name); });

TEST(NullGateOfMoments, TheWhitenedMeanErrorHasItsClosedFormLevel) {
  // n times its square is chi^2 with d degrees of freedom, but for terms of order 1 / n.
  std::vector<PointSet> sets;
  append_sets(gate_law(), exact_sets, points_of_set, 1, sets);
  std::vector<double> p_values;
  for (const PointSet& set : sets) {
    const double error = moment_errors(set, gate_law()).whitened_mean;
    p_values.push_back(chi_square_p(points_of_set * error * error, 2.0));
  }

  EXPECT_GT(kolmogorov_smirnov_p(p_values), 1e-3);
}

// --- coverage over many problems ---------------------------------------------------------------------------

/// Problem p: an observation of its own draw of the prior.
LinearObservation observation_of(int p) {
  const Points x = draw(gate_law(), {.count = problems, .seed = 50, .precision = Precision::f64}).to_double();
  const Eigen::MatrixXd A{{1.0, 0.5}};
  return {A, A * x.row(p).transpose() + 0.5 * Eigen::VectorXd::Constant(1, p % 2 == 0 ? 1.0 : -1.0), 0.5};
}

/// Hits of the intervals over all problems, of each repetition.
struct HitCounts {
  double level = 0.0;
  std::vector<int> observed, null_space;

  explicit HitCounts(int repetitions) : observed(repetitions), null_space(repetitions) {}
};

/// Samples are draws of the exact posterior, in which the bias is planted, if any.
HitCounts hit_counts(int repetitions, const PlantedBias* bias, std::uint64_t seed) {
  HitCounts counts(repetitions);
  for (int p = 0; p < problems; ++p) {
    const LinearObservation observation = observation_of(p);
    const Mixture law = posterior(gate_law(), observation).mixture;
    const Options options{.count = std::int64_t{repetitions} * points_of_problem,
                          .seed = seed + static_cast<std::uint64_t>(p),
                          .precision = Precision::f64};
    const Points samples = draw(bias == nullptr ? law : bias->plant(law), options).to_double();
    for (int r = 0; r < repetitions; ++r) {
      const Points x = samples.middleRows(Eigen::Index{r} * points_of_problem, points_of_problem);
      const std::uint64_t run = options.seed * 1000 + static_cast<std::uint64_t>(r);
      const CoverageHits hits = coverage_hits(x, law, observation, {.seed = run});
      counts.level = hits.level;
      counts.observed[static_cast<std::size_t>(r)] += hits.observed.value() ? 1 : 0;
      counts.null_space[static_cast<std::size_t>(r)] += hits.null_space.value() ? 1 : 0;
    }
  }
  return counts;
}

/// Counts the coverages outside their band, which exact samples leave with the probability of its two tails.
Alarms count_uncovered(const std::vector<int>& hits, double level) {
  const CountBand band = binomial_band(problems, level, 0.01);
  const Coverage coverage = coverage_over_problems(level, 0, problems);
  EXPECT_NEAR(coverage.low * problems, band.low, 1e-9);
  EXPECT_NEAR(coverage.high * problems, band.high, 1e-9);
  const auto alarms = std::ranges::count_if(
      hits, [&](int h) { return !coverage_over_problems(level, h, problems).is_calibrated(); });
  const int sets = static_cast<int>(hits.size());
  return {static_cast<int>(alarms), sets,
          binomial_band(sets, binomial_outside(problems, level, band), outside)};
}

TEST(NullGateOfCoverage, PassesExactSamplesAndSeesWhatTheGuideSays) {
  const HitCounts exact = hit_counts(exact_sets, nullptr, 1000);
  std::vector<Alarms> observed, null_space;
  std::uint64_t seed = 1000;
  for (const PlantedBias& bias : planted_biases) {
    const HitCounts biased = hit_counts(biased_coverages, &bias, seed += 1000);
    observed.push_back(count_uncovered(biased.observed, biased.level));
    null_space.push_back(count_uncovered(biased.null_space, biased.level));
  }

  expect_documented("coverage, observed", count_uncovered(exact.observed, exact.level), observed);
  expect_documented("coverage, null space", count_uncovered(exact.null_space, exact.level), null_space);
}

// --- the table as a whole ----------------------------------------------------------------------------------

TEST(NullGateTable, HasABiasThatEachMetricSeesAndAMetricThatSeesEachBias) {
  std::vector<std::string> heading{"quantity", "exact"};
  for (const PlantedBias& bias : planted_biases) heading.push_back(bias.name);
  ASSERT_EQ(documented_row("quantity"), heading);
  std::vector<bool> seen(planted_biases.size());
  for (const char* quantity :
       {"sw_1", "sw_2", "max_sw_1", "mmd_squared", "energy_distance", "mean_error", "covariance_error",
        "whitened_mean_error", "whitened_covariance_error", "total_variation", "mode_weight_error",
        "coverage, observed", "coverage, null space"}) {
    const std::vector<std::string> row = documented_row(std::string("`") + quantity + "`");
    ASSERT_EQ(row.size(), heading.size()) << quantity;
    bool sees = false;
    for (std::size_t b = 0; b < seen.size(); ++b) {
      if (!row[b + 2].starts_with("**")) continue;
      sees = true;
      seen[b] = true;
    }
    EXPECT_TRUE(sees) << quantity << " sees no bias";
  }
  for (std::size_t b = 0; b < seen.size(); ++b) EXPECT_TRUE(seen[b]) << "no metric sees " << heading[b + 2];
}

}  // namespace
}  // namespace gmdiff::test
