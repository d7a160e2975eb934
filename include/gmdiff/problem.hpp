#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/time_grid.hpp>
#include <gmdiff/sampler.hpp>
#include <gmdiff/smc.hpp>

namespace gmdiff {

/// What a problem can be sampled by: a reverse-time sampler, of the prior or the exact posterior; or sequential Monte Carlo, which needs an
/// observation.
using AnySampler = std::variant<Sampler, SmcSampler>;

/// What a problem file holds (guide.md, "Problem files"). Missing parts have these defaults.
struct Problem {
  Mixture prior;
  ProcessDescription process = Vp{};
  GridDescription grid = UniformGrid{};
  std::optional<LinearObservation> observation = {};
  AnySampler sampler = Ddim{};
};

/// Reads a problem file. Arrays may be paths of .npy files relative to it.
/// @throws std::invalid_argument with file, key, expected and given: malformed JSON, a repeated key, an unknown key (with the nearest known
///   one), a wrong type or shape, a .npy file that does not fit, and whatever the model objects find wrong: prior, process, grid and
///   observation are built to be checked (a sampler's ranges are checked by its plan); an SMC sampler without an observation. Steps are
///   limited to 1e6. A malformed file of any size never crashes. std::runtime_error when reading fails.
Problem read_problem(const std::filesystem::path& file);
/// Reads JSON from a stream; `name` stands for the file in messages, `folder` is where relative .npy paths start.
Problem read_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder);
/// Parses JSON text.
Problem parse_problem(const std::string& json, const std::string& name = "problem", const std::filesystem::path& folder = {});
/// The problem as JSON text that `parse_problem` reads back to the same values (doubles in 17 digits).
/// @throws std::invalid_argument for a `CustomProcess`, which has no JSON form.
std::string to_json(const Problem& problem);

/// `name:key=value:key=value`, e.g. `heun:variable=n:churn=20` or `mcgdiff:particles=512`.
/// @throws std::invalid_argument for unknown names, keys (with the nearest) and values.
AnySampler parse_sampler(const std::string& text);
/// Names of all samplers, e.g. "ddim"; those of SMC last.
std::vector<std::string> sampler_names();
/// The sampler as `parse_sampler` reads it, parameters at their default left out.
std::string to_string(const AnySampler& sampler);
/// The sampler with all its parameters as JSON text, e.g. `{"type":"ddim","eta":0.0,...}`; non-finite numbers are the strings "inf",
/// "-inf", "nan".
std::string to_json(const AnySampler& sampler);
/// The grid with all its parameters as JSON text.
std::string to_json(const GridDescription& grid);
/// The process with all its parameters as JSON text.
std::string to_json(const ProcessDescription& process);

/// Mixtures of the tutorial (docs/guide.md): 1-D with three components observed at 0.5, 2-D with two components observed in its first
/// coordinate; VP linear 0.02 ... 7, 300 uniform steps.
Problem tutorial_1d();
Problem tutorial_2d();
/// The problem of all speed figures: three full components in 2-D, VP, 300 Euler-Maruyama steps.
Problem bench_2d();
/// Benchmark of the MCGdiff paper (mathematics.md §7.8): 25 components, linear observation drawn from `seed`. dx even, at most 10000; 1 <=
/// dy <= dx.
struct McgdiffProblem {
  int dx = 8;
  int dy = 2;
  std::uint64_t seed = 0;
  int points = 21;  ///< of the adapted grid: points - 1 steps
};
/// A function of the parameters alone: every random array has its own stream (numerics.md §5, purpose "user").
/// @throws std::invalid_argument for parameters out of range.
Problem mcgdiff_problem(const McgdiffProblem& parameters);

}  // namespace gmdiff
