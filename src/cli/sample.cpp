// The verb sample: samplers, Markov chains and sequential Monte Carlo on the law of a problem.

#include <memory>
#include <span>

#include <gmdiff/device/sample.hpp>
#include <gmdiff/device/tuned.hpp>

#include "base/check.hpp"
#include "cli/chain_flags.hpp"
#include "cli/run_plan.hpp"
#include "io/problem_input.hpp"
#include "plan/program.hpp"
#include "study/denoiser_plan.hpp"
#include "study/path_law.hpp"

namespace gmdiff::cli {
namespace {

/// Runs a plan of independent particles.
void run_sampling(const RunFlags& flags, const InputFiles& inputs, const Plan& plan, study::RunRecord record,
                  study::TraceDensity log_density = {}) {
  const int history = flags.history ? parse_history(*flags.history, plan.times.size()) : 0;
  std::vector<std::int64_t> row_shape{plan.dim()};
  const std::int64_t levels = history > 0 ? history : std::ssize(plan.kept);
  if (levels > 0) row_shape.insert(row_shape.begin(), levels);
  run_plan(flags, inputs, std::move(record), plan, std::move(row_shape), history, std::move(log_density));
}

/// Replaces the denoiser of a problem by that of `--denoiser`. @param problem with a prior
void set_denoiser(const RunFlags& flags, InputFiles& inputs, auto& problem) {
  if (!flags.denoiser) return;
  try {
    problem.denoiser = io::read_given_denoiser(*flags.denoiser, problem.prior.dim());
  } catch (const std::invalid_argument& error) {
    fail("--denoiser: ", error.what());
  }
  add_data(inputs, *flags.denoiser);
}

/// Runs a reverse-time sampler on the law of the verb.
void sample_with(const Sampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = study::grid_of(problem, process);
  const Plan plan = sampling_plan(std::span(&law.mixture, 1), process, grid, sampler);
  run_sampling(flags, inputs, plan, record_of("sample", problem, law.name));
}

/// The observation for a sampler that takes the prior and samples the posterior.
const LinearObservation& observation_for(const char* sampler_name, const RunFlags& flags,
                                         const Problem& problem) {
  require(!flags.problem.prior, "--prior: ", sampler_name,
          " samples the posterior; give another --sampler for the prior");
  return study::observation_for(sampler_name, problem, flags.problem.file);
}

/// Runs a guided sampler.
void sample_with(const GuidedSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const LinearObservation& observation = observation_for(study::name_of(sampler), flags, problem);
  const ForwardProcess process(problem.process);
  const Plan plan = guided_plan(problem.prior, std::span(&observation, 1), process,
                                study::grid_of(problem, process), sampler);
  run_sampling(flags, inputs, plan, record_of("sample", problem, "posterior"));
}

/// Runs Markov chains on a mixture or on another target.
void run_chains(const McmcSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                const auto& target, const std::string& law) {
  require(!flags.denoiser,
          "--denoiser: Markov chains take the law itself; a reverse-time sampler can take a "
          "learned denoiser");
  const Tuned with_step = tuned(target, sampler, parse_seed(flags.seed));
  const Plan plan = mcmc_plan(target, with_step);
  check_chain_output(flags, plan);
  require(!flags.history || plan.kept.empty(),
          "--history: the sampler's output=trace already keeps the states after its warm-up");
  study::RunRecord record;
  record.verb = "sample";
  record.law = law;
  record.sampler = study::Json::parse(to_json(AnySampler(with_step.sampler)));
  study::TraceDensity log_density;
  if (flags.log_density)
    log_density = [&target](const Samples& trace) { return trace_log_density(trace, target); };
  run_sampling(flags, inputs, plan, std::move(record), std::move(log_density));
}

void sample_with(const McmcSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  run_chains(sampler, flags, inputs, law.mixture, law.name);
}

/// Runs a trained sampler of a law.
void run_paths(const LearnedSampler& sampler, const RunFlags& flags, InputFiles inputs,
               const study::PathLaw& law) {
  const auto& learned = std::get<Learned>(sampler);
  require(!flags.denoiser,
          "--denoiser: a trained sampler has networks of its own; a reverse-time sampler can take a learned "
          "denoiser");
  require(!flags.steps, "--steps: a trained sampler has the steps of its training");
  require(!flags.start, "--start: a trained sampler draws its first states from its own start law");
  require(
      flags.out.ends_with(".npz"), "--out ", flags.out,
      ": a trained sampler writes samples and log_weights into an archive; give a name that ends in .npz");
  const PathPlan plan = study::path_plan(learned, law);
  study::RunRecord record;
  record.verb = "sample";
  record.law = law.name;
  record.sampler = study::Json::parse(to_json(AnySampler(sampler)));
  add_data(inputs, learned.model);
  std::vector<std::int64_t> row_shape{plan.dim()};
  const auto states = static_cast<std::size_t>(plan.source->steps()) + 1;
  const int history = flags.history ? parse_history(*flags.history, states) : 0;
  if (history > 0) row_shape.insert(row_shape.begin(), history);
  run_plan(flags, inputs, std::move(record), plan, std::move(row_shape), history);
}

void sample_with(const LearnedSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  run_paths(sampler, flags, inputs, study::path_law_of(problem, flags.problem.prior));
}

/// Archives must have their own suffix, so that nobody mistakes one for an array.
void check_name(const std::string& out, SmcOutput output) {
  const bool is_npz = out.ends_with(".npz");
  require(is_npz || output == SmcOutput::draw, "--out ", out,
          ": output=particles writes samples, log_weights and log_evidence into an archive; give a name that "
          "ends in .npz");
  require(!is_npz || output == SmcOutput::particles, "--out ", out,
          ": one draw a chain is an array, not an archive; give a name that ends in .npy, or the sampler "
          "output=particles");
}

/// Runs sequential Monte Carlo.
void run_smc(const RunFlags& flags, const InputFiles& inputs, const SmcPlan& plan, study::RunRecord record) {
  check_name(flags.out, plan.output);
  std::vector<std::int64_t> row_shape{plan.dim()};
  if (plan.output == SmcOutput::particles) row_shape.insert(row_shape.begin(), plan.particles);
  const int history = flags.history ? parse_history(*flags.history, plan.times.size()) : 0;
  require(history == 0 || plan.output == SmcOutput::particles,
          "--history: ", record.sampler["type"].get<std::string>(),
          " keeps the states of all particles; give the sampler output=particles");
  if (history > 0) row_shape.insert(row_shape.begin(), history);
  run_plan(flags, inputs, std::move(record), plan, std::move(row_shape), history);
}

/// Runs the plan of a sampler with the problem's denoiser. @param problem with a denoiser
void sample_by_denoiser(const RunFlags& flags, const InputFiles& inputs, const auto& problem,
                        const study::DenoiserPlan& plan, const std::string& law) {
  study::RunRecord record = record_of("sample", problem, law);
  const std::string& file = problem.denoiser->file;
  record.notes.push_back(concat("the denoiser is the learned one of ", file));
  if (const auto* chains = std::get_if<SmcPlan>(&plan)) return run_smc(flags, inputs, *chains, record);
  run_sampling(flags, inputs, std::get<Plan>(plan), std::move(record));
}

void sample_with(const SmcSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const LinearObservation& observation = observation_for(study::name_of(sampler), flags, problem);
  const ForwardProcess process(problem.process);
  const SmcPlan plan =
      smc_plan(problem.prior, observation, process, study::grid_of(problem, process), sampler);
  run_smc(flags, inputs, plan, record_of("sample", problem, "posterior"));
}

/// Runs Markov chains, SMC or a guided sampler on the posterior of an observation with a map.
void sample_with(const AnySampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const NonlinearProblem& problem) {
  if (problem.denoiser)
    return sample_by_denoiser(flags, inputs, problem,
                              study::denoiser_plan(sampler, problem, flags.problem.file),
                              study::nonlinear_law);
  check_takes_map(sampler);
  if (const auto* chains = std::get_if<McmcSampler>(&sampler))
    return run_chains(*chains, flags, inputs, target_of(problem), study::nonlinear_law);
  if (const auto* learned = std::get_if<LearnedSampler>(&sampler))
    return run_paths(*learned, flags, inputs, study::path_law_of(problem));
  const ForwardProcess process(problem.process);
  const TimeGrid grid = study::grid_of(problem, process);
  study::RunRecord record = record_of("sample", problem, study::nonlinear_law);
  if (const auto* smc = std::get_if<SmcSampler>(&sampler))
    return run_smc(flags, inputs, smc_plan(problem.prior, problem.observation, process, grid, *smc),
                   std::move(record));
  run_sampling(
      flags, inputs,
      guided_plan(problem.prior, problem.observation, process, grid, std::get<GuidedSampler>(sampler)),
      std::move(record));
}

/// The sampler of the command line. @param dim of the law
AnySampler parse_any(const std::string& text, Eigen::Index dim) {
  const AnySampler sampler = parse_sampler(text);
  const auto* trained = std::get_if<LearnedSampler>(&sampler);
  if (trained == nullptr) return sampler;
  try {
    io::check_model(std::get<Learned>(*trained), dim);
  } catch (const std::invalid_argument& error) {
    fail("--sampler: ", error.what());
  }
  return sampler;
}

TargetSampler parse_without_prior(const std::string& text, Eigen::Index dim) {
  const AnySampler sampler = parse_any(text, dim);
  const std::optional<TargetSampler> of_target = without_prior(sampler);
  require(of_target.has_value(), "--sampler ", text, ": ", study::name_of(sampler),
          " needs a prior; Markov chains and learned samplers sample a target");
  return *of_target;
}

/// @throws std::invalid_argument for a problem whose sampler is to be trained, without one of the command line.
void check_trained(const RunFlags& flags, const std::optional<SamplerSettings>& training) {
  require(!training || flags.sampler, flags.problem.file, ": the sampler ",
          training ? to_string(training->method) : "",
          " is to be trained by the verb train; then --sampler learned:model=FILE samples");
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void sample(const RunFlags& flags, InputFiles& inputs, Problem problem) {
  check_trained(flags, problem.training);
  set_denoiser(flags, inputs, problem);
  if (flags.sampler) problem.sampler = parse_any(*flags.sampler, problem.prior.dim());
  if (flags.steps) set_steps(problem, *flags.steps);
  if (flags.first_step) set_first_step(problem, *flags.first_step);
  check_chain_flags(flags, problem.sampler, problem.prior.dim());
  if (problem.denoiser) {
    const bool is_guided = std::holds_alternative<GuidedSampler>(problem.sampler) ||
                           std::holds_alternative<SmcSampler>(problem.sampler);
    if (is_guided) observation_for(study::name_of(problem.sampler), flags, problem);
    return sample_by_denoiser(
        flags, inputs, problem,
        study::denoiser_plan(problem.sampler, problem, flags.problem.file, flags.problem.prior),
        is_guided ? "posterior" : "prior");
  }
  std::visit([&](const auto& sampler) { sample_with(sampler, flags, inputs, problem); }, problem.sampler);
}

void sample(const RunFlags& flags, InputFiles& inputs, TargetProblem problem) {
  check_no_prior(flags.problem);
  check_trained(flags, problem.training);
  if (flags.sampler) problem.sampler = parse_without_prior(*flags.sampler, problem.target.dim());
  if (flags.first_step) set_first_step(problem, *flags.first_step);
  check_chain_flags(flags, any_sampler(problem.sampler), problem.target.dim());
  if (const auto* learned = std::get_if<LearnedSampler>(&problem.sampler))
    return run_paths(*learned, flags, inputs, study::path_law_of(problem));
  auto& chains = std::get<McmcSampler>(problem.sampler);
  if (flags.steps) set_steps(chains, *flags.steps);
  run_chains(chains, flags, inputs, problem.target, study::target_law);
}

void sample(const RunFlags& flags, InputFiles& inputs, NonlinearProblem problem) {
  if (flags.problem.prior) return sample(flags, inputs, prior_of(problem));
  check_trained(flags, problem.training);
  set_denoiser(flags, inputs, problem);
  if (flags.sampler) problem.sampler = parse_any(*flags.sampler, problem.prior.dim());
  if (flags.steps) set_steps(problem, *flags.steps);
  if (flags.first_step) set_first_step(problem, *flags.first_step);
  check_chain_flags(flags, problem.sampler, problem.prior.dim());
  sample_with(problem.sampler, flags, inputs, problem);
}

void sample(const RunFlags& flags, InputFiles& /*inputs*/, const DynamicsProblem& /*problem*/) {
  refuse_dynamics("sample", flags.problem);
}

void sample(const RunFlags& flags) {
  InputFiles inputs;
  AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  std::visit([&](auto& alternative) { sample(flags, inputs, std::move(alternative)); }, problem);
}

}  // namespace

Verb add_sample(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("sample", "samples by the problem's sampler");
  auto flags = std::make_shared<RunFlags>();
  add_run_flags(*verb, *flags);
  verb->add_option(
          "--sampler", flags->sampler,
          "name or name:key=value:..., instead of the problem's; with mcgdiff and bootstrap --count and "
          "--range count chains of particles, and output=particles keeps them all in a .npz file; with ula, "
          "mala, hmc, baoab, obabo, ou and myula they count Markov chains, output=trace keeps their states "
          "and "
          "output=moments their moments in a .npz file; learned:model=FILE is a sampler of the verb train, "
          "whose "
          "paths they count and whose points and weights are a .npz file. "
          "Names: " +
              list_of(sampler_names()))
      ->type_name("SAMPLER");
  verb->add_option("--steps", flags->steps, "number of steps, instead of the grid's or the chain's")
      ->type_name("N");
  add_chain_flags(*verb, *flags);
  verb->add_option(
          "--denoiser", flags->denoiser,
          "learned denoiser, a file of the verb train, in place of the problem's or the prior's; for "
          "reverse-time samplers, mcgdiff and bootstrap with start=gaussian, tmp, dps, dps-gsg, "
          "dps-likelihood, pigdm and pigdm-alg1")
      ->type_name("FILE");
  add_start(
      *verb, *flags,
      "first states, shape (n, d), one row per particle of the range; with mcgdiff and bootstrap (n, N, d), "
      "the particles of each chain; a .npz file of Markov chains has them as its samples");
  add_history(
      *verb, *flags,
      "keep M levels, noisy to clean: shape (n, M, d), with output=particles (n, M, N, d); their times in "
      "FILE.json");
  set_examples(
      *verb,
      "  gmdiff sample problem.json --out x.npy --sampler ddim:eta=0.5 --steps 50\n"
      "  gmdiff sample problem.json --out a.npy --range 0:500 --seed 7\n"
      "  gmdiff sample problem.json --out b.npy --range 500:1000 --seed 7\n"
      "  gmdiff sample problem.json --out guided.npy --sampler dps:zeta=0.5:integrator=ddim:eta=1\n"
      "  gmdiff sample problem.json --out draws.npy --sampler mcgdiff:particles=64 --count 100\n"
      "  gmdiff sample problem.json --out chains.npz --sampler mcgdiff:output=particles --count 10\n"
      "  gmdiff sample problem.json --out trace.npy --sampler mala:warmup=500:output=trace --count 16\n"
      "  gmdiff sample problem.json --out moments.npz --sampler mala:step=0.2:output=moments --count 16\n"
      "  gmdiff sample problem.json --out own.npz --sampler mala:adapt=chain:warmup=500:output=moments "
      "--count 16\n"
      "  gmdiff sample problem.json --out half.npy --sampler mala:step=0.2:steps=100 --count 16\n"
      "  gmdiff sample problem.json --out whole.npy --sampler mala:step=0.2:steps=100 --start half.npy "
      "--first-step 100\n"
      "  gmdiff sample problem.json --out half.npz --sampler baoab:step=0.2:steps=100 --velocities\n"
      "  gmdiff sample problem.json --out rest.npz --sampler baoab:step=0.2:steps=100 --start half.npz "
      "--first-step 100 --velocities\n");
  return {verb, [flags] { sample(*flags); }};
}

}  // namespace gmdiff::cli
