#include <gmdiff/study/compare.hpp>

#include <map>
#include <new>
#include <stdexcept>
#include <utility>

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/version.hpp>

#include "base/check.hpp"
#include "base/random.hpp"
#include "device/thread_session.hpp"
#include "study/candidate_run.hpp"
#include "study/judging.hpp"
#include "study/record.hpp"
#include "study/results_file.hpp"
#include "study/sample_files.hpp"
#include "study/sampler_rows.hpp"

namespace gmdiff::study {
namespace {

/// The records of a results file, by key; without a file nothing is found and nothing is written.
class KnownRecords {
 public:
  explicit KnownRecords(const std::filesystem::path& file) {
    if (file.empty()) return;
    file_.emplace(file);
    for (const ComparisonRecord& record : file_->records()) by_key_.emplace(key_of(record), record);
  }

  /// Replaces the record by the known one of the same key, under its own names.
  bool fill(ComparisonRecord& record) const {
    const auto found = by_key_.find(key_of(record));
    if (found == by_key_.end()) return false;
    ComparisonRecord known = found->second;
    known.problem = record.problem;
    known.sampler = record.sampler;
    record = std::move(known);
    return true;
  }

  void append(const ComparisonRecord& record) const {
    if (file_) file_->append(record);
  }

 private:
  std::optional<ResultsFile> file_;
  std::map<std::string, ComparisonRecord> by_key_;
};

/// Runs all candidates that have not failed on one problem after the other.
class Comparing {
 public:
  explicit Comparing(const CompareSettings& settings)
      : settings_(settings),
        judging_text_(judging_text(settings.metrics, settings.judging)),
        known_(settings.results),
        outcomes_(settings.candidates.size()) {}

  void add_problem(std::size_t problem) {
    const Answer answer = answer_of(settings_.problems[problem].problem);
    const Candidates candidates = ready_candidates(problem, answer.law);
    for (int run = 0; run < settings_.runs; ++run) add_run(problem, run, answer, candidates);
  }

  const std::vector<CandidateOutcome>& outcomes() const { return outcomes_; }
  std::size_t reused() const { return reused_; }

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
  Candidates ready_candidates(std::size_t problem, const Law& law) {
    Candidates candidates(settings_.candidates.size());
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (outcomes_[c].error) continue;
      const std::string& name = settings_.problems[problem].name;
      try {
        candidates[c] = ready(settings_.candidates[c], settings_, problem, law);
      } catch (const std::invalid_argument& error) {
        if (problem == 0) fail(name, ", sampler ", settings_.candidates[c].name, ": ", error.what());
        fail_candidate(c, name, error.what());
      }
    }
    return candidates;
  }

  /// One run of all candidates. The samples are judged together, so that exact draws are made once.
  void add_run(std::size_t problem, int run, const Answer& answer, const Candidates& candidates) {
    Options options = settings_.options;
    options.seed = problem_seed(options.seed + static_cast<std::uint64_t>(run), problem);
    Pending pending;
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (!candidates[c] || outcomes_[c].error) continue;
      ComparisonRecord record = blank_record(c, problem, *candidates[c], run, options);
      if (known_.fill(record)) {
        ++reused_;
        add_record(c, problem, record);
        continue;
      }
      const std::size_t before =
          (problem * static_cast<std::size_t>(settings_.runs) + static_cast<std::size_t>(run)) *
              candidates.size() +
          c;
      options.progress = progress_after(static_cast<std::int64_t>(before) * options.count);
      try {
        pending.sets.push_back(make_samples(*candidates[c], run, options, answer, record));
        pending.candidates.push_back(c);
        pending.records.push_back(std::move(record));
      } catch (const std::exception& error) {
        add_failure(c, problem, record, error);
      }
    }
    judge_samples(problem, answer, options.seed, pending);
  }

  void judge_samples(std::size_t problem, const Answer& answer, std::uint64_t seed, Pending& pending) {
    if (pending.sets.empty()) return;
    JudgeOptions judging = settings_.judging;
    judging.seed = seed;
    auto judgements = judge_all(pending.sets, answer.law.mixture, settings_.metrics, judging);
    for (std::size_t i = 0; i < pending.sets.size(); ++i) {
      pending.records[i].judgements = std::move(judgements[i]);
      known_.append(pending.records[i]);
      add_record(pending.candidates[i], problem, pending.records[i]);
    }
  }

  ComparisonRecord blank_record(std::size_t c, std::size_t problem, const ReadyCandidate& candidate, int run,
                                const Options& options) const {
    ComparisonRecord record;
    record.problem = settings_.problems[problem].name;
    record.sampler = settings_.candidates[c].name;
    record.seed = options.seed;
    record.count = options.count;
    record.precision = options.precision;
    record.device = options.device.name();
    record.judging = judging_text_;
    record.plan_hash = identity_of(candidate, run);
    record.version = version();
    return record;
  }

  std::function<void(const Progress&)> progress_after(std::int64_t before) const {
    if (!settings_.options.progress) return {};
    return [this, before](const Progress& progress) {
      settings_.options.progress({.done = before + progress.done, .total = num_samples(settings_)});
    };
  }

  void add_record(std::size_t c, std::size_t problem, const ComparisonRecord& record) {
    CandidateOutcome& outcome = outcomes_[c];
    for (const std::string& text : record.warnings)
      add_missing(outcome.warnings, {concat("on ", record.problem, ": ", text)});
    outcome.records.push_back(record);
    outcome.problems.push_back(problem);
    if (record.error && !record.diverged) fail_candidate(c, record.problem, *record.error);
  }

  /// A failure that the plan and the seed decide is on record; one of memory or of a device may not recur.
  void add_failure(std::size_t c, std::size_t problem, ComparisonRecord record, const std::exception& error) {
    record.diverged = dynamic_cast<const NonFiniteError*>(&error) != nullptr;
    if (!record.diverged && dynamic_cast<const WeightError*>(&error) == nullptr)
      return fail_candidate(c, record.problem, reason_of(error));
    record.error = error.what();
    known_.append(record);
    add_record(c, problem, record);
  }

  /// The messages of the standard library's exceptions do not say that memory was the reason.
  static std::string reason_of(const std::exception& error) {
    const bool is_silent = dynamic_cast<const MemoryError*>(&error) == nullptr &&
                           (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                            dynamic_cast<const std::length_error*>(&error) != nullptr);
    return is_silent ? "out of memory" : error.what();
  }

  void fail_candidate(std::size_t c, const std::string& problem, const std::string& reason) {
    outcomes_[c].error = concat("on ", problem, ": ", reason);
  }

  const CompareSettings& settings_;
  std::string judging_text_;
  KnownRecords known_;
  std::vector<CandidateOutcome> outcomes_;
  std::size_t reused_ = 0;
};

void check_settings(const CompareSettings& settings) {
  require(!settings.problems.empty(), "compare: expected at least one problem");
  require(!settings.candidates.empty(), "compare: expected at least one candidate");
  require(!settings.metrics.empty(), "compare: expected at least one metric");
  require(settings.runs >= 1, "compare: runs must be >= 1, given ", settings.runs);
  const Options& options = settings.options;
  require(options.count >= 1, "compare: options.count must be >= 1, given ", options.count);
  require(options.first == 0 && !options.start && options.history == 0 && !options.smc_history &&
              options.math == MathMode::exact,
          "compare: options.first, start, history, smc_history and math must have their defaults");
  for (const Candidate& candidate : settings.candidates) {
    const auto* custom = std::get_if<CustomSampler>(&candidate.method);
    require(custom == nullptr || *custom, "compare: the function of ", candidate.name, " is empty");
    check_sample_files(candidate, settings);
  }
}

}  // namespace
}  // namespace gmdiff::study

namespace gmdiff {

std::int64_t num_samples(const CompareSettings& settings) {
  return static_cast<std::int64_t>(settings.problems.size() * settings.candidates.size()) * settings.runs *
         settings.options.count;
}

Comparison compare(const CompareSettings& settings) {
  study::check_settings(settings);
  // An unavailable device is an error of the call, not of a candidate.
  thread_session(settings.options.device);
  study::Comparing comparing(settings);
  for (std::size_t p = 0; p < settings.problems.size(); ++p) comparing.add_problem(p);
  Comparison result{.rows = {}, .records = {}, .reused = comparing.reused()};
  for (std::size_t c = 0; c < settings.candidates.size(); ++c) {
    const study::CandidateOutcome& outcome = comparing.outcomes()[c];
    result.rows.push_back(study::row_of(settings.candidates[c], outcome));
    result.records.insert(result.records.end(), outcome.records.begin(), outcome.records.end());
  }
  return result;
}

}  // namespace gmdiff
