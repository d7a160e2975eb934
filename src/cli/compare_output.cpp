#include "cli/compare_output.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "metrics/metric_names.hpp"
#include "study/law.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

/// Names of the laws that the samplers are compared with.
std::string law_names(const std::vector<NamedProblem>& problems) {
  std::string names;
  for (const char* name : {"posterior", "prior", study::target_law}) {
    const auto has_name = [&](const NamedProblem& named) {
      return study::law_name(named.problem) == std::string_view(name);
    };
    if (std::ranges::none_of(problems, has_name)) continue;
    names += names.empty() ? name : concat(" or ", name);
  }
  return names;
}

/// The quantities of the metrics, as the first row that has figures names them.
std::vector<std::string> quantity_names(const std::vector<SamplerRow>& rows) {
  std::vector<std::string> names;
  const auto row = std::ranges::find_if(rows, [](const SamplerRow& r) { return !r.quantities.empty(); });
  if (row == rows.end()) return names;
  for (const QuantityFigures& figures : row->quantities) names.push_back(figures.quantity);
  return names;
}

// ----- JSON

Json known_json(const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); }

/// Adds the figures of one quantity, or null for a sampler that failed.
void add_figures(Json& json, const QuantityFigures* figures) {
  const auto number = [&](double QuantityFigures::*figure) {
    return figures == nullptr ? Json(nullptr) : json_number(figures->*figure);
  };
  json["value"] = number(&QuantityFigures::value);
  json["standard_error"] = figures == nullptr ? Json(nullptr) : known_json(figures->standard_error);
  json["median"] = number(&QuantityFigures::median);
  json["floor"] = number(&QuantityFigures::floor);
  json["floor_sd"] = number(&QuantityFigures::floor_sd);
  json["ratio"] = number(&QuantityFigures::ratio);
}

Json coverage_json(const std::optional<Coverage>& coverage) {
  if (!coverage) return nullptr;
  Json json;
  json["level"] = json_number(coverage->level);
  json["hits"] = coverage->hits;
  json["intervals"] = coverage->problems;
  json["low"] = json_number(coverage->low);
  json["high"] = json_number(coverage->high);
  return json;
}

Json row_json(const SamplerRow& row) {
  Json json;
  json["sampler"] = row.sampler;
  // Most comparisons have one quantity, so the figures of the first one are those of the row, too.
  add_figures(json, row.quantities.empty() ? nullptr : &row.quantities.front());
  json["quantities"] = Json::array();
  for (const QuantityFigures& figures : row.quantities) {
    Json entry;
    entry["quantity"] = figures.quantity;
    add_figures(entry, &figures);
    json["quantities"].push_back(entry);
  }
  json["log_evidence_error"] = known_json(row.log_evidence_error);
  json["log_evidence_sd"] = known_json(row.log_evidence_sd);
  json["ess"] = known_json(row.ess);
  json["smallest_ess"] = known_json(row.smallest_ess);
  json["coverage_observed"] = coverage_json(row.coverage_observed);
  json["coverage_null_space"] = coverage_json(row.coverage_null_space);
  json["evaluations"] = known_json(row.evaluations);
  json["ess_per_second"] = known_json(row.ess_per_second);
  json["seconds"] = row.error ? Json(nullptr) : json_number(row.seconds);
  json["problems"] = row.problems;
  json["runs"] = row.runs;
  json["diverged"] = row.diverged;
  json["warnings"] = row.warnings;
  json["error"] = row.error ? Json(*row.error) : Json(nullptr);
  return json;
}

// ----- table

std::string known_text(const std::optional<double>& value, double factor = 1.0) {
  return value ? format_number(factor * *value, 3) : std::string("-");
}

/// Columns that only some comparisons have.
struct Extra {
  bool coverage = false;
  bool diverged = false;
};

Extra extra_columns(const std::vector<SamplerRow>& rows) {
  // One interval says nothing.
  const auto several = [](const std::optional<Coverage>& coverage) {
    return coverage && coverage->problems > 1;
  };
  Extra extra;
  for (const SamplerRow& row : rows) {
    extra.coverage |= several(row.coverage_observed) || several(row.coverage_null_space);
    extra.diverged |= row.diverged > 0;
  }
  return extra;
}

/// "18/20", with a mark if exact samples do not explain it.
std::string coverage_text(const std::optional<Coverage>& coverage) {
  if (!coverage) return "-";
  return concat(coverage->hits, "/", coverage->problems, coverage->is_calibrated() ? "" : "!");
}

std::vector<std::string> table_header(const std::vector<std::string>& quantities, const Extra& extra) {
  std::vector<std::string> header{"sampler"};
  for (const std::string& quantity : quantities)
    header.insert(header.end(), {quantity, "+-", "median", "floor", "ratio"});
  header.insert(header.end(), {"log-evidence error", "sd", "ESS/N", "smallest"});
  if (extra.coverage) header.insert(header.end(), {"observed", "null"});
  if (extra.diverged) header.emplace_back("diverged");
  header.insert(header.end(), {"ESS/s", "seconds"});
  return header;
}

std::vector<std::string> table_row(const SamplerRow& row, std::size_t columns, const Extra& extra) {
  std::vector<std::string> cells{row.sampler};
  if (row.error) {
    cells.resize(columns, "-");
    cells.back() = "failed " + *row.error;
    if (extra.diverged) cells[columns - 3] = std::to_string(row.diverged);
    return cells;
  }
  for (const QuantityFigures& figures : row.quantities) {
    cells.insert(cells.end(), {format_number(figures.value, 4), known_text(figures.standard_error, 1.96),
                               format_number(figures.median, 4), format_number(figures.floor, 4),
                               format_number(figures.ratio, 3)});
  }
  cells.insert(cells.end(), {known_text(row.log_evidence_error), known_text(row.log_evidence_sd),
                             known_text(row.ess), known_text(row.smallest_ess)});
  if (extra.coverage) {
    cells.insert(cells.end(), {coverage_text(row.coverage_observed), coverage_text(row.coverage_null_space)});
  }
  if (extra.diverged) cells.push_back(std::to_string(row.diverged));
  cells.insert(cells.end(), {known_text(row.ess_per_second), format_number(row.seconds, 3)});
  return cells;
}

/// Says what the columns show. The usual distance is described, other metrics are named.
std::string metrics_text(const CompareSettings& settings) {
  if (settings.metrics == std::vector{Metric::sliced_wasserstein}) {
    return concat("sliced W1 of ", settings.options.count, " samples, ", settings.judging.slices,
                  " directions; floor: of as many exact ones");
  }
  std::string names;
  for (const Metric metric : settings.metrics)
    names += concat(names.empty() ? "" : ", ", metric_name(metric));
  return concat(names, " of ", settings.options.count, " samples; floor: of as many exact ones");
}

// ----- CSV

/// Shortest text that reads back to the same number.
std::string csv_number(double value) {
  const Json json = json_number(value);
  return json.is_string() ? json.get<std::string>() : json.dump();
}

std::string csv_known(const std::optional<double>& value) { return value ? csv_number(*value) : ""; }

std::string csv_share(const std::optional<Coverage>& coverage) {
  return coverage ? csv_number(coverage->share()) : "";
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) line += (i == 0 ? "" : ",") + csv_field(fields[i]);
  return line + "\n";
}

std::vector<std::string> csv_header(const std::vector<std::string>& quantities) {
  std::vector<std::string> header{"sampler"};
  for (const std::string& name : quantities) {
    header.push_back(name);
    for (const char* figure : {"standard_error", "median", "floor", "floor_sd", "ratio"})
      header.push_back(concat(name, "_", figure));
  }
  header.insert(header.end(), {"log_evidence_error", "log_evidence_sd", "ess", "smallest_ess",
                               "coverage_observed", "coverage_null_space", "evaluations", "ess_per_second",
                               "seconds", "problems", "runs", "diverged", "error"});
  return header;
}

std::vector<std::string> csv_row(const SamplerRow& row, std::size_t num_quantities) {
  std::vector<std::string> fields{row.sampler};
  for (const QuantityFigures& figures : row.quantities) {
    fields.insert(fields.end(),
                  {csv_number(figures.value), csv_known(figures.standard_error), csv_number(figures.median),
                   csv_number(figures.floor), csv_number(figures.floor_sd), csv_number(figures.ratio)});
  }
  fields.resize(1 + 6 * num_quantities);
  fields.insert(
      fields.end(),
      {csv_known(row.log_evidence_error), csv_known(row.log_evidence_sd), csv_known(row.ess),
       csv_known(row.smallest_ess), csv_share(row.coverage_observed), csv_share(row.coverage_null_space),
       csv_known(row.evaluations), csv_known(row.ess_per_second), row.error ? "" : csv_number(row.seconds),
       std::to_string(row.problems), std::to_string(row.runs), std::to_string(row.diverged),
       row.error.value_or("")});
  return fields;
}

}  // namespace

std::string compare_json(const CompareSettings& settings, const std::vector<SamplerRow>& rows) {
  const std::vector<std::string> quantities = quantity_names(rows);
  Json json;
  json["problems"] = Json::array();
  for (const NamedProblem& named : settings.problems) json["problems"].push_back(named.name);
  json["law"] = law_names(settings.problems);
  json["metrics"] = Json::array();
  for (const Metric metric : settings.metrics) json["metrics"].push_back(metric_name(metric));
  json["quantity"] = quantities.empty() ? Json(nullptr) : Json(quantities.front());
  json["count"] = settings.options.count;
  json["slices"] = settings.judging.slices;
  json["repeats"] = settings.judging.repeats;
  json["seed"] = settings.options.seed;
  json["runs"] = settings.runs;
  json["precision"] = study::precision_name(settings.options.precision);
  json["device"] = settings.options.device.name();
  json["rows"] = Json::array();
  for (const SamplerRow& row : rows) json["rows"].push_back(row_json(row));
  return json_text(json);
}

std::string compare_text(const CompareSettings& settings, const std::vector<SamplerRow>& rows) {
  const Extra extra = extra_columns(rows);
  const std::vector<std::string> header = table_header(quantity_names(rows), extra);
  Table table(header);
  for (const SamplerRow& row : rows) table.add(table_row(row, header.size(), extra));
  const std::size_t problems = settings.problems.size();
  const std::string which = problems == 1 ? settings.problems.front().name : concat(problems, " problems");
  const std::string runs = settings.runs == 1 ? "" : concat(", ", settings.runs, " runs");
  return concat(law_names(settings.problems), " of ", which, runs, ": ", metrics_text(settings), "\n\n",
                table.text());
}

std::string compare_csv(const std::vector<SamplerRow>& rows) {
  const std::vector<std::string> quantities = quantity_names(rows);
  std::string text = csv_line(csv_header(quantities));
  for (const SamplerRow& row : rows) text += csv_line(csv_row(row, quantities.size()));
  return text;
}

std::vector<std::string> first_warnings(const std::vector<SamplerRow>& rows) {
  std::vector<std::string> warnings;
  for (const SamplerRow& row : rows) {
    if (row.warnings.empty()) continue;
    const std::size_t more = row.warnings.size() - 1;
    warnings.push_back(concat(row.sampler, " ", row.warnings.front(),
                              more == 0 ? "" : concat(" (", more, " more; --json has all)")));
  }
  return warnings;
}

}  // namespace gmdiff::cli
