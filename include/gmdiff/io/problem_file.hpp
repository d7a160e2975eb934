#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include <gmdiff/sampler/problem.hpp>

// Problems and their parts as JSON; samplers in the form of the command line.

namespace gmdiff {

/// Reads a problem file. Arrays may be paths of .npy files relative to it.
/// @throws std::invalid_argument with file, key, expected and given value, for malformed JSON, a repeated
///   key, an unknown key (with the nearest known one), a wrong type or shape, a .npy file of another shape,
///   more than 1e6 steps, and an SMC or guided sampler without an observation. Prior, process, grid and
///   observation are checked by their constructors; the plan checks the ranges of a sampler. No file crashes
///   the reader, not even a huge one. std::runtime_error when reading fails. A file with a target,
///   with dynamics or with a nonlinear observation is an error as well.
Problem read_problem(const std::filesystem::path& file);
/// Reads JSON from a stream; messages call it `name`, and relative .npy paths start at `folder`.
Problem read_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder);
/// Parses JSON text.
Problem parse_problem(const std::string& json, const std::string& name = "problem",
                      const std::filesystem::path& folder = {});
/// Reads a problem file with a prior, a target or dynamics. @throws as `read_problem`, for a sampler of a
///   target or of a nonlinear observation that is no Markov chain, and for dynamics that `dynamics_plan`
///   refuses.
AnyProblem read_any_problem(const std::filesystem::path& file);
AnyProblem read_any_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder);
/// The problem as JSON text that `parse_problem` reads back to the same values (doubles in 17 digits).
/// @throws std::invalid_argument for a `CustomProcess`, which has no JSON form.
std::string to_json(const Problem& problem);
std::string to_json(const TargetProblem& problem);
std::string to_json(const DynamicsProblem& problem);
std::string to_json(const NonlinearProblem& problem);
std::string to_json(const AnyProblem& problem);

/// Parses `name:key=value:key=value`, e.g. `heun:variable=n:churn=20`, `mcgdiff:particles=512` or
/// `dps:zeta=1:integrator=ddim:eta=1`.
/// @throws std::invalid_argument for unknown names, keys (with the nearest) and values.
AnySampler parse_sampler(const std::string& text);
/// Names of all samplers, e.g. "ddim": reverse-time samplers, then SMC samplers, then guided samplers.
std::vector<std::string> sampler_names();
/// The sampler in the form that `parse_sampler` reads, without parameters that have their default.
std::string to_string(const AnySampler& sampler);
/// The sampler with all its parameters as JSON text, e.g. `{"type":"ddim","eta":0.0,...}`; non-finite numbers
/// are the strings "inf", "-inf", "nan".
std::string to_json(const AnySampler& sampler);
/// The grid with all its parameters as JSON text.
std::string to_json(const GridDescription& grid);
/// The target with all its parameters as JSON text. @throws std::invalid_argument for an `ObservedMixture`,
///   which a `NonlinearProblem` writes.
std::string to_json(const Target& target);
/// The process with all its parameters as JSON text.
std::string to_json(const ProcessDescription& process);

}  // namespace gmdiff
