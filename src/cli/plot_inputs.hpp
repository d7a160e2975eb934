#pragma once

#include <string>
#include <vector>

#include "cli/problem_source.hpp"
#include "report/pictures.hpp"
#include "report/view.hpp"
#include "study/record.hpp"

// Files that pictures are made from. Large arrays are thinned while they are read, so that memory does not
// depend on their size.

namespace gmdiff::cli {

/// At most 100,000 points of a .npy file of shape (n, d), evenly spaced, in the view. Adds a warning if the
/// sidecar describes other data. @throws std::invalid_argument naming the file for another shape.
report::SampledPoints read_sampled_points(const std::string& file, const report::View& view,
                                          std::vector<std::string>& warnings);

/// At most `most_paths` paths of a .npy file of shape (n, M, d) and at most some hundred of their levels,
/// evenly spaced, in the view. The sidecar has the times of the levels; levels without a finite time are left
/// out with a warning.
/// @throws std::invalid_argument naming the file for another shape, a missing sidecar, or one of another
///   process or without times.
report::SampledPaths read_sampled_paths(const std::string& file, const report::View& view,
                                        const Problem& problem, std::int64_t most_paths,
                                        std::vector<std::string>& warnings);

/// Reads paths as above, without a problem: the run need not be a reverse-time one.
report::SampledPaths read_bare_paths(const std::string& file, const report::View& view,
                                     std::int64_t most_paths, std::vector<std::string>& warnings);

/// Dimension of the states in a .npy file of shape (n, M, d).
/// @throws std::invalid_argument naming the file for another shape.
std::int64_t path_dim(const std::string& file);

/// Coordinate `coordinate` of a trace (count, kept, d): all draws of the first chains, and evenly spaced draws of
/// all.
/// @throws std::invalid_argument naming the file for another shape, and if its sidecar has no times.
report::ChainTraces read_traces(const std::string& file, Eigen::Index coordinate,
                                std::vector<std::string>& warnings);

/// The figures of an SMC run from its sidecar, and the final weights of the first chains of a .npz archive.
/// @throws std::invalid_argument naming the file when it is no result of SMC.
report::ChainFigures read_chain_figures(const std::string& file, const study::RunRecord& record);

/// Adds the exact log-evidence of the problem, and runs the first chains again to record their weights.
/// @throws std::invalid_argument when the run is not one of this problem.
void add_problem_figures(report::ChainFigures& figures, const Problem& problem,
                         const std::string& problem_file, const study::RunRecord& record,
                         std::vector<std::string>& warnings);

/// The densities of an archive of `gmdiff fokker-planck`.
/// @throws std::invalid_argument naming the file when it is no such archive.
report::EvolvedDensity read_evolution(const std::string& file);

/// The curves of a log of `gmdiff train`. A torn last line is left out, and lines that a resumed training
/// wrote again replace those before.
/// @throws std::invalid_argument naming file and line for lines of another kind, fewer than two iterations, a
///   key that is missing or of another type.
report::TrainingCurves read_training_log(const std::string& file);

/// Start law and some draws of a trained sampler of a target.
/// @throws std::invalid_argument naming the file when it is no training of a sampler of this target.
report::SamplerState read_sampler_state(const std::string& file, const Target& target);

}  // namespace gmdiff::cli
