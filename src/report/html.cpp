#include "report/html.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "base/check.hpp"
#include "report/axis.hpp"
#include "report/compare_picture.hpp"
#include "report/text_width.hpp"

namespace gmdiff::report {
namespace {

constexpr const char* page_style =
    "body{margin:0 auto;padding:16px;max-width:1200px;font:15px/1.45 Helvetica,Arial,sans-serif;"
    "color:#222;background:#fff}\n"
    "h1{font-size:20px}h2{font-size:16px}.mute{color:#5c5c5c}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}\n"
    "th,td{padding:4px 9px;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left}\n"
    ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:16px}\n"
    ".pictures svg{max-width:100%;height:auto}\n"
    "@media (prefers-color-scheme:dark){body{color:#dcdcdc;background:#161616}.mute{color:#a8a8a8}"
    "th,td{border-color:#3a3a3a}}\n";

std::string cell(const std::string& text) { return "<td>" + escaped(text) + "</td>"; }
std::string cell(double value) { return cell(number_label(value, 4)); }
std::string header(const std::string& text) { return "<th>" + escaped(text) + "</th>"; }

/// Mean over a sampler's runs of an optional figure; absent when no run has it.
std::optional<double> mean_of(const std::vector<ComparisonRecord>& records, const std::string& sampler,
                              std::optional<double> ComparisonRecord::*figure) {
  double sum = 0.0;
  std::size_t count = 0;
  for (const ComparisonRecord& record : records) {
    if (record.sampler != sampler || !(record.*figure)) continue;
    sum += *(record.*figure);
    ++count;
  }
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

std::string optional_cell(const std::optional<double>& value) { return value ? cell(*value) : cell("–"); }

/// A row without figures says why the sampler failed.
std::string failed_cells(const std::vector<ComparisonRecord>& records, const std::string& sampler,
                         std::size_t columns) {
  std::string reason = "no finite figure";
  for (const ComparisonRecord& record : records) {
    if (record.sampler == sampler && record.error) reason = *record.error;
  }
  return concat("<td colspan=\"", columns, "\">failed: ", escaped(reason), "</td>");
}

/// Whether a sampler has figures and a cost; without one there is nothing to draw.
bool has_cost(const std::vector<SamplerFigures>& all, Cost cost) {
  return std::ranges::any_of(all, [cost](const SamplerFigures& figures) {
    return figures.runs > 0 && (cost == Cost::evaluations ? figures.evaluations : figures.seconds) > 0.0;
  });
}

std::string table_of(const std::vector<ComparisonRecord>& records, const std::string& quantity) {
  std::string html = "<h2>" + escaped(quantity) + "</h2>\n<div class=\"wide\"><table>\n<tr>";
  for (const char* name : {"sampler", "runs", "mean", "least", "most", "floor", "ratio", "evaluations",
                           "seconds", "log-evidence error", "ESS/N"})
    html += header(name);
  html += "</tr>\n";
  const std::vector<SamplerFigures> all = figures_of(records, quantity);
  const bool has_evaluations = has_cost(all, Cost::evaluations);
  for (const SamplerFigures& figures : all) {
    html += "<tr>" + cell(figures.sampler) + cell(std::to_string(figures.runs));
    if (figures.runs == 0) {
      html += failed_cells(records, figures.sampler, 9) + "</tr>\n";
      continue;
    }
    html +=
        cell(figures.value) + cell(figures.least) + cell(figures.most) + cell(figures.floor) +
        cell(figures.floor > 0.0 ? figures.value / figures.floor : std::numeric_limits<double>::quiet_NaN()) +
        (has_evaluations ? cell(figures.evaluations) : cell("–")) + cell(figures.seconds) +
        optional_cell(mean_of(records, figures.sampler, &ComparisonRecord::log_evidence_error)) +
        optional_cell(mean_of(records, figures.sampler, &ComparisonRecord::ess)) + "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string description_of(const std::vector<ComparisonRecord>& records) {
  std::set<std::string> problems, versions;
  std::set<std::uint64_t> seeds;
  std::set<std::int64_t> counts;
  for (const ComparisonRecord& record : records) {
    problems.insert(record.problem);
    versions.insert(record.version);
    seeds.insert(record.seed);
    counts.insert(record.count);
  }
  std::string text =
      concat(records.size(), " runs on ", problems.size(), problems.size() == 1 ? " problem" : " problems",
             " with ", seeds.size(), seeds.size() == 1 ? " seed" : " seeds", ", ");
  text += count_label(*counts.begin());
  if (counts.size() > 1) text += " to " + count_label(*counts.rbegin());
  text += " samples each; gmdiff";
  for (const std::string& version : versions) text += " " + version;
  return text +
         ". The floor is the mean distance of exact draws; evaluations are those of a denoiser "
         "per sample.";
}

}  // namespace

std::string html_report(const std::string& title, const std::vector<ComparisonRecord>& records,
                        const std::vector<Picture>& pictures, const std::string& pictures_note) {
  const std::vector<std::string> quantities = quantities_of(records);
  require(!quantities.empty(), "no record has figures, so there is no report");
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      escaped(title) + "</title>\n<style>\n" + page_style + "</style>\n</head>\n<body>\n<h1>" +
      escaped(title) + "</h1>\n<p class=\"mute\">" + escaped(description_of(records)) + "</p>\n";
  for (const std::string& quantity : quantities) {
    html += table_of(records, quantity) + "<div class=\"pictures\">\n";
    for (const Cost cost : {Cost::evaluations, Cost::seconds}) {
      if (has_cost(figures_of(records, quantity), cost))
        html += compare_picture(records, quantity, cost, report_picture_width).svg;
    }
    html += "</div>\n";
  }
  if (!pictures.empty()) {
    html += "<h2>Samples</h2>\n";
    if (!pictures_note.empty()) html += "<p class=\"mute\">" + escaped(pictures_note) + "</p>\n";
    html += "<div class=\"pictures\">\n";
    for (const Picture& picture : pictures) html += picture.svg;
    html += "</div>\n";
  }
  return html + "</body>\n</html>\n";
}

}  // namespace gmdiff::report
