// The verbs that run a plan: sample, forward, draw.

#include <algorithm>
#include <memory>
#include <span>

#include <gmdiff/base/version.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/tuned.hpp>
#include <gmdiff/io/denoiser_file.hpp>
#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/network/learned_denoiser.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/problem_source.hpp"
#include "cli/report.hpp"
#include "cli/verb.hpp"
#include "cli/watched_run.hpp"
#include "io/npy_header.hpp"
#include "plan/program.hpp"
#include "study/law.hpp"

namespace gmdiff::cli {
namespace {

struct RunFlags {
  ProblemFlags problem;
  CommonFlags common;
  std::string out;
  bool force = false;
  FlagText count, range, seed, start, device, precision, math, history, sampler, steps, path_steps,
      first_step, denoiser;
};

void add_run_flags(CLI::App& verb, RunFlags& flags) {
  add_problem_flags(verb, flags.problem);
  verb.add_option("--out", flags.out, "the .npy file to write; its provenance is written to FILE.json")
      ->required()
      ->type_name("FILE");
  verb.add_option("--count", flags.count, "number of particles (1000)")->type_name("N");
  verb.add_option("--range", flags.range, "particles A to B - 1 of the run, instead of --count")
      ->type_name("A:B");
  verb.add_option("--seed", flags.seed, "64-bit seed (0)")->type_name("S");
  verb.add_option("--device", flags.device,
                  "best, reference, cpu[:threads] or cuda[:index[,index...]] (best)")
      ->type_name("DEVICE");
  verb.add_option("--precision", flags.precision, "f32 or f64 (f32)")->type_name("P");
  verb.add_option("--math", flags.math, "exact, or fast: approximate functions of a GPU, in f32 (exact)")
      ->type_name("MODE");
  add_force(verb, flags.force);
  add_common_flags(verb, flags.common);
}

void add_start(CLI::App& verb, RunFlags& flags, const std::string& meaning) {
  verb.add_option("--start", flags.start, meaning + "; sets the count")->type_name("FILE");
}

void add_history(CLI::App& verb, RunFlags& flags, const std::string& meaning) {
  verb.add_option("--history", flags.history, meaning)->type_name("M");
}

/// The unit that a range counts, and the shape of its first states.
struct Counted {
  const char* name;
  const char* states;  ///< name of the first states of several
  std::vector<std::int64_t> state_shape;
};
Counted counted_of(const Plan& plan) { return {"particles", "states", {plan.dim()}}; }
Counted counted_of(const SmcPlan& plan) {
  return {"chains", "chains of states", {plan.particles, plan.dim()}};
}

/// "(n, 16, 2)"
std::string shape_of_many(const std::vector<std::int64_t>& shape) {
  std::string text = "(n";
  for (const std::int64_t entry : shape) text += concat(", ", entry);
  return text + ")";
}

/// Rows of the .npy file of given start states: (n, d), or (n, N, d) for chains; d = 1 may be omitted.
/// @throws std::invalid_argument naming the file when it has another shape or no row.
std::int64_t count_start_states(const std::filesystem::path& file, const Counted& counted) {
  const NpyReader reader(file);
  const std::vector<std::int64_t>& shape = reader.shape();
  const std::vector<std::int64_t>& state = counted.state_shape;
  const auto is_many_of = [&](auto begin, auto end) {
    return !shape.empty() && std::equal(shape.begin() + 1, shape.end(), begin, end);
  };
  const bool omits_one = state.back() == 1 && is_many_of(state.begin(), state.end() - 1);
  require(omits_one || is_many_of(state.begin(), state.end()), "--start ", file.string(), ": expected shape ",
          shape_of_many(state), ", got ", io::shape_text(shape));
  require(shape[0] >= 1, "--start ", file.string(), ": it holds no state");
  return shape[0];
}

/// The particles or chains to run: the start states set the count.
ParticleRange particles(const RunFlags& flags, const Counted& counted, std::vector<std::string>& notes) {
  ParticleRange range = parse_particles(flags.count, flags.range);
  if (!flags.start) return range;
  const std::int64_t rows = count_start_states(*flags.start, counted);
  require(!flags.range || range.count == rows, "--range holds ", range.count, " ", counted.name,
          ", but --start ", *flags.start, " has ", rows, " ", counted.states);
  if (flags.count && range.count != rows)
    notes.push_back(
        concat("--start has ", rows, " ", counted.states, ", which replaces --count ", range.count));
  range.count = rows;
  return range;
}

int parse_history(const std::string& text, std::size_t levels) {
  return static_cast<int>(parse_integer("--history", text, 2, static_cast<std::int64_t>(levels)));
}

/// Runs `plan` and prints its report, for all three verbs. `inputs` are the files of the problem.
template <class AnyPlan>
void run_verb(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const AnyPlan& plan,
              std::vector<std::int64_t> row_shape, int history) {
  const ParticleRange range = particles(flags, counted_of(plan), record.notes);
  Options options;
  options.first = range.first;
  options.count = range.count;
  options.seed = parse_seed(flags.seed);
  options.precision = parse_precision(flags.precision);
  options.math = parse_math(flags.math);
  options.device = flags.device ? Device::parse(*flags.device) : Device::best();
  options.history = history;
  record.version = version();
  record.problem = flags.problem.file;
  record.seed = options.seed;
  record.first = static_cast<std::uint64_t>(range.first);
  record.end = range.end();
  record.precision = study::precision_name(options.precision);
  record.math = study::math_name(options.math);
  record.plan_hash = hex(plan.hash());
  record.shape = std::move(row_shape);
  record.shape.insert(record.shape.begin(), range.count);
  study::FileRun run{.record = std::move(record),
                     .options = std::move(options),
                     .start = {},
                     .out = flags.out,
                     .partial = partial_name(flags.out),
                     .force = flags.force};
  InputFiles read = inputs;
  if (flags.start) {
    run.start = *flags.start;
    add_data(read, *flags.start);
    check_sidecar(*flags.start, run.record.warnings);
  }
  check_outputs(run, read);
  check_free_space(run.out, output_bytes(plan, run));
  const study::RunRecord done = watched_run(plan, std::move(run), flags.common.quiet);
  print(flags.common.json ? json_text(result_json(done, flags.out)) : result_text(done, flags.out));
}

/// @param problem with a prior
study::RunRecord record_of(const std::string& verb, const auto& problem, const std::string& law) {
  study::RunRecord record;
  record.verb = verb;
  record.law = law;
  if (verb == "sample") record.sampler = Json::parse(to_json(problem.sampler));
  record.process = Json::parse(to_json(problem.process));
  record.grid = Json::parse(to_json(problem.grid));
  return record;
}

/// Runs a plan of independent particles.
void run_sampling(const RunFlags& flags, const InputFiles& inputs, const Plan& plan,
                  study::RunRecord record) {
  const int history = flags.history ? parse_history(*flags.history, plan.times.size()) : 0;
  std::vector<std::int64_t> row_shape{plan.dim()};
  const std::int64_t levels = history > 0 ? history : std::ssize(plan.kept);
  if (levels > 0) row_shape.insert(row_shape.begin(), levels);
  run_verb(flags, inputs, std::move(record), plan, std::move(row_shape), history);
}

/// Runs a reverse-time sampler with the learned denoiser of a file in place of the prior's.
void sample_learned(const Sampler& sampler, const TimeGrid& grid, const RunFlags& flags, InputFiles inputs,
                    const Problem& problem) {
  require(
      !problem.observation || flags.problem.prior,
      "--denoiser: it takes the place of the prior, and the problem has an observation; --prior leaves it "
      "out");
  const LearnedDenoiser learned(read_denoiser(*flags.denoiser), 0);
  require(learned.dim() == problem.prior.dim(), "--denoiser ", *flags.denoiser, ": it has dimension ",
          learned.dim(), ", the prior of ", flags.problem.file, " has ", problem.prior.dim());
  add_data(inputs, *flags.denoiser);
  const ForwardProcess process(problem.process);
  const Plan plan = sampling_plan(Denoiser(learned.denoiser()), learned.dim(), process, grid, sampler);
  study::RunRecord record = record_of("sample", problem, "prior");
  record.notes.push_back(concat("the denoiser is the learned one of ", *flags.denoiser));
  run_sampling(flags, inputs, plan, std::move(record));
}

/// Runs a reverse-time sampler on the law of the verb.
void sample_with(const Sampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  const ForwardProcess process(problem.process);
  const TimeGrid grid = study::grid_of(problem, process);
  if (flags.denoiser) return sample_learned(sampler, grid, flags, inputs, problem);
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

/// Archives must have their own suffix, so that nobody mistakes one for an array.
void check_name(const std::string& out, const Plan& plan) {
  const bool is_npz = out.ends_with(".npz"), has_moments = accumulate_stage(plan) != nullptr;
  require(is_npz || !has_moments, "--out ", out,
          ": output=moments writes the moments of each chain into an archive; give a name that ends in .npz");
  require(
      !is_npz || has_moments, "--out ", out,
      ": the states of chains are an array, not an archive; give a name that ends in .npy, or the sampler "
      "output=moments");
}

/// Runs Markov chains on a mixture or on another target.
void run_chains(const McmcSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                const auto& target, const std::string& law) {
  require(!flags.denoiser,
          "--denoiser: Markov chains take the law itself; a reverse-time sampler can take a "
          "learned denoiser");
  const Tuned with_step = tuned(target, sampler, parse_seed(flags.seed));
  const Plan plan = mcmc_plan(target, with_step);
  check_name(flags.out, plan);
  require(!flags.history || plan.kept.empty(),
          "--history: the sampler's output=trace already keeps the states after its warm-up");
  study::RunRecord record;
  record.verb = "sample";
  record.law = law;
  record.sampler = Json::parse(to_json(AnySampler(with_step.sampler)));
  run_sampling(flags, inputs, plan, std::move(record));
}

void sample_with(const McmcSampler& sampler, const RunFlags& flags, const InputFiles& inputs,
                 const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  run_chains(sampler, flags, inputs, law.mixture, law.name);
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
  run_verb(flags, inputs, std::move(record), plan, std::move(row_shape), history);
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
  check_takes_map(sampler);
  if (const auto* chains = std::get_if<McmcSampler>(&sampler))
    return run_chains(*chains, flags, inputs, target_of(problem), study::nonlinear_law);
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

/// A Markov chain of the command line.
McmcSampler parse_chains(const std::string& text) {
  const AnySampler sampler = parse_sampler(text);
  const auto* chains = std::get_if<McmcSampler>(&sampler);
  require(chains != nullptr, "--sampler ", text, ": ", study::name_of(sampler),
          " needs a prior; Markov chains sample a target");
  return *chains;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void sample(const RunFlags& flags, const InputFiles& inputs, Problem problem) {
  if (flags.sampler) problem.sampler = parse_sampler(*flags.sampler);
  if (flags.steps) set_steps(problem, *flags.steps);
  if (flags.first_step) set_first_step(problem, *flags.first_step);
  require(!flags.denoiser || std::holds_alternative<Sampler>(problem.sampler),
          "--denoiser: ", study::name_of(problem.sampler),
          " takes the law itself; a reverse-time sampler can "
          "take a learned denoiser");
  std::visit([&](const auto& sampler) { sample_with(sampler, flags, inputs, problem); }, problem.sampler);
}

void sample(const RunFlags& flags, const InputFiles& inputs, TargetProblem problem) {
  check_no_prior(flags.problem);
  if (flags.sampler) problem.sampler = parse_chains(*flags.sampler);
  if (flags.steps) set_steps(problem.sampler, *flags.steps);
  if (flags.first_step) set_first_step(problem.sampler, *flags.first_step);
  run_chains(problem.sampler, flags, inputs, problem.target, study::target_law);
}

void sample(const RunFlags& flags, const InputFiles& inputs, NonlinearProblem problem) {
  if (flags.problem.prior) return sample(flags, inputs, prior_of(problem));
  if (flags.sampler) problem.sampler = parse_sampler(*flags.sampler);
  if (flags.steps) set_steps(problem, *flags.steps);
  if (flags.first_step) set_first_step(problem, *flags.first_step);
  sample_with(problem.sampler, flags, inputs, problem);
}

void sample(const RunFlags& flags, const InputFiles& /*inputs*/, const DynamicsProblem& /*problem*/) {
  refuse_dynamics("sample", flags.problem);
}

void sample(const RunFlags& flags) {
  InputFiles inputs;
  AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  std::visit([&](auto& alternative) { sample(flags, inputs, std::move(alternative)); }, problem);
}

/// The whole path, or M levels of it.
void run_paths(const RunFlags& flags, const InputFiles& inputs, const Plan& plan, study::RunRecord record) {
  const std::size_t levels = plan.times.size();
  const int history = flags.history ? parse_history(*flags.history, levels) : static_cast<int>(levels);
  run_verb(flags, inputs, std::move(record), plan, {history, plan.dim()}, history);
}

/// Refuses the flags of dynamics; `has` is what the problem has instead.
void refuse_flags_of_dynamics(const RunFlags& flags, const char* has) {
  for (const auto& [name, text] :
       {std::pair("--steps", &flags.steps), std::pair("--path-steps", &flags.path_steps)})
    require(!*text, name, " belongs to dynamics, and ", flags.problem.file, " has ", has);
}

void forward(const RunFlags& flags, const InputFiles& inputs, const Problem& problem) {
  refuse_flags_of_dynamics(flags, "a prior");
  const Law law = law_of(problem, flags.problem.prior);
  const ForwardProcess process(problem.process);
  const Plan plan = forward_plan(std::span(&law.mixture, 1), process, study::grid_of(problem, process));
  run_paths(flags, inputs, plan, record_of("forward", problem, law.name));
}

void forward(const RunFlags& flags, const InputFiles& /*inputs*/, const TargetProblem& /*problem*/) {
  const bool is_input = flags.problem.file == "-";
  fail(is_input ? "standard input" : flags.problem.file, " has a target; expected a prior or dynamics");
}

void forward(const RunFlags& flags, const InputFiles& inputs, const NonlinearProblem& problem) {
  check_prior(flags.problem, "forward");
  forward(flags, inputs, prior_of(problem));
}

void forward(const RunFlags& flags, const InputFiles& inputs, DynamicsProblem problem) {
  require(!flags.problem.prior, "--prior: ", flags.problem.file, " has dynamics and no prior");
  set_steps(problem.dynamics, flags.steps, flags.path_steps);
  study::RunRecord record;
  record.verb = "forward";
  record.law = study::dynamics_law;
  run_paths(flags, inputs, dynamics_plan(problem.dynamics), std::move(record));
}

void forward(const RunFlags& flags) {
  InputFiles inputs;
  AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  std::visit([&](auto& alternative) { forward(flags, inputs, std::move(alternative)); }, problem);
}

void run_draw(const RunFlags& flags, const InputFiles& inputs, const Plan& plan, const std::string& law) {
  study::RunRecord record;
  record.verb = "draw";
  record.law = law;
  run_verb(flags, inputs, std::move(record), plan, {plan.dim()}, 0);
}

void draw(const RunFlags& flags, const InputFiles& inputs, const Problem& problem) {
  const Law law = law_of(problem, flags.problem.prior);
  run_draw(flags, inputs, draw_plan(std::span(&law.mixture, 1)), law.name);
}

void draw(const RunFlags& flags, const InputFiles& inputs, const TargetProblem& problem) {
  check_no_prior(flags.problem);
  run_draw(flags, inputs, draw_plan(problem.target), study::target_law);
}

void draw(const RunFlags& flags, const InputFiles& inputs, const NonlinearProblem& problem) {
  check_prior(flags.problem, "draw");
  draw(flags, inputs, prior_of(problem));
}

void draw(const RunFlags& flags, const InputFiles& /*inputs*/, const DynamicsProblem& /*problem*/) {
  refuse_dynamics("draw", flags.problem);
}

void draw(const RunFlags& flags) {
  InputFiles inputs;
  const AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  std::visit([&](const auto& alternative) { draw(flags, inputs, alternative); }, problem);
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
          "output=moments their moments in a .npz file. "
          "Names: " +
              list_of(sampler_names()))
      ->type_name("SAMPLER");
  verb->add_option("--steps", flags->steps, "number of steps, instead of the grid's or the chain's")
      ->type_name("N");
  verb->add_option("--first-step", flags->first_step,
                   "number of the first step of Markov chains that --start continues: the steps of the run "
                   "whose last states it holds")
      ->type_name("N");
  verb->add_option("--denoiser", flags->denoiser,
                   "learned denoiser, a file of the verb train, in place of the prior's; the sampler needs "
                   "start=gaussian")
      ->type_name("FILE");
  add_start(
      *verb, *flags,
      "first states, shape (n, d), one row per particle of the range; with mcgdiff and bootstrap (n, N, d), "
      "the particles of each chain");
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
      "--first-step 100\n");
  return {verb, [flags] { sample(*flags); }};
}

Verb add_forward(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "forward", "paths of x_t at the grid's times, from data to noise, or of an SDE or ODE");
  auto flags = std::make_shared<RunFlags>();
  add_run_flags(*verb, *flags);
  add_start(*verb, *flags,
            "data to start from instead of draws, shape (n, d), one row per particle of the range");
  add_history(*verb, *flags, "keep M levels of the N + 1 of N steps");
  verb->add_option("--steps", flags->steps, "number of steps of dynamics, instead of the file's")
      ->type_name("N");
  verb->add_option(
          "--path-steps", flags->path_steps,
          "paths of dynamics on the Brownian motion of N steps, a multiple of their steps; runs with "
          "one N share their paths")
      ->type_name("N");
  set_examples(*verb, "  gmdiff forward problem.json --out paths.npy --count 100 --history 11\n");
  return {verb, [flags] { forward(*flags); }};
}

Verb add_draw(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("draw", "exact samples");
  auto flags = std::make_shared<RunFlags>();
  add_run_flags(*verb, *flags);
  set_examples(*verb, "  gmdiff draw problem.json --out exact.npy --count 1000 --seed 1\n");
  return {verb, [flags] { draw(*flags); }};
}

}  // namespace gmdiff::cli
