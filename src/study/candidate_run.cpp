#include "study/candidate_run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/metrics/path_weights.hpp>
#include <gmdiff/plan/evaluations.hpp>

#include "base/check.hpp"
#include "io/checksum.hpp"
#include "io/json_output.hpp"
#include "io/npy_header.hpp"
#include "metrics/comparison.hpp"
#include "metrics/metric_names.hpp"
#include "study/denoiser_plan.hpp"
#include "study/path_law.hpp"

namespace gmdiff::study {
namespace {

constexpr std::int64_t most_ess_chains = 20;
// bound on the history from which the effective sample size is computed
constexpr double ess_bytes = 64 << 20;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// ----- plans

/// A comparison needs one independent sample of each chain.
Plan chain_plan(const McmcSampler& sampler, Plan plan) {
  require(plan.kept.empty(), name_of(sampler),
          ": a comparison needs one independent sample of each chain; give the sampler output=draw");
  return plan;
}

/// Paths of a trained sampler of a problem.
PathSet path_set(const LearnedSampler& sampler, const auto& problem, const Answer& answer) {
  const auto& learned = std::get<Learned>(sampler);
  PathLaw law = path_law_of(problem);
  if (const auto* target = std::get_if<TargetLaw>(&answer.exact.law))
    law.log_normalizer = target->log_normalizer();
  return {
      .plan = path_plan(learned, law), .reweight = learned.reweight, .log_normalizer = law.log_normalizer};
}

/// Makes the plan of a sampler on a problem with a prior: one overload for each kind.
class PriorPlanner {
 public:
  PriorPlanner(const Problem& problem, const std::string& name, const Answer& answer)
      : problem_(problem),
        name_(name),
        answer_(answer),
        law_(std::get<Mixture>(answer.exact.law)),
        process_(problem.process),
        grid_(grid_of(problem, process_)) {}

  ReadyCandidate operator()(const Sampler& sampler) const {
    return sampling_plan(std::span(&law_, 1), process_, grid_, sampler);
  }
  ReadyCandidate operator()(const SmcSampler& sampler) const {
    return smc_plan(problem_.prior, observation_for(name_of(sampler), problem_, name_), process_, grid_,
                    sampler);
  }
  ReadyCandidate operator()(const McmcSampler& sampler) const {
    // The seed of the pilot is that of every run, so that all runs have one plan.
    return chain_plan(sampler, mcmc_plan(law_, tuned(law_, sampler)));
  }
  ReadyCandidate operator()(const GuidedSampler& sampler) const {
    const LinearObservation& observation = observation_for(name_of(sampler), problem_, name_);
    return guided_plan(problem_.prior, std::span(&observation, 1), process_, grid_, sampler);
  }
  ReadyCandidate operator()(const LearnedSampler& sampler) const {
    return path_set(sampler, problem_, answer_);
  }

 private:
  const Problem& problem_;
  const std::string& name_;
  const Answer& answer_;
  const Mixture& law_;
  ForwardProcess process_;
  TimeGrid grid_;
};

/// Makes the plan of a sampler on a target. @tparam AnyTargetProblem with a target, or with a map
template <class AnyTargetProblem>
class TargetPlanner {
 public:
  TargetPlanner(const AnyTargetProblem& problem, const std::string& name, const Answer& answer)
      : problem_(problem),
        name_(name),
        answer_(answer),
        target_(std::get<TargetLaw>(answer.exact.law).target()) {}

  ReadyCandidate operator()(const McmcSampler& sampler) const {
    return chain_plan(sampler, mcmc_plan(target_, tuned(target_, sampler)));
  }
  ReadyCandidate operator()(const LearnedSampler& sampler) const {
    return path_set(sampler, problem_, answer_);
  }
  ReadyCandidate operator()(const auto& sampler) const {
    fail(name_of(sampler), " samples mixtures, and the law of ", name_,
         " is none; expected a Markov chain, a learned sampler or draw");
  }

 private:
  const AnyTargetProblem& problem_;
  const std::string& name_;
  const Answer& answer_;
  const Target& target_;
};

/// Makes the plan of a sampler on the posterior of an observation with a map.
ReadyCandidate plan_with_map(const AnySampler& sampler, const NonlinearProblem& problem,
                             const std::string& name, const Answer& answer) {
  check_takes_map(sampler);
  const TargetPlanner target(problem, name, answer);
  if (const auto* chains = std::get_if<McmcSampler>(&sampler)) return target(*chains);
  if (const auto* learned = std::get_if<LearnedSampler>(&sampler)) return target(*learned);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = grid_of(problem, process);
  if (const auto* smc = std::get_if<SmcSampler>(&sampler))
    return smc_plan(problem.prior, problem.observation, process, grid, *smc);
  return guided_plan(problem.prior, problem.observation, process, grid, std::get<GuidedSampler>(sampler));
}

ReadyCandidate as_candidate(DenoiserPlan plan) {
  return std::visit([](auto& kind) { return ReadyCandidate(std::move(kind)); }, plan);
}

ReadyCandidate plan_of(const AnySampler& sampler, const NamedProblem& named, const Answer& answer) {
  if (const auto* problem = std::get_if<Problem>(&named.problem)) {
    if (problem->denoiser) return as_candidate(denoiser_plan(sampler, *problem, named.name, /*prior=*/false));
    return std::visit(PriorPlanner(*problem, named.name, answer), sampler);
  }
  const auto* nonlinear = std::get_if<NonlinearProblem>(&named.problem);
  if (nonlinear != nullptr && nonlinear->denoiser)
    return as_candidate(denoiser_plan(sampler, *nonlinear, named.name));
  if (nonlinear != nullptr) return plan_with_map(sampler, *nonlinear, named.name, answer);
  return std::visit(TargetPlanner(std::get<TargetProblem>(named.problem), named.name, answer), sampler);
}

/// @throws std::invalid_argument for a metric that takes no weights.
void check_reweighting(const ReadyCandidate& candidate, const std::vector<Metric>& metrics,
                       const ExactLaw& exact) {
  const auto* paths = std::get_if<PathSet>(&candidate);
  if (paths == nullptr || !paths->reweight) return;
  const bool is_mixture = std::holds_alternative<Mixture>(exact.law);
  for (const Metric metric : metrics)
    require(takes_weights(metric, is_mixture), "reweight=true: the metric ", metric_name(metric), " of a ",
            is_mixture ? "mixture" : "target", " takes no weights; ", weighted_metrics);
}

ReadyCandidate exact_draws(const NamedProblem& named, const Answer& answer) {
  if (const auto* mixture = std::get_if<Mixture>(&answer.exact.law)) return draw_plan(std::span(mixture, 1));
  const auto& law = std::get<TargetLaw>(answer.exact.law);
  if (law.has_exact_draws()) return draw_plan(law.target());
  return TableDrawSet{&law, &named};
}

// ----- identities

/// Digest of texts and numbers.
class Identity {
 public:
  Identity& add(const std::string& text) {
    checksum_.update(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
    return *this;
  }
  Identity& add(const Points& points) {
    add(io::shape_text({points.rows(), points.cols()}));
    checksum_.update(std::as_bytes(std::span(points.data(), static_cast<std::size_t>(points.size()))));
    return *this;
  }
  std::string text() const { return io::hex(checksum_.value()); }

 private:
  io::Checksum checksum_;
};

// ----- runs

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
  return mean_of(gmdiff::run(plan, options).history().ess) / plan.particles;
}

/// Samples from outside the catalogue, which may be anything.
PointSet checked(Points points, const std::string& source, std::int64_t count, Eigen::Index dim) {
  require(points.rows() == count && points.cols() == dim, source, ": expected samples of shape ",
          io::shape_text({count, dim}), ", got ", io::shape_text({points.rows(), points.cols()}));
  const auto bad = (!points.array().isFinite()).count();
  if (bad > 0) throw NonFiniteError(concat(source, ": ", bad, " values are not finite"));
  return {std::move(points)};
}

/// Makes the samples of a candidate and records what its run reports.
class Runner {
 public:
  Runner(int run, const Options& options, const Answer& answer, ComparisonRecord& record)
      : run_(run), options_(options), answer_(answer), record_(record) {}

  PointSet operator()(const Plan& plan) const {
    record_.evaluations = denoiser_evaluations(plan);
    return taken(gmdiff::run(plan, options_));
  }

  PointSet operator()(const SmcPlan& plan) const {
    record_.evaluations = denoiser_evaluations(plan);
    const SmcSamples samples = gmdiff::run(plan, options_);
    record_.log_evidence_error = samples.mean_log_evidence() - *answer_.log_evidence;
    if (options_.count > 1) record_.log_evidence_sd = samples.log_evidence_sd();
    record_.ess = mean_ess(plan, options_);
    record_.smallest_ess = mean_of(samples.smallest_ess()) / plan.particles;
    return taken(samples);
  }

  PointSet operator()(const PathSet& set) const {
    record_.evaluations = denoiser_evaluations(set.plan);
    const PathSamples samples = gmdiff::run(set.plan, options_);
    const Eigen::Map<const Eigen::VectorXd> log_w(samples.log_weights().data(), options_.count);
    const PathSummary summary = forward_summary(log_w);
    if (set.log_normalizer) record_.log_evidence_error = summary.log_z - *set.log_normalizer;
    record_.ess = summary.ess;
    PointSet points = taken(samples);
    if (!set.reweight) return points;
    const Eigen::VectorXd weights = (log_w.array() - log_w.maxCoeff()).exp();
    return points.with_weights({weights.begin(), weights.end()});
  }

  PointSet operator()(const CustomCall& call) const {
    const auto begin = std::chrono::steady_clock::now();
    Points points = std::get<CustomSampler>(call.candidate->method)(call.problem->problem, options_);
    record_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return checked(std::move(points), call.candidate->name, options_.count, answer_.exact.reference().dim());
  }

  PointSet operator()(const FileSet& set) const {
    const std::filesystem::path& file = set.files[static_cast<std::size_t>(run_)];
    return checked(read_points(file), file.string(), options_.count, answer_.exact.reference().dim());
  }

  PointSet operator()(const TableDrawSet& set) const {
    const auto begin = std::chrono::steady_clock::now();
    Points points = set.law->draws(options_.count, options_.seed);
    record_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return points;
  }

 private:
  PointSet taken(const Samples& samples) const {
    record_.seconds = samples.provenance().seconds;
    record_.warnings = samples.provenance().warnings;
    return samples;
  }

  int run_;
  const Options& options_;
  const Answer& answer_;
  ComparisonRecord& record_;
};

}  // namespace

Answer answer_of(const NamedProblem& named) {
  const auto* problem = std::get_if<Problem>(&named.problem);
  if (std::holds_alternative<NonlinearProblem>(named.problem)) {
    ExactLaw exact = exact_law_of(named.problem, named.name);
    const double log_evidence = std::get<TargetLaw>(exact.law).log_normalizer();
    return {std::move(exact), log_evidence};
  }
  if (problem == nullptr || !problem->observation) return {exact_law_of(named.problem, named.name)};
  Posterior exact = posterior(problem->prior, *problem->observation);
  return {{"posterior", std::move(exact.mixture)}, exact.log_evidence};
}

ReadyCandidate ready(const Candidate& candidate, const CompareSettings& settings, std::size_t problem,
                     const Answer& answer) {
  const NamedProblem& named = settings.problems[problem];
  if (std::holds_alternative<ExactDraws>(candidate.method)) return exact_draws(named, answer);
  if (const auto* sampler = std::get_if<AnySampler>(&candidate.method)) {
    ReadyCandidate made = plan_of(*sampler, named, answer);
    check_reweighting(made, settings.metrics, answer.exact);
    return made;
  }
  if (const auto* samples = std::get_if<SampleFiles>(&candidate.method)) {
    const auto first = samples->files.begin() + static_cast<std::ptrdiff_t>(problem) * settings.runs;
    return FileSet{{first, first + settings.runs}, &named};
  }
  return CustomCall{&candidate, &named};
}

bool has_plan(const ReadyCandidate& candidate) {
  return std::holds_alternative<Plan>(candidate) || std::holds_alternative<SmcPlan>(candidate) ||
         std::holds_alternative<PathSet>(candidate);
}

namespace {

/// The problem as text that identifies it. A denoiser given by a function, which has no JSON form, counts by
/// its id.
struct ProblemText {
  template <class WithPrior>
  requires requires(WithPrior problem) { problem.denoiser; }
  std::string operator()(WithPrior problem) const {
    if (!problem.denoiser || !problem.denoiser->file.empty()) return to_json(problem);
    const std::string id = problem.denoiser->denoiser.id;
    problem.denoiser.reset();
    return to_json(problem) + "denoiser " + id;
  }
  std::string operator()(const TargetProblem& problem) const { return to_json(problem); }
  std::string operator()(const DynamicsProblem& problem) const { return to_json(problem); }
};
std::string text_of(const NamedProblem& named) { return std::visit(ProblemText(), named.problem); }

}  // namespace

std::string identity_of(const ReadyCandidate& candidate, int run) {
  if (const auto* plan = std::get_if<Plan>(&candidate)) return io::hex(plan->hash());
  if (const auto* plan = std::get_if<SmcPlan>(&candidate)) return io::hex(plan->hash());
  if (const auto* paths = std::get_if<PathSet>(&candidate)) {
    const std::string hash = io::hex(paths->plan.hash());
    return paths->reweight ? Identity().add("weighted").add(hash).text() : hash;
  }
  if (const auto* call = std::get_if<CustomCall>(&candidate))
    return Identity().add("function").add(call->candidate->name).add(text_of(*call->problem)).text();
  if (const auto* draws = std::get_if<TableDrawSet>(&candidate))
    return Identity().add("draw").add(text_of(*draws->problem)).text();
  const auto& set = std::get<FileSet>(candidate);
  const Points points = read_points(set.files[static_cast<std::size_t>(run)]);
  return Identity().add("samples").add(points).add(text_of(*set.problem)).text();
}

PointSet make_samples(const ReadyCandidate& candidate, int run, const Options& options, const Answer& answer,
                      ComparisonRecord& record) {
  return std::visit(Runner(run, options, answer, record), candidate);
}

}  // namespace gmdiff::study
