#include "cli/problem_source.hpp"

#include <istream>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "base/check.hpp"
#include "cli/arguments.hpp"
#include "cli/streams.hpp"
#include "io/npy_header.hpp"
#include "io/parameter_reader.hpp"
#include "io/problem_input.hpp"
#include "io/sidecar.hpp"

namespace gmdiff::cli {

void add_problem_flags(CLI::App& verb, ProblemFlags& flags, bool ask_for_prior) {
  verb.add_option("PROBLEM", flags.file, "problem file, - for standard input")->required()->type_name("");
  if (ask_for_prior)
    verb.add_flag("--prior", flags.prior, "use the prior although the problem has an observation");
}

void check_no_prior(const ProblemFlags& flags) {
  require(!flags.prior, "--prior: ", flags.file, " has a target and no prior");
}

void check_prior(const ProblemFlags& flags, const char* verb) {
  require(flags.prior, verb, ": ", flags.file,
          " has an observation with a map, whose posterior has no exact draws; --prior takes the prior");
}

void refuse_dynamics(const char* verb, const ProblemFlags& flags) {
  fail(verb, ": ", flags.file, " has dynamics; expected a prior or a target. The verb forward runs dynamics");
}

Problem load_problem(const std::string& file) {
  InputFiles inputs;
  return load_problem(file, inputs);
}

Problem load_problem(const std::string& file, InputFiles& inputs) {
  return io::with_prior(load_any_problem(file, inputs), file == "-" ? "standard input" : file);
}

AnyProblem load_any_problem(const std::string& file, InputFiles& inputs) {
  if (file != "-") return io::read_any_problem(std::filesystem::path(file), inputs);
  inputs.emplace_back(standard_input);
  StandardInput input;
  std::istream in(&input);
  in.exceptions(std::ios_base::badbit);  // lets exceptions of reading pass
  return io::read_any_problem(in, "standard input", {}, inputs);
}

void set_steps(McmcSampler& chains, const std::string& text) {
  const auto steps = parse_integer("--steps", text, 1, catalogue::max_chain_steps);
  std::visit([&](auto& method) { method.run.steps = static_cast<int>(steps); }, chains);
}

void set_steps(Dynamics& dynamics, const FlagText& steps, const FlagText& path_steps) {
  if (steps) dynamics.steps = static_cast<int>(parse_integer("--steps", *steps, 1, io::max_steps));
  if (path_steps)
    dynamics.path_steps = static_cast<int>(parse_integer("--path-steps", *path_steps, 1, io::max_steps));
}

namespace {

/// @param problem with a prior
void set_steps_of(auto& problem, const std::string& text) {
  if (auto* chains = std::get_if<McmcSampler>(&problem.sampler)) return set_steps(*chains, text);
  set_grid_steps(problem.grid, text);
}

}  // namespace

void set_grid_steps(GridDescription& grid, const std::string& text) {
  const int steps = static_cast<int>(parse_integer("--steps", text, 1, io::max_steps));
  if (auto* mcgdiff = std::get_if<McgdiffGrid>(&grid)) {
    mcgdiff->points = steps + 1;
    return;
  }
  std::visit(
      [steps](auto& description) {
        if constexpr (requires { description.steps; }) {
          description.steps = steps;
        } else {
          fail("--steps: the problem's grid is an explicit list of times, whose steps cannot be replaced");
        }
      },
      grid);
}

void set_steps(Problem& problem, const std::string& text) { set_steps_of(problem, text); }
void set_steps(NonlinearProblem& problem, const std::string& text) { set_steps_of(problem, text); }

void set_first_step(McmcSampler& chains, const std::string& text) {
  const auto step = parse_integer("--first-step", text, 0, catalogue::max_first_step);
  std::visit([&](auto& method) { method.run.first_step = static_cast<int>(step); }, chains);
}

namespace {

void set_first_step_of(AnySampler& sampler, const std::string& text) {
  auto* chains = std::get_if<McmcSampler>(&sampler);
  require(chains != nullptr, "--first-step continues Markov chains, and ", study::name_of(sampler),
          " is none");
  set_first_step(*chains, text);
}

}  // namespace

void set_first_step(Problem& problem, const std::string& text) { set_first_step_of(problem.sampler, text); }
void set_first_step(NonlinearProblem& problem, const std::string& text) {
  set_first_step_of(problem.sampler, text);
}

void set_first_step(TargetProblem& problem, const std::string& text) {
  AnySampler sampler = any_sampler(problem.sampler);
  set_first_step_of(sampler, text);
  problem.sampler = *without_prior(sampler);
}

Points load_points(const std::string& file, std::vector<std::string>& warnings) {
  const std::vector<std::int64_t> shape = NpyReader(file).shape();
  require(shape.size() == 1 || shape.size() == 2, file, ": expected points of shape (n, d), got ",
          io::shape_text(shape));
  require(shape[0] >= 1, file, ": it holds no point");
  check_sidecar(file, warnings);
  return read_points(file);
}

void check_sidecar(const std::string& file, std::vector<std::string>& warnings) {
  if (match_sidecar(file) != SidecarMatch::differs) return;
  warnings.push_back(
      concat(io::find_sidecar(file).string(), " is the provenance of other data than ", file, " holds now"));
}

}  // namespace gmdiff::cli
