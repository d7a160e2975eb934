#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/benchmark_mixtures.hpp>

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

/// Reads a dimension, if the flag is given.
void read_dimension(const char* flag, const FlagText& text, int most, int& dim) {
  if (text) dim = static_cast<int>(parse_integer(flag, *text, 1, most));
}

Problem make_mcgdiff(const ProblemMakerFlags& flags) {
  McgdiffProblem parameters;
  read_dimension("--dx", flags.dx, std::numeric_limits<int>::max(), parameters.dx);
  read_dimension("--dy", flags.dy, std::numeric_limits<int>::max(), parameters.dy);
  parameters.seed = parse_seed(flags.seed);
  return mcgdiff_problem(parameters);
}

Problem make_gmm40(const ProblemMakerFlags& flags) {
  require(!flags.dy && !flags.seed, "gmm40 has fixed numbers: --dy and --seed belong to mcgdiff");
  constexpr int most = 10'000;  // as of mcgdiff
  int dim = 2;
  read_dimension("--dx", flags.dx, most, dim);
  auto problem = std::get<Problem>(ready_made_problem("gmm40"));
  problem.prior = gmm40(dim);
  return problem;
}

AnyProblem make_problem(const ProblemMakerFlags& flags) {
  if (flags.name == "mcgdiff") return make_mcgdiff(flags);
  if (flags.name == "gmm40") return make_gmm40(flags);
  std::vector<std::string> names = problem_names();
  if (std::find(names.begin(), names.end(), flags.name) == names.end()) {
    names.insert(names.begin(), "mcgdiff");
    fail(io::unknown_name("problem", flags.name, names));
  }
  require(!flags.dx && !flags.dy && !flags.seed, flags.name,
          " has fixed numbers: --dx, --dy and --seed belong to mcgdiff, --dx also to gmm40");
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
  verb->add_option("--dx", flags->dx, "dimension of x; mcgdiff: even (8), gmm40: (2)")->type_name("N");
  verb->add_option("--dy", flags->dy, "mcgdiff: dimension of y (2)")->type_name("N");
  verb->add_option("--seed", flags->seed, "mcgdiff: seed of operator and observation (0)")->type_name("S");
  verb->add_option("--out", flags->out, "file to write instead of standard output")->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff problem tutorial-2d --out problem.json\n"
               "  gmdiff problem funnel --out funnel.json\n"
               "  gmdiff problem banana --out banana.json\n"
               "  gmdiff problem mcgdiff --dx 80 --dy 4 --seed 1\n");
  return {verb, [flags] { run_problem(*flags); }};
}

}  // namespace gmdiff::cli
