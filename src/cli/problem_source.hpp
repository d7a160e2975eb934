#pragma once

#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/verb.hpp"
#include "study/law.hpp"

namespace gmdiff::cli {

/// Flags of a verb that reads a problem.
struct ProblemFlags {
  std::string file;
  bool prior = false;
};

/// Adds the positional PROBLEM (`-`: standard input), and with `ask_for_prior` the flag `--prior`.
void add_problem_flags(CLI::App& verb, ProblemFlags& flags, bool ask_for_prior = true);

/// @throws std::invalid_argument for `--prior` with a problem that has a target.
void check_no_prior(const ProblemFlags& flags);

/// @throws std::invalid_argument without `--prior`, for a verb that needs exact draws and a problem whose
///   observation has a map.
void check_prior(const ProblemFlags& flags, const char* verb);

/// Reads a problem file, or standard input for `-` (.npy paths in it are relative to the current folder).
Problem load_problem(const std::string& file);
/// Reads a problem as above and adds the files that it reads to `inputs`.
Problem load_problem(const std::string& file, InputFiles& inputs);
/// Reads a problem with a prior or with a target.
AnyProblem load_any_problem(const std::string& file, InputFiles& inputs);
/// @throws std::invalid_argument that the problem has dynamics, which the verb does not take.
[[noreturn]] void refuse_dynamics(const char* verb, const ProblemFlags& flags);

/// Replaces the number of steps of the problem's grid, or of chains, by the value of `--steps`. @throws
/// std::invalid_argument for a grid that is a list of times.
void set_steps(Problem& problem, const std::string& steps);
void set_steps(NonlinearProblem& problem, const std::string& steps);
void set_steps(McmcSampler& chains, const std::string& steps);
void set_grid_steps(GridDescription& grid, const std::string& steps);
/// Replaces the numbers of steps of dynamics that are given.
void set_steps(Dynamics& dynamics, const FlagText& steps, const FlagText& path_steps);

/// Sets the number of the first step of Markov chains. @throws std::invalid_argument for other samplers.
void set_first_step(Problem& problem, const std::string& step);
void set_first_step(NonlinearProblem& problem, const std::string& step);
void set_first_step(TargetProblem& problem, const std::string& step);
void set_first_step(McmcSampler& chains, const std::string& step);

/// The points of a .npy file of shape (n, d), or (n) for d = 1. Adds a warning if the sidecar describes other
/// data.
/// @throws std::invalid_argument naming the file for any other shape.
Points load_points(const std::string& file, std::vector<std::string>& warnings);

/// Adds a warning when the sidecar of a .npy file describes other data.
void check_sidecar(const std::string& file, std::vector<std::string>& warnings);

using study::Law;
using study::law_of;

}  // namespace gmdiff::cli
