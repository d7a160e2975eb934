#include <gmdiff/io/problem_file.hpp>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "io/json_input.hpp"

namespace gmdiff::cli {
namespace {

struct ProblemMakerFlags {
  std::string name;
  CommonFlags common;
  std::string out;
  bool force = false;
  FlagText dx, dy, seed;
};

Problem make_mcgdiff(const ProblemMakerFlags& flags) {
  McgdiffProblem parameters;
  const auto dimension = [](const char* flag, const FlagText& text, int& value) {
    if (text) value = static_cast<int>(parse_integer(flag, *text, 1, std::numeric_limits<int>::max()));
  };
  dimension("--dx", flags.dx, parameters.dx);
  dimension("--dy", flags.dy, parameters.dy);
  parameters.seed = parse_seed(flags.seed);
  return mcgdiff_problem(parameters);
}

AnyProblem make_problem(const ProblemMakerFlags& flags) {
  if (flags.name == "mcgdiff") return make_mcgdiff(flags);
  std::vector<std::string> names = problem_names();
  if (std::find(names.begin(), names.end(), flags.name) == names.end()) {
    names.insert(names.begin(), "mcgdiff");
    fail(io::unknown_name("problem", flags.name, names));
  }
  require(!flags.dx && !flags.dy && !flags.seed, flags.name,
          " has fixed numbers: --dx, --dy and --seed belong to mcgdiff");
  return ready_made_problem(flags.name);
}

std::string list_of_names() {
  std::string list = "mcgdiff";
  for (const std::string& name : problem_names()) list += ", " + name;
  return list;
}

void run_problem(const ProblemMakerFlags& flags) {
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  const AnyProblem problem = make_problem(flags);
  const std::string text = std::visit([](const auto& alternative) { return to_json(alternative); }, problem);
  if (!flags.out.empty()) write_text(flags.out, text, flags.force);
  if (flags.out.empty() || flags.common.json) {
    print(text);
  } else if (!flags.common.quiet) {
    print(flags.name + " written to " + flags.out + "\n");
  }
}

}  // namespace

Verb add_problem(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("problem", "a ready-made problem file");
  auto flags = std::make_shared<ProblemMakerFlags>();
  verb->add_option("NAME", flags->name, list_of_names())->required()->type_name("");
  verb->add_option("--dx", flags->dx, "mcgdiff: dimension of x, even (8)")->type_name("N");
  verb->add_option("--dy", flags->dy, "mcgdiff: dimension of y (2)")->type_name("N");
  verb->add_option("--seed", flags->seed, "mcgdiff: seed of operator and observation (0)")->type_name("S");
  verb->add_option("--out", flags->out, "file to write instead of standard output")->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff problem tutorial-2d --out problem.json\n"
               "  gmdiff problem funnel --out funnel.json\n"
               "  gmdiff problem mcgdiff --dx 80 --dy 4 --seed 1\n");
  return {verb, [flags] { run_problem(*flags); }};
}

}  // namespace gmdiff::cli
