#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/sampler/problem.hpp>

namespace gmdiff::io {

/// As `gmdiff::read_problem`. Appends all files that were read, including the problem's .npy files, to
/// `files`.
Problem read_problem(const std::filesystem::path& file, std::vector<std::filesystem::path>& files);
Problem read_problem(std::istream& in, const std::string& name, const std::filesystem::path& folder,
                     std::vector<std::filesystem::path>& files);

}  // namespace gmdiff::io
