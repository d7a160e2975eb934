#include "cli/external_samples.hpp"

#include <set>

#include "base/check.hpp"

namespace gmdiff::cli {
namespace {

constexpr const char* problem_placeholder = "{problem}";
constexpr const char* run_placeholder = "{run}";

bool has_placeholder(const std::string& path, const std::string& placeholder) {
  return path.find(placeholder) != std::string::npos;
}

std::string replaced(std::string path, const std::string& placeholder, const std::string& value) {
  for (std::size_t at = path.find(placeholder); at != std::string::npos;
       at = path.find(placeholder, at + value.size()))
    path.replace(at, placeholder.size(), value);
  return path;
}

}  // namespace

Candidate external_candidate(const std::string& text, const std::vector<std::string>& keys, int runs) {
  const std::size_t equals = text.find('=');
  require(equals != std::string::npos && equals > 0 && equals + 1 < text.size(),
          "--external: expected NAME=PATH, got ", text);
  const std::string name = text.substr(0, equals), path = text.substr(equals + 1);
  require(keys.size() == 1 || has_placeholder(path, problem_placeholder), "--external: ", name,
          ": the path of samples of ", keys.size(), " problems needs ", problem_placeholder, ", got ", path);
  require(runs == 1 || has_placeholder(path, run_placeholder), "--external: ", name,
          ": the path of samples of ", runs, " runs needs ", run_placeholder, ", got ", path);
  SampleFiles samples;
  std::set<std::string> seen;
  for (const std::string& key : keys) {
    for (int run = 0; run < runs; ++run) {
      const std::string file =
          replaced(replaced(path, run_placeholder, std::to_string(run)), problem_placeholder, key);
      require(seen.insert(file).second, "--external: ", name, ": several problems would read ", file,
              "; their files need different names");
      samples.files.emplace_back(file);
    }
  }
  return {name, samples};
}

}  // namespace gmdiff::cli
