// The verb forward: paths from data to noise, and of an SDE or ODE.

#include <memory>
#include <span>

#include "base/check.hpp"
#include "cli/run_moments.hpp"
#include "cli/run_plan.hpp"

namespace gmdiff::cli {
namespace {

/// The whole path, or M levels of it.
void run_paths(const RunFlags& flags, const InputFiles& inputs, const Plan& plan, study::RunRecord record) {
  const std::size_t levels = plan.times.size();
  const int history = flags.history ? parse_history(*flags.history, levels) : static_cast<int>(levels);
  require(flags.moments || !flags.out.ends_with(".npz"), "--out ", flags.out,
          ": paths are one array; give a name that ends in .npy, or --moments");
  if (flags.moments) return run_moments(flags, inputs, std::move(record), plan, history);
  run_plan(flags, inputs, std::move(record), plan, {history, plan.dim()}, history);
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

}  // namespace

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
  verb->add_flag(
      "--moments", flags->moments,
      "instead of the paths, write their moments at each time as .npz: times (M), mean and variance "
      "(M, d), and up to d = 32 covariance (M, d, d), in double");
  set_examples(*verb,
               "  gmdiff forward problem.json --out paths.npy --count 100 --history 11\n"
               "  gmdiff forward problem.json --out path_moments.npz --count 2000 --history 11 --moments\n");
  return {verb, [flags] { forward(*flags); }};
}

}  // namespace gmdiff::cli
