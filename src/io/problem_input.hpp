#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/sampler/problem.hpp>

namespace gmdiff::io {

/// Reads a problem like `gmdiff::read_any_problem`, and appends all files that were read, including the
/// problem's .npy files, to `files`.
AnyProblem read_any_problem(const std::filesystem::path& file, std::vector<std::filesystem::path>& files);
AnyProblem read_any_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder,
                            std::vector<std::filesystem::path>& files);

/// The learned denoiser of a file, on all threads.
/// @throws std::invalid_argument as `read_denoiser`, and for another dimension than that of the prior.
GivenDenoiser read_given_denoiser(const std::filesystem::path& file, Eigen::Index dim);

/// Checks the file of a trained sampler.
/// @throws std::invalid_argument as `read_sampler`, and for another dimension than that of the law.
void check_model(const Learned& sampler, Eigen::Index dim);

/// The problem if it has a prior, and a linear observation or none. @throws std::invalid_argument that calls it
/// `name` for another one.
Problem with_prior(AnyProblem problem, const std::string& name);

}  // namespace gmdiff::io
