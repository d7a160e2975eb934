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
#include <gmdiff/plan/evaluations.hpp>

#include "base/check.hpp"
#include "io/checksum.hpp"
#include "io/json_output.hpp"
#include "io/npy_header.hpp"
#include "study/denoiser_plan.hpp"

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

/// Makes the plan of a sampler on a problem with a prior: one overload for each kind.
class PriorPlanner {
 public:
  PriorPlanner(const Problem& problem, const std::string& name, const Mixture& law)
      : problem_(problem),
        name_(name),
        law_(law),
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

 private:
  const Problem& problem_;
  const std::string& name_;
  const Mixture& law_;
  ForwardProcess process_;
  TimeGrid grid_;
};

/// Makes the plan of a sampler on a target.
class TargetPlanner {
 public:
  TargetPlanner(const Target& target, const std::string& name) : target_(target), name_(name) {}

  ReadyCandidate operator()(const McmcSampler& sampler) const {
    return chain_plan(sampler, mcmc_plan(target_, tuned(target_, sampler)));
  }
  ReadyCandidate operator()(const auto& sampler) const {
    fail(name_of(sampler), " samples mixtures, and the law of ", name_,
         " is none; expected a Markov chain or draw");
  }

 private:
  const Target& target_;
  const std::string& name_;
};

/// Makes the plan of a sampler on the posterior of an observation with a map.
ReadyCandidate plan_with_map(const AnySampler& sampler, const NonlinearProblem& problem,
                             const TargetPlanner& target) {
  check_takes_map(sampler);
  if (const auto* chains = std::get_if<McmcSampler>(&sampler)) return target(*chains);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = grid_of(problem, process);
  if (const auto* smc = std::get_if<SmcSampler>(&sampler))
    return smc_plan(problem.prior, problem.observation, process, grid, *smc);
  return guided_plan(problem.prior, problem.observation, process, grid, std::get<GuidedSampler>(sampler));
}

ReadyCandidate plan_of(const AnySampler& sampler, const NamedProblem& named, const Answer& answer) {
  if (const auto* problem = std::get_if<Problem>(&named.problem)) {
    if (problem->denoiser) return denoiser_plan(sampler, *problem, named.name, /*prior=*/false);
    return std::visit(PriorPlanner(*problem, named.name, std::get<Mixture>(answer.exact.law)), sampler);
  }
  const TargetPlanner target(std::get<TargetLaw>(answer.exact.law).target(), named.name);
  const auto* nonlinear = std::get_if<NonlinearProblem>(&named.problem);
  if (nonlinear != nullptr && nonlinear->denoiser) return denoiser_plan(sampler, *nonlinear, named.name);
  if (nonlinear != nullptr) return plan_with_map(sampler, *nonlinear, target);
  return std::visit(target, sampler);
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
  if (const auto* sampler = std::get_if<AnySampler>(&candidate.method))
    return plan_of(*sampler, named, answer);
  if (const auto* samples = std::get_if<SampleFiles>(&candidate.method)) {
    const auto first = samples->files.begin() + static_cast<std::ptrdiff_t>(problem) * settings.runs;
    return FileSet{{first, first + settings.runs}, &named};
  }
  return CustomCall{&candidate, &named};
}

bool has_plan(const ReadyCandidate& candidate) {
  return std::holds_alternative<Plan>(candidate) || std::holds_alternative<SmcPlan>(candidate);
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
