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

/// The problem if it has a prior. @throws std::invalid_argument that calls it `name` if it has a target.
Problem with_prior(AnyProblem problem, const std::string& name);

}  // namespace gmdiff::io
