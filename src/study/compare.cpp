#include <gmdiff/study/compare.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/version.hpp>
#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "base/random.hpp"
#include "device/thread_session.hpp"
#include "metrics/comparison.hpp"
#include "study/candidate_run.hpp"
#include "study/compare_checks.hpp"
#include "study/judging.hpp"
#include "study/known_records.hpp"
#include "study/record.hpp"
#include "study/sampler_rows.hpp"

namespace gmdiff::study {
namespace {

/// One run of all candidates on one problem.
struct ProblemRun {
  std::size_t problem;
  int number;
  Options options;  ///< with the seed of the run
  const Answer& answer;
};

/// The message of an exception. Those of the standard library do not say that memory was the reason.
std::string reason_of(const std::exception& error) {
  const bool is_silent = dynamic_cast<const MemoryError*>(&error) == nullptr &&
                         (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                          dynamic_cast<const std::length_error*>(&error) != nullptr);
  return is_silent ? "out of memory" : error.what();
}

/// Runs all candidates that have not failed on one problem after the other.
class Comparison {
 public:
  explicit Comparison(const CompareSettings& settings)
      : settings_(settings),
        judging_text_(judging_text(settings.metrics, settings.judging)),
        known_(settings.results),
        outcomes_(settings.candidates.size()) {}

  void add_problem(std::size_t problem) {
    const Answer answer = answer_of(settings_.problems[problem]);
    const Candidates candidates = ready_candidates(problem, answer);
    for (int number = 0; number < settings_.runs; ++number) {
      ProblemRun run{problem, number, settings_.options, answer};
      run.options.seed = problem_seed(run.options.seed + static_cast<std::uint64_t>(number), problem);
      add_run(run, candidates);
    }
  }

  std::vector<SamplerRow> rows() const {
    std::vector<SamplerRow> rows;
    for (std::size_t c = 0; c < outcomes_.size(); ++c)
      rows.push_back(row_of(settings_.candidates[c], outcomes_[c]));
    return rows;
  }

 private:
  using Candidates = std::vector<std::optional<ReadyCandidate>>;

  /// The samples of one run, before they are judged.
  struct Pending {
    std::vector<std::size_t> candidates = {};
    std::vector<ComparisonRecord> records = {};
    std::vector<PointSet> sets = {};
  };

  /// Makes the plans of the candidates that have not failed, before any of them runs on this problem. On the
  /// first problem, a candidate without a plan is wrong usage, because nothing has run yet.
  Candidates ready_candidates(std::size_t problem, const Answer& answer) {
    Candidates candidates(outcomes_.size());
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (outcomes_[c].error) continue;
      try {
        candidates[c] = ready(settings_.candidates[c], settings_, problem, answer);
      } catch (const std::invalid_argument& error) {
        if (problem == 0)
          fail(settings_.problems[0].name, ", sampler ", settings_.candidates[c].name, ": ", error.what());
        ComparisonRecord record = blank_record(c, problem, settings_.options);
        record.error = error.what();
        add_record(c, problem, record);
      }
    }
    return candidates;
  }

  /// The samples of a run are judged together, so that exact draws are made once.
  void add_run(const ProblemRun& run, const Candidates& candidates) {
    Pending pending;
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (!candidates[c] || outcomes_[c].error) continue;
      ComparisonRecord record = blank_record(c, run.problem, run.options);
      record.plan_hash = identity_of(*candidates[c], run.number);
      if (known_.fill(record)) {
        reuse(c, run, *candidates[c], record);
        continue;
      }
      std::optional<PointSet> set = samples_of(c, run, *candidates[c], record);
      if (!set) continue;
      keep_samples(c, run, *set);
      pending.sets.push_back(std::move(*set));
      pending.candidates.push_back(c);
      pending.records.push_back(std::move(record));
    }
    judge_samples(run, pending);
  }

  /// Adds a record of the results file, which has figures but no samples.
  void reuse(std::size_t c, const ProblemRun& run, const ReadyCandidate& candidate, ComparisonRecord record) {
    ++outcomes_[c].reused;
    add_record(c, run.problem, record);
    if (!keeps_samples(run) || record.error) return;
    ProblemRun first = run;
    // The first samples of a plan do not depend on the number of samples.
    if (has_plan(candidate)) first.options.count = std::min(run.options.count, settings_.kept_samples);
    if (const std::optional<PointSet> set = samples_of(c, first, candidate, record))
      keep_samples(c, run, *set);
  }

  bool keeps_samples(const ProblemRun& run) const {
    return settings_.kept_samples > 0 && run.problem == 0 && run.number == 0;
  }

  void keep_samples(std::size_t c, const ProblemRun& run, const PointSet& set) {
    if (!keeps_samples(run)) return;
    const Points& points = set.points();
    outcomes_[c].samples = points.topRows(std::min<Eigen::Index>(points.rows(), settings_.kept_samples));
  }

  /// Makes the samples of a candidate; nothing when it fails.
  std::optional<PointSet> samples_of(std::size_t c, const ProblemRun& run, const ReadyCandidate& candidate,
                                     ComparisonRecord& record) {
    Options options = run.options;
    options.progress = progress_of(c, run);
    try {
      return make_samples(candidate, run.number, options, run.answer, record);
    } catch (const Interrupted&) {
      throw;
    } catch (const DeviceUnavailable&) {
      throw;
    } catch (const std::exception& error) {
      add_failure(c, run.problem, std::move(record), error);
      return {};
    }
  }

  void judge_samples(const ProblemRun& run, Pending& pending) {
    if (pending.sets.empty()) return;
    JudgeOptions judging = settings_.judging;
    judging.seed = run.options.seed;
    auto judgements = judge_all(pending.sets, run.answer.exact.reference(), settings_.metrics, judging);
    const std::vector<CoverageHits> coverage = coverage_of(run, pending.sets);
    for (std::size_t i = 0; i < pending.sets.size(); ++i) {
      pending.records[i].judgements = std::move(judgements[i]);
      for (const Judgement& judgement : pending.records[i].judgements)
        add_missing(pending.records[i].warnings, warnings_of(judgement));
      if (!coverage.empty()) pending.records[i].coverage = coverage[i];
      known_.append(pending.records[i]);
      add_record(pending.candidates[i], run.problem, pending.records[i]);
    }
  }

  /// One for each set; nothing without an observation, or for fewer samples than an interval needs.
  std::vector<CoverageHits> coverage_of(const ProblemRun& run, const std::vector<PointSet>& sets) const {
    const auto* problem = std::get_if<Problem>(&settings_.problems[run.problem].problem);
    const CoverageOptions options{.seed = run.options.seed};
    if (problem == nullptr || !problem->observation ||
        run.options.count < least_interval_count(options.level))
      return {};
    return coverage_hits_each(sets, std::get<Mixture>(run.answer.exact.law), *problem->observation, options);
  }

  /// The entries of a record that are known before the run, but for the hash.
  ComparisonRecord blank_record(std::size_t c, std::size_t problem, const Options& options) const {
    ComparisonRecord record;
    record.problem = settings_.problems[problem].name;
    record.sampler = settings_.candidates[c].name;
    record.seed = options.seed;
    record.count = options.count;
    record.precision = options.precision;
    record.device = options.device.name();
    record.judging = judging_text_;
    record.version = version();
    return record;
  }

  /// Progress of one candidate's run as a part of the whole.
  std::function<void(const Progress&)> progress_of(std::size_t c, const ProblemRun& run) const {
    if (!settings_.options.progress) return {};
    const auto runs = static_cast<std::int64_t>(run.problem) * settings_.runs + run.number;
    const auto candidates = static_cast<std::int64_t>(outcomes_.size());
    const std::int64_t before = (runs * candidates + static_cast<std::int64_t>(c)) * settings_.options.count;
    return [this, before](const Progress& progress) {
      settings_.options.progress({.done = before + progress.done, .total = num_samples(settings_)});
    };
  }

  /// A candidate that fails is left out of further runs, unless it only diverged.
  void add_record(std::size_t c, std::size_t problem, const ComparisonRecord& record) {
    outcomes_[c].records.push_back(record);
    outcomes_[c].problems.push_back(problem);
    if (record.error && !record.diverged)
      outcomes_[c].error = concat("on ", record.problem, ": ", *record.error);
  }

  /// A failure that the plan and the seed decide is written to the results file; one of memory or of a device
  /// may not recur.
  void add_failure(std::size_t c, std::size_t problem, ComparisonRecord record, const std::exception& error) {
    record.diverged = dynamic_cast<const NonFiniteError*>(&error) != nullptr;
    record.error = reason_of(error);
    if (record.diverged || dynamic_cast<const WeightError*>(&error) != nullptr) known_.append(record);
    add_record(c, problem, record);
  }

  const CompareSettings& settings_;
  std::string judging_text_;
  KnownRecords known_;
  std::vector<CandidateOutcome> outcomes_;
};

}  // namespace
}  // namespace gmdiff::study

namespace gmdiff {

std::int64_t num_samples(const CompareSettings& settings) {
  return static_cast<std::int64_t>(settings.problems.size() * settings.candidates.size()) * settings.runs *
         settings.options.count;
}

std::vector<SamplerRow> compare(const CompareSettings& settings) {
  study::check_settings(settings);
  // An unavailable device is an error of the call, not of a candidate.
  thread_session(settings.options.device);
  study::Comparison comparison(settings);
  for (std::size_t p = 0; p < settings.problems.size(); ++p) comparison.add_problem(p);
  return comparison.rows();
}

}  // namespace gmdiff
