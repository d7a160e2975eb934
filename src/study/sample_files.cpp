#include "study/sample_files.hpp"

#include <gmdiff/io/npy.hpp>

#include "base/check.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::study {
namespace {

void check_shape(const std::filesystem::path& file, std::int64_t count, std::int64_t dim) {
  const std::vector<std::int64_t> shape = NpyReader(file).shape();
  const bool fits = shape == std::vector{count, dim} || (dim == 1 && shape == std::vector{count});
  require(fits, file.string(), ": expected samples of shape ", io::shape_text({count, dim}),
          ", as many as of the other samplers, got ", io::shape_text(shape));
}

}  // namespace

void check_sample_files(const Candidate& candidate, const CompareSettings& settings) {
  const auto* samples = std::get_if<SampleFiles>(&candidate.method);
  if (samples == nullptr) return;
  const auto runs = static_cast<std::size_t>(settings.runs);
  const std::size_t needed = settings.problems.size() * runs;
  require(samples->files.size() == needed, "compare: ", candidate.name, " has ", samples->files.size(),
          " files of samples, expected one for each run of each problem, ", needed);
  for (std::size_t i = 0; i < needed; ++i)
    check_shape(samples->files[i], settings.options.count, settings.problems[i / runs].problem.prior.dim());
}

}  // namespace gmdiff::study
