#include "cli/compare_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <variant>

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "base/random.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t most_ess_chains = 20;
constexpr double ess_bytes = 64 << 20;  // of the history that the effective sample size is taken from

// ----- one problem

/// What a candidate scored on one problem.
struct Score {
  Judgement judgement = {};
  std::optional<double> log_evidence_error = {};  ///< of SMC
  std::optional<double> ess = {};                 ///< share of the particles, mean over the weightings
  double seconds = 0.0;
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

AnyPlan plan_of(const Candidate& candidate, const NamedProblem& named, const Law& law) {
  const std::span<const Mixture> laws(&law.mixture, 1);
  if (!candidate.sampler) return draw_plan(laws);
  const Problem& problem = named.problem;
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, problem.grid, problem.observation ? &*problem.observation : nullptr);
  if (const auto* smc = std::get_if<SmcSampler>(&*candidate.sampler)) {
    return smc_plan(problem.prior, observation_for(*smc, problem, named.name), process, grid, *smc);
  }
  return sampling_plan(laws, process, grid, std::get<Sampler>(*candidate.sampler));
}

/// Plans of all candidates, before any of them runs.
std::vector<AnyPlan> plans_of(const CompareSettings& settings, const NamedProblem& named, const Law& law) {
  std::vector<AnyPlan> plans;
  for (const Candidate& candidate : settings.candidates) {
    try {
      plans.push_back(plan_of(candidate, named, law));
    } catch (const std::invalid_argument& error) {
      fail(named.name, ", sampler ", candidate.name, ": ", error.what());
    }
  }
  return plans;
}

/// Mean share of the particles that count, over the weightings of the first chains; they are run again for that, so that the history of all
/// need not be kept.
std::optional<double> mean_ess(const SmcPlan& plan, Options options) {
  const std::size_t weightings = plan.weightings().size();
  if (weightings == 0) return {};
  const double bytes = 12.0 * static_cast<double>(weightings) * plan.particles;  // of a chain's history
  const auto chains = static_cast<std::int64_t>(std::clamp(ess_bytes / bytes, 1.0, static_cast<double>(most_ess_chains)));
  options.count = std::min(options.count, chains);
  options.smc_history = true;
  options.progress = {};
  const SmcSamples samples = run(plan, options);
  const std::vector<double>& ess = samples.history().ess;
  return std::accumulate(ess.begin(), ess.end(), 0.0) / static_cast<double>(ess.size()) / plan.particles;
}

/// Samples of a candidate; fills in what its run tells.
class Runner {
 public:
  Runner(const Options& options, const Answer& answer, Score& score) : options_(options), answer_(answer), score_(score) {}

  Samples operator()(const Plan& plan) const { return taken(run(plan, options_)); }
  Samples operator()(const SmcPlan& plan) const {
    const SmcSamples samples = run(plan, options_);
    score_.log_evidence_error = samples.mean_log_evidence() - *answer_.log_evidence;
    score_.ess = mean_ess(plan, options_);
    return taken(samples);
  }

 private:
  Samples taken(const Samples& samples) const {
    score_.seconds = samples.provenance().seconds;
    return samples;
  }

  const Options& options_;
  const Answer& answer_;
  Score& score_;
};

/// `run` with the place in its errors.
Samples run_named(const Runner& runner, const AnyPlan& plan, const std::string& place) {
  try {
    return std::visit(runner, plan);
  } catch (const WeightError& error) {
    throw WeightError(place + ": " + error.what());
  } catch (const NonFiniteError& error) {
    throw NonFiniteError(place + ": " + error.what());
  }
}

/// Scores of all candidates on one problem; with the seed that a batch gives to problem number `index`.
std::vector<Score> scores_of(const CompareSettings& settings, std::size_t index, ProgressLine& line) {
  const NamedProblem& named = settings.problems[index];
  const Answer answer = answer_of(named.problem);
  const std::vector<AnyPlan> plans = plans_of(settings, named, answer.law);
  Options options = settings.options;
  options.seed = problem_seed(options.seed, index);
  std::vector<Score> scores(plans.size());
  std::vector<PointSet> sets;
  for (std::size_t c = 0; c < plans.size(); ++c) {
    const std::int64_t before = static_cast<std::int64_t>(index * plans.size() + c) * options.count;
    options.progress = [&line, before](const Progress& progress) { line.update(before + progress.done); };
    const std::string place = concat(settings.candidates[c].name, " on ", named.name);
    sets.emplace_back(run_named(Runner(options, answer, scores[c]), plans[c], place));
  }
  JudgeOptions judging = settings.judging;
  judging.seed = options.seed;
  const std::vector<std::vector<Judgement>> judgements = judge_each(sets, answer.law.mixture, judging);
  for (std::size_t c = 0; c < plans.size(); ++c) scores[c].judgement = judgements[c].front();
  return scores;
}

// ----- all problems

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

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

/// Means of what every problem has, or nothing.
std::optional<double> mean_of_known(const std::vector<Score>& scores, std::optional<double> Score::*quantity) {
  std::vector<double> known;
  for (const Score& score : scores) {
    if (score.*quantity) known.push_back(*(score.*quantity));
  }
  return known.size() == scores.size() ? std::optional(mean(known)) : std::nullopt;
}

SamplerRow row_of(const std::string& sampler, const std::vector<Score>& scores) {
  std::vector<double> values, floors, floor_variances;
  SamplerRow row{.sampler = sampler, .standard_error = {}, .log_evidence_error = {}, .ess = {}};
  for (const Score& score : scores) {
    values.push_back(score.judgement.value);
    floors.push_back(score.judgement.floor);
    floor_variances.push_back(score.judgement.floor_sd * score.judgement.floor_sd);
    row.seconds += score.seconds;
  }
  row.value = mean(values);
  row.standard_error = standard_error(values);
  row.median = median(values);
  row.floor = mean(floors);
  row.floor_sd = std::sqrt(mean(floor_variances));
  row.ratio = row.floor > 0.0 ? row.value / row.floor : row.value == 0.0 ? 1.0 : std::numeric_limits<double>::infinity();
  row.log_evidence_error = mean_of_known(scores, &Score::log_evidence_error);
  row.ess = mean_of_known(scores, &Score::ess);
  row.problems = scores.size();
  return row;
}

}  // namespace

std::vector<SamplerRow> rows_of(const CompareSettings& settings, bool quiet) {
  const std::size_t runs = settings.problems.size() * settings.candidates.size();
  ProgressLine line("compare", static_cast<std::int64_t>(runs) * settings.options.count, quiet);
  std::vector<std::vector<Score>> scores(settings.candidates.size());
  for (std::size_t p = 0; p < settings.problems.size(); ++p) {
    const std::vector<Score> of_problem = scores_of(settings, p, line);
    for (std::size_t c = 0; c < of_problem.size(); ++c) scores[c].push_back(of_problem[c]);
  }
  std::vector<SamplerRow> rows;
  for (std::size_t c = 0; c < scores.size(); ++c) rows.push_back(row_of(settings.candidates[c].name, scores[c]));
  return rows;
}

}  // namespace gmdiff::cli
