// The verb draw: exact samples.

#include <memory>
#include <span>

#include "cli/run_plan.hpp"

namespace gmdiff::cli {
namespace {

void run_draw(const RunFlags& flags, const InputFiles& inputs, const Plan& plan, const std::string& law) {
  study::RunRecord record;
  record.verb = "draw";
  record.law = law;
  run_plan(flags, inputs, std::move(record), plan, {plan.dim()}, 0);
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

Verb add_draw(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("draw", "exact samples");
  auto flags = std::make_shared<RunFlags>();
  add_run_flags(*verb, *flags);
  set_examples(*verb, "  gmdiff draw problem.json --out exact.npy --count 1000 --seed 1\n");
  return {verb, [flags] { draw(*flags); }};
}

}  // namespace gmdiff::cli
