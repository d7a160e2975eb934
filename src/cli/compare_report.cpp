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

/// Samples of the first samplers that have some, by `draw(samples)`.
template <class Draw>
std::vector<report::Picture> pictures_of(const CompareSettings& settings, const std::vector<SamplerRow>& rows,
                                         const report::View& view, Draw draw) {
  std::vector<report::Picture> pictures;
  for (const SamplerRow& row : rows) {
    if (row.samples.rows() == 0 || std::ssize(pictures) == most_sample_pictures) continue;
    pictures.push_back(
        draw(report::SampledPoints{report::in_view(view, row.samples), settings.options.count, row.sampler}));
  }
  return pictures;
}

/// Samples of the first problem over its law; none for a target whose marginals are not known.
std::vector<report::Picture> sample_pictures(const CompareSettings& settings,
                                             const std::vector<SamplerRow>& rows) {
  const NamedProblem& named = settings.problems.front();
  const Eigen::Index dim = study::law_dim(named.problem, named.name);
  const report::View view = report::usual_view(dim);
  if (const std::optional<Target> of_problem = study::target_in(named.problem)) {
    if (dim > 2) return {};
    const report::ViewedTarget target =
        report::viewed(concat(study::law_name(named.problem), " of ", named.name), *of_problem);
    return pictures_of(settings, rows, view, [&](const report::SampledPoints& samples) {
      return report::samples_picture(target, samples, report::report_picture_width);
    });
  }
  const Law law = law_of(std::get<Problem>(named.problem), /*prior=*/false);
  const report::ViewedLaw viewed = report::in_view(view, law.name + " of " + named.name, law.mixture);
  return pictures_of(settings, rows, view, [&](const report::SampledPoints& samples) {
    return report::samples_picture(viewed, samples, report::report_picture_width);
  });
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
