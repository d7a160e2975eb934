#include "cli/compare_report.hpp"

#include "base/check.hpp"
#include "cli/files.hpp"
#include "cli/problem_source.hpp"
#include "report/compare_picture.hpp"
#include "report/html.hpp"
#include "report/pictures.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::ptrdiff_t most_sample_pictures = 12;  // keeps a report below a megabyte

/// Samples of the first problem over its law, for each sampler that has some.
std::vector<report::Picture> sample_pictures(const study::CompareSettings& settings,
                                             const std::vector<study::SamplerRow>& rows) {
  const study::NamedProblem& named = settings.problems.front();
  const Law law = law_of(named.problem, /*prior=*/false);
  const bool is_line = law.mixture.dim() == 1;
  const report::View view = report::coordinate_view(
      law.mixture.dim(), is_line ? std::vector<Eigen::Index>{0} : std::vector<Eigen::Index>{0, 1});
  const report::ViewedLaw viewed = report::in_view(view, law.name + " of " + named.name, law.mixture);
  std::vector<report::Picture> pictures;
  for (const study::SamplerRow& row : rows) {
    if (row.samples.rows() == 0 || std::ssize(pictures) == most_sample_pictures) continue;
    const report::SampledPoints samples{report::in_view(view, row.samples), settings.options.count,
                                        row.sampler};
    pictures.push_back(report::samples_picture(viewed, samples, report::report_picture_width));
  }
  return pictures;
}

std::string report_title(const study::CompareSettings& settings) {
  const std::size_t problems = settings.problems.size();
  return problems == 1 ? "Samplers on " + settings.problems.front().name
                       : concat("Samplers on ", problems, " problems");
}

}  // namespace

void check_report(const std::string& file, bool force, const std::vector<std::string>& problem_files) {
  check_output_without_sidecar(file, force);
  InputFiles inputs;
  for (const std::string& problem : problem_files)
    inputs.emplace_back(problem == "-" ? standard_input : problem);
  check_not_input(file, inputs);
}

void write_report(const std::string& file, bool force, const study::CompareSettings& settings,
                  const std::vector<study::SamplerRow>& rows) {
  std::vector<ComparisonRecord> records;
  for (const study::SamplerRow& row : rows)
    records.insert(records.end(), row.records.begin(), row.records.end());
  if (report::quantities_of(records).empty()) return;
  write_text(file, report::html_report(report_title(settings), records, sample_pictures(settings, rows)),
             force);
}

}  // namespace gmdiff::cli
