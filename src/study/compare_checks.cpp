#include "study/compare_checks.hpp"

#include <set>
#include <string>
#include <vector>

#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "study/law.hpp"

namespace gmdiff::study {
namespace {

void check_shape(const std::filesystem::path& file, std::int64_t count, std::int64_t dim) {
  const std::vector<std::int64_t> shape = NpyReader(file).shape();
  const bool fits = shape == std::vector{count, dim} || (dim == 1 && shape == std::vector{count});
  require(fits, file.string(), ": expected samples of shape ", io::shape_text({count, dim}),
          ", as many as of the other samplers, got ", io::shape_text(shape));
}

void check_files(const Candidate& candidate, const CompareSettings& settings,
                 const std::vector<Eigen::Index>& dims) {
  const auto* samples = std::get_if<SampleFiles>(&candidate.method);
  if (samples == nullptr) return;
  const auto runs = static_cast<std::size_t>(settings.runs);
  const std::size_t needed = settings.problems.size() * runs;
  require(samples->files.size() == needed, "compare: ", candidate.name, " has ", samples->files.size(),
          " files of samples, expected one for each run of each problem, ", needed);
  for (std::size_t i = 0; i < needed; ++i)
    check_shape(samples->files[i], settings.options.count, dims[i / runs]);
}

void check_run_options(const Options& options) {
  require(options.count >= 1, "compare: options.count must be >= 1, given ", options.count);
  require(options.first == 0 && !options.start && options.history == 0 && !options.smc_history &&
              options.math == MathMode::exact && !options.keep_on_device,
          "compare: options.first, start, history, smc_history, math and keep_on_device must have their "
          "defaults");
}

}  // namespace

void check_settings(const CompareSettings& settings) {
  require(!settings.problems.empty(), "compare: expected at least one problem");
  require(!settings.candidates.empty(), "compare: expected at least one candidate");
  require(!settings.metrics.empty(), "compare: expected at least one metric");
  require(settings.runs >= 1, "compare: runs must be >= 1, given ", settings.runs);
  require(settings.kept_samples >= 0, "compare: kept_samples must be >= 0, given ", settings.kept_samples);
  check_run_options(settings.options);
  std::vector<Eigen::Index> dims;
  dims.reserve(settings.problems.size());
  for (const NamedProblem& named : settings.problems) dims.push_back(law_dim(named.problem, named.name));
  std::set<std::string> custom_names;
  for (const Candidate& candidate : settings.candidates) {
    check_files(candidate, settings, dims);
    const auto* custom = std::get_if<CustomSampler>(&candidate.method);
    if (custom == nullptr) continue;
    require(*custom != nullptr, "compare: the function of ", candidate.name, " is empty");
    // The name identifies the function in a results file.
    require(custom_names.insert(candidate.name).second, "compare: two functions have the name ",
            candidate.name);
  }
}

}  // namespace gmdiff::study
