#include "study/sampler_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "base/check.hpp"
#include "study/record.hpp"

namespace gmdiff::study {
namespace {

using Values = std::vector<double>;

double row_mean(const Values& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double row_median(Values values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2.0;
}

std::optional<double> row_standard_error(const Values& values) {
  if (values.size() < 2) return {};
  const double centre = row_mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1.0) / n);
}

/// The runs that gave figures, grouped into units: the runs of one problem are one unit, since they share its
/// difficulty, unless there is one problem only.
class Units {
 public:
  explicit Units(const CandidateOutcome& outcome) {
    std::map<std::size_t, std::vector<const ComparisonRecord*>> by_problem;
    for (std::size_t i = 0; i < outcome.records.size(); ++i) {
      if (!outcome.records[i].error) by_problem[outcome.problems[i]].push_back(&outcome.records[i]);
    }
    for (const auto& [problem, records] : by_problem) units_.push_back(records);
    if (units_.size() != 1) return;
    const std::vector<const ComparisonRecord*> only = units_.front();
    units_.clear();
    for (const ComparisonRecord* record : only) units_.push_back({record});
  }

  const ComparisonRecord& front() const { return *units_.front().front(); }

  /// A figure of each unit: the mean over its runs.
  template <class Figure>
  Values values(Figure figure) const {
    Values result;
    for (const auto& records : units_) {
      Values of_runs;
      for (const ComparisonRecord* record : records) of_runs.push_back(figure(*record));
      result.push_back(row_mean(of_runs));
    }
    return result;
  }

  /// Mean of a figure that every run has; nothing when one lacks it.
  std::optional<double> mean_of_known(std::optional<double> ComparisonRecord::*figure) const {
    for (const auto& records : units_) {
      for (const ComparisonRecord* record : records) {
        if (!(record->*figure)) return {};
      }
    }
    return row_mean(values([&](const ComparisonRecord& record) { return *(record.*figure); }));
  }

 private:
  std::vector<std::vector<const ComparisonRecord*>> units_;
};

/// The figures of judgement number `index` of every run.
QuantityFigures quantity_figures(const Units& units, std::size_t index) {
  const auto values = [&](auto figure) {
    return units.values([&](const ComparisonRecord& record) { return figure(record.judgements[index]); });
  };
  const Values judged = values([](const Judgement& judgement) { return judgement.value; });
  QuantityFigures figures{.quantity = units.front().judgements[index].quantity,
                          .value = row_mean(judged),
                          .standard_error = row_standard_error(judged),
                          .median = row_median(judged)};
  figures.floor = row_mean(values([](const Judgement& judgement) { return judgement.floor; }));
  figures.floor_sd = std::sqrt(
      row_mean(values([](const Judgement& judgement) { return judgement.floor_sd * judgement.floor_sd; })));
  figures.ratio = figures.floor > 0.0    ? figures.value / figures.floor
                  : figures.value == 0.0 ? 1.0
                                         : std::numeric_limits<double>::infinity();
  return figures;
}

bool is_of_the_catalogue(const Candidate& candidate) {
  return std::holds_alternative<AnySampler>(candidate.method) ||
         std::holds_alternative<ExactDraws>(candidate.method);
}

/// Counts the hits of the runs in one kind of direction.
std::optional<Coverage> row_coverage(const std::vector<ComparisonRecord>& records,
                                     std::optional<bool> CoverageHits::*kind) {
  std::int64_t hits = 0, intervals = 0;
  double level = 0.0;
  for (const ComparisonRecord& record : records) {
    if (!record.coverage || !(*record.coverage.*kind)) continue;
    level = record.coverage->level;
    ++intervals;
    if (*(*record.coverage.*kind)) ++hits;
  }
  if (intervals == 0) return {};
  return coverage_over_problems(level, hits, intervals);
}

void count_runs(const CandidateOutcome& outcome, SamplerRow& row) {
  std::set<std::size_t> problems;
  for (std::size_t i = 0; i < outcome.records.size(); ++i) {
    const ComparisonRecord& record = outcome.records[i];
    row.seconds += record.seconds;
    for (const std::string& text : record.warnings)
      add_missing(row.warnings, {concat("on ", record.problem, ": ", text)});
    if (record.diverged) ++row.diverged;
    if (record.error) continue;
    ++row.runs;
    problems.insert(outcome.problems[i]);
  }
  row.problems = problems.size();
}

/// Reason of a failure. A candidate that diverged in some runs has figures from the others.
std::optional<std::string> error_of(const CandidateOutcome& outcome, const SamplerRow& row) {
  if (outcome.error || row.runs > 0 || outcome.records.empty()) return outcome.error;
  const ComparisonRecord& record = outcome.records.front();
  return concat("on ", record.problem, ": ", *record.error);
}

/// Whether the samples of a candidate have the weights of their paths.
bool has_weights(const Candidate& candidate) {
  const auto* sampler = std::get_if<AnySampler>(&candidate.method);
  const auto* learned = sampler == nullptr ? nullptr : std::get_if<LearnedSampler>(sampler);
  return learned != nullptr && std::get<Learned>(*learned).reweight;
}

std::optional<double> effective_rate(const Candidate& candidate, const CandidateOutcome& outcome) {
  const bool weighted = has_weights(candidate);
  double samples = 0.0, seconds = 0.0;
  for (const ComparisonRecord& record : outcome.records) {
    if (record.error) continue;
    samples += static_cast<double>(record.count) * (weighted ? record.ess.value_or(0.0) : 1.0);
    seconds += record.seconds;
  }
  if (!(seconds > 0.0)) return {};
  return samples / seconds;
}

}  // namespace

SamplerRow row_of(const Candidate& candidate, const CandidateOutcome& outcome) {
  SamplerRow row{.sampler = candidate.name,
                 .reused = outcome.reused,
                 .records = outcome.records,
                 .samples = outcome.samples};
  count_runs(outcome, row);
  row.error = error_of(outcome, row);
  if (row.error) return row;
  const Units units(outcome);
  for (std::size_t i = 0; i < units.front().judgements.size(); ++i)
    row.quantities.push_back(quantity_figures(units, i));
  row.log_evidence_error = units.mean_of_known(&ComparisonRecord::log_evidence_error);
  row.log_evidence_sd = units.mean_of_known(&ComparisonRecord::log_evidence_sd);
  row.ess = units.mean_of_known(&ComparisonRecord::ess);
  row.smallest_ess = units.mean_of_known(&ComparisonRecord::smallest_ess);
  row.ess_per_second = effective_rate(candidate, outcome);
  row.coverage_observed = row_coverage(outcome.records, &CoverageHits::observed);
  row.coverage_null_space = row_coverage(outcome.records, &CoverageHits::null_space);
  if (is_of_the_catalogue(candidate))
    row.evaluations = row_mean(units.values([](const auto& record) { return record.evaluations; }));
  return row;
}

}  // namespace gmdiff::study
