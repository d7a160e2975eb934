#include "cli/eval_result.hpp"

#include <algorithm>

#include <gmdiff/io/problem_file.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "io/npz.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

constexpr Eigen::Index most_rows = 20;  // rows of a table; the rest of the points is only counted

bool is_of_target(const EvalResult& result) { return result.gradient.size() > 0; }
bool is_of_dynamics(const EvalResult& result) { return !result.function.empty(); }
/// Whether the quantities are those of a diffused law.
bool has_level(const EvalResult& result) { return !is_of_target(result) && !is_of_dynamics(result); }
Eigen::Index num_points(const EvalResult& result) {
  return std::max({result.denoiser.rows(), result.gradient.rows(), result.generator.rows()});
}
Eigen::Index num_rows(const EvalResult& result) { return std::min(num_points(result), most_rows); }

std::string table_of_law(const EvalResult& result) {
  const bool has_flow = result.velocity.size() > 0;
  std::vector<std::string> heads{"point",          "log_density", "component",
                                 "responsibility", "|score|",     "|denoiser|"};
  if (has_flow) heads.insert(heads.end(), {"|velocity|", "divergence"});
  Table table(heads);
  for (Eigen::Index i = 0; i < num_rows(result); ++i) {
    Eigen::Index component = 0;
    const double responsibility = result.responsibilities.row(i).maxCoeff(&component);
    std::vector<std::string> row{std::to_string(i),
                                 format_number(result.log_density(i)),
                                 std::to_string(component),
                                 format_number(responsibility),
                                 format_number(result.score.row(i).norm()),
                                 format_number(result.denoiser.row(i).norm())};
    if (has_flow) {
      row.push_back(format_number(result.velocity.row(i).norm()));
      row.push_back(format_number(result.divergence(i)));
    }
    table.add(row);
  }
  return table.text();
}

std::string table_of_denoiser(const EvalResult& result) {
  Table table({"point", "|denoiser|"});
  for (Eigen::Index i = 0; i < num_rows(result); ++i)
    table.add({std::to_string(i), format_number(result.denoiser.row(i).norm())});
  return table.text();
}

std::string table_of_target(const EvalResult& result) {
  Table table({"point", "log_density", "|gradient|"});
  for (Eigen::Index i = 0; i < num_rows(result); ++i)
    table.add({std::to_string(i), format_number(result.log_density(i)),
               format_number(result.gradient.row(i).norm())});
  return table.text();
}

std::string table_of_generator(const EvalResult& result) {
  Table table({"point", "LF"});
  for (Eigen::Index i = 0; i < num_rows(result); ++i)
    table.add({std::to_string(i), format_number(result.generator(i))});
  return table.text();
}

std::string table_of(const EvalResult& result) {
  if (is_of_dynamics(result)) return table_of_generator(result);
  if (is_of_target(result)) return table_of_target(result);
  return result.sampler ? table_of_denoiser(result) : table_of_law(result);
}

/// The level and the device of the quantities of a diffused law.
Json level_json(const EvalResult& result) {
  Json json;
  json["alpha"] = json_number(result.level.alpha);
  json["sigma"] = json_number(result.level.sigma);
  json["device"] = result.options.device.name();
  json["precision"] = study::precision_name(result.options.precision);
  return json;
}
std::string level_text(const EvalResult& result) {
  return concat("\nlevel  alpha = ", format_number(result.level.alpha),
                ", sigma = ", format_number(result.level.sigma), "\ndevice ", result.options.device.name(),
                ", ", study::precision_name(result.options.precision));
}

}  // namespace

void write_arrays(const EvalResult& result, const std::filesystem::path& file, bool force) {
  std::vector<io::NpzArray> arrays;
  const auto add = [&](const std::string& name, const auto& values, std::vector<std::int64_t> shape) {
    if (values.size() > 0) {
      arrays.push_back(
          {name, std::move(shape), std::span(values.data(), static_cast<std::size_t>(values.size()))});
    }
  };
  const auto add_rows = [&](const std::string& name, const Points& values) {
    add(name, values, {values.rows(), values.cols()});
  };
  add("log_density", result.log_density, {result.log_density.size()});
  add_rows("responsibilities", result.responsibilities);
  add_rows("score", result.score);
  add_rows("denoiser", result.denoiser);
  add_rows("gradient", result.gradient);
  add_rows("velocity", result.velocity);
  add("divergence", result.divergence, {result.divergence.size()});
  add("generator", result.generator, {result.generator.size()});
  io::write_npz(file, arrays, force);
}

std::string eval_json(const EvalResult& result, const std::string& file) {
  Json json;
  json["law"] = result.law;
  if (result.sampler) json["sampler"] = Json::parse(to_json(*result.sampler));
  if (has_level(result)) json.update(level_json(result));
  if (is_of_dynamics(result)) {
    json["function"] = result.function;
    json["generator"] = json_vector(result.generator);
  } else if (!result.sampler) {
    json["log_density"] = json_vector(result.log_density);
  }
  if (is_of_target(result)) {
    json["gradient"] = json_points(result.gradient);
  } else if (has_level(result) && !result.sampler) {
    json["responsibilities"] = json_points(result.responsibilities);
    json["score"] = json_points(result.score);
  }
  if (has_level(result)) json["denoiser"] = json_points(result.denoiser);
  if (result.velocity.size() > 0) {
    json["velocity"] = json_points(result.velocity);
    json["divergence"] = json_vector(result.divergence);
  }
  json["warnings"] = result.warnings;
  if (!file.empty()) json["file"] = file;
  return json_text(json);
}

std::string eval_text(const EvalResult& result, const std::string& file) {
  const Eigen::Index more = num_points(result) - num_rows(result);
  const std::string method = result.sampler ? "\nmethod " + to_string(*result.sampler) : "";
  std::string text = concat(
      "law    ", result.law, " of ", result.problem, method, has_level(result) ? level_text(result) : "",
      is_of_dynamics(result) ? "\nF      " + result.function : "", "\n\n", table_of(result));
  if (more > 0) text += concat("... ", more, " more points\n");
  if (!file.empty()) text += concat("\nall arrays are in ", file, "\n");
  return text;
}

}  // namespace gmdiff::cli
