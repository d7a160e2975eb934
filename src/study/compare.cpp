#include "study/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/version.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "base/random.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "io/json_output.hpp"
#include "study/law.hpp"

namespace gmdiff::study {
namespace {

constexpr std::int64_t most_ess_chains = 20;
// bound on the history from which the effective sample size is computed
constexpr double ess_bytes = 64 << 20;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// ----- one problem

/// A candidate's figures on one problem.
struct Score {
  Judgement judgement = {};
  std::optional<double> log_evidence_error = {};  ///< only of SMC samplers
  std::optional<double> log_evidence_sd = {};     ///< only of several chains
  std::optional<double> ess = {};                 ///< as a share of the particles, mean over the weightings
  std::optional<double> smallest_ess = {};        ///< as a share of the particles, the smallest of a chain
  double seconds = 0.0;
  std::vector<std::string> warnings = {};
};

/// The exact answer of a problem.
struct Answer {
  Law law;
  std::optional<double> log_evidence;
};

Answer answer_of(const Problem& problem) {
  if (!problem.observation) return {{"prior", problem.prior}, {}};
  Posterior exact = posterior(problem.prior, *problem.observation);
  return {{"posterior", std::move(exact.mixture)}, exact.log_evidence};
}

using AnyPlan = std::variant<Plan, SmcPlan>;

/// Makes the plan of a sampler: one overload for each kind.
class Planner {
 public:
  Planner(const NamedProblem& named, const Law& law)
      : named_(named), law_(law), process_(named.problem.process), grid_(grid_of(named.problem, process_)) {}

  AnyPlan operator()(const Sampler& sampler) const {
    return sampling_plan(std::span(&law_.mixture, 1), process_, grid_, sampler);
  }
  AnyPlan operator()(const SmcSampler& sampler) const {
    return smc_plan(prior(), observation_for(name_of(sampler), named_.problem, named_.name), process_, grid_,
                    sampler);
  }
  AnyPlan operator()(const GuidedSampler& sampler) const {
    const LinearObservation& observation = observation_for(name_of(sampler), named_.problem, named_.name);
    return guided_plan(prior(), std::span(&observation, 1), process_, grid_, sampler);
  }

 private:
  const Mixture& prior() const { return named_.problem.prior; }

  const NamedProblem& named_;
  const Law& law_;
  ForwardProcess process_;
  TimeGrid grid_;
};

AnyPlan plan_of(const Candidate& candidate, const NamedProblem& named, const Law& law) {
  if (!candidate.sampler) return draw_plan(std::span(&law.mixture, 1));
  return std::visit(Planner(named, law), *candidate.sampler);
}

/// Mean over the weightings of ESS / N in the first chains. They are run again for it, so that the history of
/// all chains need not be kept.
std::optional<double> mean_ess(const SmcPlan& plan, Options options) {
  const std::size_t weightings = plan.weightings().size();
  if (weightings == 0) return {};
  // of the history of one chain
  const double bytes = 12.0 * static_cast<double>(weightings) * plan.particles;
  const auto chains =
      static_cast<std::int64_t>(std::clamp(ess_bytes / bytes, 1.0, static_cast<double>(most_ess_chains)));
  options.count = std::min(options.count, chains);
  options.smc_history = true;
  options.progress = {};
  return mean(run(plan, options).history().ess) / plan.particles;
}

/// Makes the samples of a candidate and records the figures that its run reports.
class Runner {
 public:
  Runner(const Options& options, const Answer& answer, Score& score)
      : options_(options), answer_(answer), score_(score) {}

  Samples operator()(const Plan& plan) const { return taken(run(plan, options_)); }
  Samples operator()(const SmcPlan& plan) const {
    const SmcSamples samples = run(plan, options_);
    score_.log_evidence_error = samples.mean_log_evidence() - *answer_.log_evidence;
    if (options_.count > 1) score_.log_evidence_sd = samples.log_evidence_sd();
    score_.ess = mean_ess(plan, options_);
    score_.smallest_ess = mean(samples.smallest_ess()) / plan.particles;
    return taken(samples);
  }

 private:
  Samples taken(const Samples& samples) const {
    score_.seconds = samples.provenance().seconds;
    score_.warnings = samples.provenance().warnings;
    return samples;
  }

  const Options& options_;
  const Answer& answer_;
  Score& score_;
};

/// The outcome of a candidate: its scores problem by problem, or the reason why it failed.
struct CandidateOutcome {
  std::vector<Score> scores = {};
  std::vector<std::string> warnings = {};
  std::optional<std::string> error = {};
  std::vector<ComparisonRecord> records = {};
  Points samples = {};
};

/// Runs all candidates that have not failed on one problem after the other.
class Comparison {
 public:
  explicit Comparison(const CompareSettings& settings)
      : settings_(settings), outcomes_(settings.candidates.size()) {}

  /// Runs the candidates with the seed that a batch gives to problem number `index`.
  void add_problem(std::size_t index) {
    const NamedProblem& named = settings_.problems[index];
    const Answer answer = answer_of(named.problem);
    const std::vector<std::optional<AnyPlan>> plans = plans_of(index, answer.law);
    Options options = settings_.options;
    options.seed = problem_seed(options.seed, index);
    std::vector<std::size_t> numbers;  // numbers of the candidates that have samples
    std::vector<Score> scores;
    std::vector<PointSet> sets;
    for (std::size_t c = 0; c < plans.size(); ++c) {
      if (!plans[c]) continue;
      const std::int64_t before = static_cast<std::int64_t>(index * plans.size() + c) * options.count;
      if (settings_.options.progress) {
        options.progress = [this, before](const Progress& progress) {
          settings_.options.progress({.done = before + progress.done, .total = num_samples(settings_)});
        };
      }
      try {
        Score score;
        sets.emplace_back(std::visit(Runner(options, answer, score), *plans[c]));
        for (const std::string& text : score.warnings)
          outcomes_[c].warnings.push_back(concat("on ", named.name, ": ", text));
        scores.push_back(score);
        numbers.push_back(c);
      } catch (const std::exception& error) {
        fail_candidate(c, named, error);
      }
    }
    JudgeOptions judging = settings_.judging;
    judging.seed = options.seed;
    if (sets.empty()) return;
    const std::vector<std::vector<Judgement>> judgements = judge_each(sets, answer.law.mixture, judging);
    for (std::size_t i = 0; i < sets.size(); ++i) {
      scores[i].judgement = judgements[i].front();
      outcomes_[numbers[i]].scores.push_back(scores[i]);
      add_record(numbers[i], named, options.seed, *plans[numbers[i]], scores[i]);
      if (index > 0) continue;
      const Points& samples = sets[i].points();
      outcomes_[numbers[i]].samples = samples.topRows(std::min(samples.rows(), settings_.kept_samples));
    }
  }

  const std::vector<CandidateOutcome>& outcomes() const { return outcomes_; }

 private:
  /// Makes the plans of the candidates that have not failed, before any of them runs on this problem. On the
  /// first problem, a candidate without a plan is wrong usage, because nothing has run yet.
  std::vector<std::optional<AnyPlan>> plans_of(std::size_t index, const Law& law) {
    const NamedProblem& named = settings_.problems[index];
    std::vector<std::optional<AnyPlan>> plans(settings_.candidates.size());
    for (std::size_t c = 0; c < plans.size(); ++c) {
      const Candidate& candidate = settings_.candidates[c];
      if (outcomes_[c].error) continue;
      try {
        plans[c] = plan_of(candidate, named, law);
      } catch (const std::invalid_argument& error) {
        if (index == 0) fail(named.name, ", sampler ", candidate.name, ": ", error.what());
        fail_candidate(c, named, error);
      }
    }
    return plans;
  }

  /// The entries of a record that are known before the run.
  ComparisonRecord record_of(std::size_t c, const NamedProblem& named) const {
    const JudgeOptions& judging = settings_.judging;
    ComparisonRecord record;
    record.problem = named.name;
    record.sampler = settings_.candidates[c].name;
    record.count = settings_.options.count;
    record.precision = settings_.options.precision;
    record.device = settings_.options.device.name();
    record.judging = concat("sw:p=", judging.p, ":slices=", judging.slices, ":repeats=", judging.repeats);
    record.version = version();
    return record;
  }

  void add_record(std::size_t c, const NamedProblem& named, std::uint64_t seed, const AnyPlan& plan,
                  const Score& score) {
    ComparisonRecord record = record_of(c, named);
    record.seed = seed;
    record.plan_hash = io::hex(std::visit([](const auto& kind) { return kind.hash(); }, plan));
    record.judgements = {score.judgement};
    record.log_evidence_error = score.log_evidence_error;
    record.log_evidence_sd = score.log_evidence_sd;
    record.ess = score.ess;
    record.smallest_ess = score.smallest_ess;
    record.seconds = score.seconds;
    record.warnings = score.warnings;
    outcomes_[c].records.push_back(std::move(record));
  }

  void fail_candidate(std::size_t c, const NamedProblem& named, const std::exception& error) {
    // The messages of the standard library's exceptions do not say that memory was the reason.
    const bool is_silent = dynamic_cast<const MemoryError*>(&error) == nullptr &&
                           (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                            dynamic_cast<const std::length_error*>(&error) != nullptr);
    outcomes_[c].error = concat("on ", named.name, ": ", is_silent ? "out of memory" : error.what());
    ComparisonRecord record = record_of(c, named);
    record.error = outcomes_[c].error;
    record.diverged = dynamic_cast<const NonFiniteError*>(&error) != nullptr;
    outcomes_[c].records.push_back(std::move(record));
  }

  const CompareSettings& settings_;
  std::vector<CandidateOutcome> outcomes_;
};

// ----- all problems

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2.0;
}

std::optional<double> standard_error(const std::vector<double>& values) {
  if (values.size() < 2) return {};
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1.0) / n);
}

/// Mean of a figure that every problem has; nothing when one lacks it.
std::optional<double> mean_of_known(const std::vector<Score>& scores,
                                    std::optional<double> Score::*quantity) {
  std::vector<double> known;
  for (const Score& score : scores) {
    if (score.*quantity) known.push_back(*(score.*quantity));
  }
  return known.size() == scores.size() ? std::optional(mean(known)) : std::nullopt;
}

SamplerRow row_of(const std::string& sampler, const CandidateOutcome& outcome) {
  const std::vector<Score>& scores = outcome.scores;
  std::vector<double> values, floors, floor_variances;
  SamplerRow row;
  row.sampler = sampler;
  row.error = outcome.error;
  row.warnings = outcome.warnings;
  row.problems = scores.size();
  row.records = outcome.records;
  row.samples = outcome.samples;
  for (const Score& score : scores) {
    values.push_back(score.judgement.value);
    floors.push_back(score.judgement.floor);
    floor_variances.push_back(score.judgement.floor_sd * score.judgement.floor_sd);
    row.seconds += score.seconds;
  }
  if (row.error) return row;
  row.value = mean(values);
  row.standard_error = standard_error(values);
  row.median = median(values);
  row.floor = mean(floors);
  row.floor_sd = std::sqrt(mean(floor_variances));
  row.ratio = row.floor > 0.0    ? row.value / row.floor
              : row.value == 0.0 ? 1.0
                                 : std::numeric_limits<double>::infinity();
  row.log_evidence_error = mean_of_known(scores, &Score::log_evidence_error);
  row.log_evidence_sd = mean_of_known(scores, &Score::log_evidence_sd);
  row.ess = mean_of_known(scores, &Score::ess);
  row.smallest_ess = mean_of_known(scores, &Score::smallest_ess);
  return row;
}

}  // namespace

std::int64_t num_samples(const CompareSettings& settings) {
  return static_cast<std::int64_t>(settings.problems.size() * settings.candidates.size()) *
         settings.options.count;
}

std::vector<SamplerRow> compare(const CompareSettings& settings) {
  // An unavailable device is an error of the call, not of a candidate.
  thread_session(settings.options.device);
  Comparison comparison(settings);
  for (std::size_t p = 0; p < settings.problems.size(); ++p) comparison.add_problem(p);
  std::vector<SamplerRow> rows;
  for (std::size_t c = 0; c < settings.candidates.size(); ++c) {
    rows.push_back(row_of(settings.candidates[c].name, comparison.outcomes()[c]));
  }
  return rows;
}

}  // namespace gmdiff::study
