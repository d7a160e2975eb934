#include <gmdiff/model/posterior.hpp>

#include <cmath>
#include <memory>

#include <gmdiff/io/problem_file.hpp>

#include "base/check.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {
namespace {

struct PosteriorFlags {
  ProblemFlags problem;
  CommonFlags common;
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
                 .density = problem.density};
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

/// The first coordinates of a vector.
std::string format_vector(const Eigen::VectorXd& values) {
  constexpr Eigen::Index most = 4;
  std::string text;
  for (Eigen::Index i = 0; i < std::min(most, values.size()); ++i)
    text += (i == 0 ? "" : " ") + format_number(values(i));
  return text + (values.size() > most ? " ..." : "");
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

void run_posterior(const PosteriorFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  InputFiles inputs;
  const Problem problem = load_problem(flags.problem.file, inputs);
  if (!flags.out.empty()) check_not_input(flags.out, inputs);
  require(problem.observation.has_value(), flags.problem.file, " has no observation: there is no posterior");
  std::vector<std::string> notes;
  std::string result;
  {
    const ProgressLine line("posterior", 0, flags.common.quiet);
    const Posterior exact = posterior(problem.prior, *problem.observation);
    const std::string text = to_json(posterior_problem(problem, exact.mixture, notes));
    if (!flags.out.empty()) write_text(flags.out, text, flags.force);
    result = flags.common.json ? json_text(posterior_json(exact, Json::parse(text).at("prior")))
                               : posterior_text(exact);
  }
  print_remarks({}, flags.out.empty() ? std::vector<std::string>{} : notes, flags.common.quiet);
  print(result);
}

}  // namespace

Verb add_posterior(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("posterior", "exact posterior mixture and log-evidence");
  auto flags = std::make_shared<PosteriorFlags>();
  add_problem_flags(*verb, flags->problem, /*ask_for_prior=*/false);
  verb->add_option("--out", flags->out, "problem file to write, whose prior is the posterior")
      ->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff posterior problem.json --out posterior.json\n");
  return {verb, [flags] { run_posterior(*flags); }};
}

}  // namespace gmdiff::cli
