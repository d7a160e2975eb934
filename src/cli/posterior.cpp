#include <gmdiff/model/posterior.hpp>

#include <cmath>
#include <memory>

#include <gmdiff/io/problem_file.hpp>

#include "base/check.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/posterior_target.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {
namespace {

struct PosteriorFlags {
  ProblemFlags problem;
  CommonFlags common;
  TargetAnswerFlags target;
  std::string out;
  bool force = false;
};

/// A problem whose prior is the posterior. Process, grid and sampler are those of the original, except where
/// they need the observation.
Problem posterior_problem(const Problem& problem, const Mixture& mixture, std::vector<std::string>& notes) {
  Problem result{.prior = mixture,
                 .process = problem.process,
                 .grid = problem.grid,
                 .observation = {},
                 .sampler = problem.sampler,
                 .start = problem.start,
                 .density = problem.density,
                 .denoiser = {},
                 .training = problem.training};
  if (std::holds_alternative<McgdiffGrid>(problem.grid)) {
    // This grid is adapted to an observation, which the new problem does not have.
    result.grid =
        ListGrid{TimeGrid(ForwardProcess(problem.process), problem.grid, &*problem.observation).times()};
    notes.emplace_back("the grid adapted to the observation is written as a list of its times");
  }
  if (!std::holds_alternative<Sampler>(problem.sampler)) {
    result.sampler = Ddim{};
    notes.push_back(concat("the sampler ", study::name_of(problem.sampler),
                           " needs the observation; the problem written has ", Ddim::name));
  }
  return result;
}

Json posterior_json(const Posterior& exact, const Json& prior) {
  Json json;
  json["law"] = "posterior";
  json["log_evidence"] = json_number(exact.log_evidence);
  json.update(prior);  // weights, means, covariance
  json["log_weights"] = json_vector(exact.mixture.log_weights());
  json["component_log_likelihood"] = json_vector(exact.component_log_likelihood);
  return json;
}

std::string posterior_text(const Posterior& exact) {
  const Mixture& mixture = exact.mixture;
  Table table({"component", "weight", "mean", "standard deviations"});
  for (Eigen::Index k = 0; k < mixture.num_components(); ++k) {
    const Eigen::VectorXd deviations = mixture.component_covariance(k).diagonal().cwiseMax(0.0).cwiseSqrt();
    table.add({std::to_string(k), format_number(mixture.weights()(k)),
               format_vector(mixture.means().row(k).transpose()), format_vector(deviations)});
  }
  return concat("law           posterior, ", mixture.num_components(), " components in dimension ",
                mixture.dim(), "\n", "log evidence  ", format_number(exact.log_evidence, 10), "\n\n",
                table.text());
}

/// Text for standard output, and remarks.
struct Printed {
  std::string text;
  std::vector<std::string> warnings = {}, notes = {};
};

/// The exact posterior of a mixture, written as a problem if there is an output.
Printed answer_and_write(const Problem& problem, const PosteriorFlags& flags) {
  check_no_target_answer_flags(flags.target, flags.problem.file);
  require(problem.observation.has_value(), flags.problem.file, " has no observation: there is no posterior");
  std::vector<std::string> notes;
  const Posterior exact = posterior(problem.prior, *problem.observation);
  const std::string text = to_json(posterior_problem(problem, exact.mixture, notes));
  if (!flags.out.empty()) write_text(flags.out, text, flags.force);
  if (flags.out.empty()) notes.clear();
  return {.text = flags.common.json ? json_text(posterior_json(exact, Json::parse(text).at("prior")))
                                    : posterior_text(exact),
          .notes = notes};
}

/// Normaliser and moments of a target; the arrays of the method are written if there is an output.
Printed answer_and_write(const Target& target, const char* law, const PosteriorFlags& flags) {
  TargetAnswer found = answer(target, law, flags.target, flags.problem.file);
  if (!flags.out.empty()) {
    write_arrays(found, flags.out, flags.force);
    found.json["file"] = flags.out;
    found.text += concat("\nall arrays are in ", flags.out, "\n");
  }
  return {.text = flags.common.json ? json_text(found.json) : found.text, .warnings = found.warnings};
}

Printed answer_and_write(const TargetProblem& problem, const PosteriorFlags& flags) {
  return answer_and_write(problem.target, study::target_law, flags);
}

Printed answer_and_write(const NonlinearProblem& problem, const PosteriorFlags& flags) {
  return answer_and_write(target_of(problem), study::nonlinear_law, flags);
}

Printed answer_and_write(const DynamicsProblem& /*problem*/, const PosteriorFlags& flags) {
  refuse_dynamics("posterior", flags.problem);
}

void run_posterior(const PosteriorFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  InputFiles inputs;
  const AnyProblem problem = load_any_problem(flags.problem.file, inputs);
  if (!flags.out.empty()) check_not_input(flags.out, inputs);
  Printed result;
  {
    const ProgressLine line("posterior", 0, flags.common.quiet);
    result =
        std::visit([&](const auto& alternative) { return answer_and_write(alternative, flags); }, problem);
  }
  print_remarks(result.warnings, result.notes, flags.common.quiet);
  print(result.text);
}

}  // namespace

Verb add_posterior(CLI::App& command) {
  CLI::App* verb =
      command.add_subcommand("posterior",
                             "exact posterior mixture and log-evidence; normaliser and moments of a target "
                             "or of the posterior of an observation with a map");
  auto flags = std::make_shared<PosteriorFlags>();
  add_problem_flags(*verb, flags->problem, /*ask_for_prior=*/false);
  verb->add_option("--out", flags->out,
                   "problem file to write, whose prior is the posterior; for a target or an observation with "
                   "a map the arrays of the "
                   "method as .npz")
      ->type_name("FILE");
  add_target_answer_flags(*verb, flags->target);
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff posterior problem.json --out posterior.json\n");
  return {verb, [flags] { run_posterior(*flags); }};
}

}  // namespace gmdiff::cli
