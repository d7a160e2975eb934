#include "cli/compare_report.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "cli/files.hpp"
#include "cli/problem_source.hpp"
#include "report/compare_picture.hpp"
#include "report/html.hpp"
#include "report/pictures.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::ptrdiff_t most_sample_pictures = 12;  // keeps a report below a megabyte

/// Samples of the first problem over its law, for the first samplers that have some; none for a target.
std::vector<report::Picture> sample_pictures(const CompareSettings& settings,
                                             const std::vector<SamplerRow>& rows) {
  const NamedProblem& named = settings.problems.front();
  const auto* problem = std::get_if<Problem>(&named.problem);
  if (problem == nullptr) return {};
  const Law law = law_of(*problem, /*prior=*/false);
  const bool is_line = law.mixture.dim() == 1;
  const report::View view = report::coordinate_view(
      law.mixture.dim(), is_line ? std::vector<Eigen::Index>{0} : std::vector<Eigen::Index>{0, 1});
  const report::ViewedLaw viewed = report::in_view(view, law.name + " of " + named.name, law.mixture);
  std::vector<report::Picture> pictures;
  for (const SamplerRow& row : rows) {
    if (row.samples.rows() == 0 || std::ssize(pictures) == most_sample_pictures) continue;
    const report::SampledPoints samples{report::in_view(view, row.samples), settings.options.count,
                                        row.sampler};
    pictures.push_back(report::samples_picture(viewed, samples, report::report_picture_width));
  }
  return pictures;
}

/// Says which samplers have no picture because of their number.
std::string pictures_note(std::size_t pictures, const std::vector<SamplerRow>& rows) {
  const auto with_samples =
      std::ranges::count_if(rows, [](const SamplerRow& row) { return row.samples.rows() > 0; });
  if (std::cmp_equal(pictures, with_samples)) return "";
  return concat("The first ", pictures, " of ", with_samples, " samplers.");
}

std::string report_title(const CompareSettings& settings) {
  const std::size_t problems = settings.problems.size();
  return problems == 1 ? "Samplers on " + settings.problems.front().name
                       : concat("Samplers on ", problems, " problems");
}

}  // namespace

void check_report(const std::string& file, bool force, const std::vector<std::string>& problem_files) {
  require(file != "-", "--report: a report goes to a file, not to standard output; give a file name");
  check_output_without_sidecar(file, force);
  InputFiles inputs;
  for (const std::string& problem : problem_files)
    inputs.emplace_back(problem == "-" ? standard_input : problem);
  check_not_input(file, inputs);
}

void write_report(const std::string& file, bool force, const CompareSettings& settings,
                  const std::vector<SamplerRow>& rows) {
  std::vector<ComparisonRecord> records;
  for (const SamplerRow& row : rows) records.insert(records.end(), row.records.begin(), row.records.end());
  if (report::quantities_of(records).empty()) return;
  const std::vector<report::Picture> pictures = sample_pictures(settings, rows);
  const std::string note = pictures_note(pictures.size(), rows);
  write_text(file, report::html_report(report_title(settings), records, pictures, note), force);
}

}  // namespace gmdiff::cli
