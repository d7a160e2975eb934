#include "cli/problem_source.hpp"

#include <iostream>

#include <gmdiff/npy.hpp>

#include "io/npy_header.hpp"
#include "model/check.hpp"

namespace gmdiff::cli {

void add_problem_flags(CLI::App& verb, ProblemFlags& flags, bool ask_for_prior) {
  verb.add_option("PROBLEM", flags.file, "problem file, - for standard input")->required()->type_name("");
  if (ask_for_prior) verb.add_flag("--prior", flags.prior, "speak of the prior although the problem has an observation");
}

Problem load_problem(const std::string& file) {
  return file == "-" ? read_problem(std::cin, "standard input", {}) : read_problem(std::filesystem::path(file));
}

Points load_points(const std::string& file) {
  const std::vector<std::int64_t> shape = NpyReader(file).shape();
  require(shape.size() == 1 || shape.size() == 2, file, ": expected points of shape (n, d), got ", io::shape_text(shape));
  require(shape[0] >= 1, file, ": it holds no point");
  return read_points(file);
}

Law law_of(const Problem& problem, bool prior) {
  if (!problem.observation || prior) return {"prior", problem.prior};
  return {"posterior", posterior(problem.prior, *problem.observation).mixture};
}

}  // namespace gmdiff::cli
